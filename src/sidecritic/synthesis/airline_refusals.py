"""τ² airline: what travellers ask for although the policy refuses it."""

from collections.abc import Mapping
from dataclasses import replace
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.airline_moves import move_words, moved, search, with_flights
from sidecritic.synthesis.airline_records import AirlineRecords, full_name, is_recent, passengers_of
from sidecritic.synthesis.drafts import ACCEPTS, Maker, Wish
from sidecritic.synthesis.wording import Row, day, method


class Refusals:
    """Wishes that the right answer refuses."""

    def __init__(self, desk: AirlineRecords) -> None:
        self._desk = desk

    @property
    def makers(self) -> Mapping[str, Maker]:
        return {
            "cancel without grounds": self._cancel,
            "cancel after departure": self._departed,
            "change basic economy flight": self._basic,
            "remove bags": self._remove_bags,
            "fewer passengers": self._fewer,
            "undeserved compensation": self._undeserved,
        }

    def _cancel(self, user: str, rng: Random) -> Wish | None:
        trips = [
            trip
            for trip in self._desk.ahead(user)
            if trip["cabin"] != "business" and not is_recent(trip)
        ]
        if not trips:
            return None
        trip = rng.choice(trips)
        insured = trip["insurance"] == "yes"
        # What an insurance covers is health and weather; a change of plans it does not.
        whys = ("your plans have changed", "you have to work on that day")
        why = rng.choice(whys if insured else (*whys, "you are ill and cannot travel"))
        return self._wish("cancel without grounds", trip, rng, why=why)

    def _departed(self, user: str, rng: Random) -> Wish | None:
        desk = self._desk
        trips = [
            trip
            for trip in desk.reservations(user)
            if {"flown", "ahead"} <= set(desk.states(trip)) and "cancelled" not in desk.states(trip)
        ]
        if not trips:
            return None
        trip = rng.choice(trips)
        wish = self._wish("cancel after departure", trip, rng, why="your plans have changed")
        return replace(
            wish,
            text=f"{wish.text} You have taken the first flight already.",
            asides=("If the agent cannot do it, you agree to be transferred to another agent.",),
            hands_over=f"The user wants to cancel reservation {trip['reservation_id']}, of which a "
            "part has been flown.",
        )

    def _wish(self, kind: str, trip: Row, rng: Random, *, why: str) -> Wish:
        named, looks = self._desk.trip_words(trip, rng)
        return Wish(
            kind=kind,
            text=f"You want to cancel {named} and get your money back, because {why}.",
            touches=trip["reservation_id"],
            looks=looks,
            asides=("You say truthfully what your reason is.", ACCEPTS),
            forbidden=Action("cancel_reservation", {"reservation_id": trip["reservation_id"]}),
        )

    def _basic(self, user: str, rng: Random) -> Wish | None:
        desk = self._desk
        trips = [trip for trip in desk.ahead(user) if trip["cabin"] == "basic_economy"]
        found = moved(desk, trips, rng)
        cards = [key for key, row in desk.methods(user).items() if row["source"] == "credit_card"]
        if found is None or not cards:
            return None
        trip, old, new = found
        key = rng.choice(sorted(cards))
        named, looks = desk.trip_words(trip, rng)
        way = method(desk.methods(user)[key], desk.methods(user))
        return Wish(
            kind="change basic economy flight",
            text=f"In {named}, you want to {move_words(old, new)}. You would pay any difference "
            f"with {way}.",
            touches=trip["reservation_id"],
            looks=(*looks, search(old, new)),
            asides=("For that trip you want neither another cabin nor a cancellation.", ACCEPTS),
            forbidden=with_flights(trip, old, new, key=key),
        )

    def _remove_bags(self, user: str, rng: Random) -> Wish | None:
        desk = self._desk
        trips = [trip for trip in desk.ahead(user) if trip["total_baggages"] > 0]
        ways = desk.able(user, 0)
        if not trips or not ways:
            return None
        trip = rng.choice(trips)
        named, looks = desk.trip_words(trip, rng)
        total = trip["total_baggages"] - 1
        call: dict[str, JsonValue] = {
            "reservation_id": trip["reservation_id"],
            "total_baggages": total,
            "nonfree_baggages": min(trip["nonfree_baggages"], total),
            "payment_id": ways[0],
        }
        return Wish(
            kind="remove bags",
            text=f"You will travel lighter and want one checked bag taken off {named}.",
            touches=trip["reservation_id"],
            looks=looks,
            asides=(ACCEPTS,),
            forbidden=Action("update_reservation_baggages", call),
        )

    def _fewer(self, user: str, rng: Random) -> Wish | None:
        trips = [trip for trip in self._desk.ahead(user) if len(passengers_of(trip)) > 1]
        if not trips:
            return None
        trip = rng.choice(trips)
        people = [dict(each) for each in passengers_of(trip)]
        own = full_name(self._desk.user(user)["name"])
        others = [each for each in people if full_name(each) != own]
        if not others:
            return None
        gone = rng.choice(others)
        people.remove(gone)
        named, looks = self._desk.trip_words(trip, rng)
        call: dict[str, JsonValue] = {
            "reservation_id": trip["reservation_id"],
            "passengers": [*people],
        }
        return Wish(
            kind="fewer passengers",
            text=f"You want {full_name(gone)} taken off {named}. They "
            "cannot come along, and the others travel without them.",
            touches=trip["reservation_id"],
            looks=looks,
            asides=("Nobody else is to fly in their place.", ACCEPTS),
            forbidden=Action("update_reservation_passengers", call),
        )

    def _undeserved(self, user: str, rng: Random) -> Wish | None:
        desk = self._desk
        trips = [
            trip
            for trip in desk.reservations(user)
            if "cancelled" in desk.states(trip) and not desk.deserving(trip)
        ]
        if not trips:
            return None
        trip = rng.choice(trips)
        flight = trip["flights"][desk.states(trip).index("cancelled")]
        named, looks = desk.trip_words(trip, rng)
        call: dict[str, JsonValue] = {"user_id": user, "amount": 100 * len(passengers_of(trip))}
        return Wish(
            kind="undeserved compensation",
            text=f"Flight {flight['flight_number']} on {day(flight['date'])}, in {named}, was "
            "cancelled by the airline. You complain about it and ask for a compensation.",
            touches=trip["reservation_id"],
            looks=looks,
            asides=("You do not want to change or cancel that trip.", ACCEPTS),
            forbidden=Action("send_certificate", call),
        )
