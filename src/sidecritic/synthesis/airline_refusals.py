"""τ² airline: what travellers ask for although the policy refuses it."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.airline_moves import move_words, moved, search, with_flight
from sidecritic.synthesis.airline_records import (
    AirlineRecords,
    full_name,
    is_recent,
    leg_of,
    passengers_of,
    segment,
)
from sidecritic.synthesis.drafts import Maker, Wish, picked
from sidecritic.synthesis.wording import Row, day


class AirlineRefusals(AirlineRecords):
    """Wishes that the right answer refuses."""

    @property
    def refusals(self) -> Mapping[str, Maker]:
        return {
            "cancel without grounds": self._groundless,
            "cancel after departure": self._departed,
            "change basic economy flight": self._basic,
            "remove bags": self._remove_bags,
            "fewer passengers": self._fewer,
            "undeserved compensation": self._undeserved,
        }

    def _groundless(self, user: str, rng: Random) -> Wish:
        trips = [t for t in self.ahead(user) if t["cabin"] != "business" and not is_recent(t)]
        trip = picked(rng, trips)
        insured = trip["insurance"] == "yes"
        # What an insurance covers is health and weather; a change of plans it does not.
        whys = ("your plans have changed", "you have to work on that day")
        why = rng.choice(whys if insured else (*whys, "you are ill and cannot travel"))
        return self._refund(trip, rng, why)

    def _departed(self, user: str, rng: Random) -> Wish:
        trips = [t for t in self.reservations(user) if set(self.states(t)) == {"flown", "ahead"}]
        trip = picked(rng, trips)
        wish = self._refund(trip, rng, "your plans have changed")
        return replace(
            wish,
            text=f"{wish.text} You have taken the first flight already.",
            asides=("If the agent cannot do it, you agree to be transferred to another agent.",),
            hands_over=f"The user wants to cancel reservation {trip['reservation_id']}, of which a "
            "part has been flown.",
        )

    def _refund(self, trip: Row, rng: Random, why: str) -> Wish:
        it = self.trip(trip, rng)
        return it.wish(
            f"You want to cancel {it.words} and get your money back, because {why}.",
            "cancel_reservation",
            {},
            asides=("You say truthfully what your reason is.",),
        )

    def _basic(self, user: str, rng: Random) -> Wish:
        trips = [trip for trip in self.ahead(user) if trip["cabin"] == "basic_economy"]
        trip, old, new = moved(self, trips, rng)
        methods = sorted(self.methods(user).items())
        key = picked(rng, [key for key, row in methods if row["source"] == "credit_card"])
        it = self.trip(trip, rng)
        return it.wish(
            f"In {it.words}, you want to {move_words(old, new)}. You would pay any difference "
            f"with {self.way(user, key)}.",
            "update_reservation_flights",
            with_flight(trip, old, new, key=key),
            looks=(search(leg_of(old), new.date),),
            asides=("For that trip you want neither another cabin nor a cancellation.",),
        )

    def _remove_bags(self, user: str, rng: Random) -> Wish:
        ways = self.able(user, 0)
        trip = picked(rng, [t for t in self.ahead(user) if ways and t["total_baggages"] > 0])
        total = trip["total_baggages"] - 1
        charged = min(trip["nonfree_baggages"], total)
        it = self.trip(trip, rng)
        return it.wish(
            f"You will travel lighter and want one checked bag taken off {it.words}.",
            "update_reservation_baggages",
            {"total_baggages": total, "nonfree_baggages": charged, "payment_id": ways[0]},
        )

    def _fewer(self, user: str, rng: Random) -> Wish:
        trip = picked(rng, [t for t in self.ahead(user) if len(passengers_of(t)) > 1])
        own = full_name(self.user(user)["name"])
        people = [dict(each) for each in passengers_of(trip)]
        gone = picked(rng, [each for each in people if full_name(each) != own])
        people.remove(gone)
        it = self.trip(trip, rng)
        return it.wish(
            f"You want {full_name(gone)} taken off {it.words}. They cannot come along, and the "
            "others travel without them.",
            "update_reservation_passengers",
            {"passengers": [*people]},
            asides=("Nobody else is to fly in their place.",),
        )

    def _undeserved(self, user: str, rng: Random) -> Wish:
        wish = self.complaint(user, rng, deserves=False)
        return replace(wish, asides=("You do not want to change or cancel that trip.",))

    def complaint(self, user: str, rng: Random, *, deserves: bool) -> Wish:
        """Return a complaint about a cancelled flight, with or without a right to anything."""
        trip = picked(
            rng,
            [
                trip
                for trip in self.reservations(user)
                if "cancelled" in self.states(trip) and self.deserving(trip) is deserves
            ],
        )
        it = self.trip(trip, rng)
        flight = trip["flights"][self.states(trip).index("cancelled")]
        status = Action("get_flight_status", segment(flight))
        call = {"user_id": user, "amount": 100 * len(passengers_of(trip))}
        return Wish(
            text=f"Flight {flight['flight_number']} on {day(flight['date'])}, in {it.words}, was "
            "cancelled by the airline. You complain about it and ask for a compensation.",
            touches=it.id,
            looks=(*it.looks, *((status,) if deserves else ())),
            writes=(Action("send_certificate", call),),
        )
