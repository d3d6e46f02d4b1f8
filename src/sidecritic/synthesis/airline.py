"""τ² airline: what travellers may ask for and get."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from sidecritic.synthesis.airline_booking import booking
from sidecritic.synthesis.airline_moves import move_words, moved, new_flights, search, with_flight
from sidecritic.synthesis.airline_records import (
    cabin_words,
    full_name,
    is_recent,
    leg_of,
    passengers_of,
)
from sidecritic.synthesis.airline_refusals import AirlineRefusals
from sidecritic.synthesis.drafts import Maker, Wish, picked
from sidecritic.synthesis.places import person
from sidecritic.synthesis.wording import Row, amount

CABINS = ("basic_economy", "economy", "business")


class Airline(AirlineRefusals):
    """The desk of the airline."""

    @property
    def makers(self) -> Mapping[str, Maker]:
        return {
            "cancel": self._cancel,
            "change flight": self._change_flight,
            "change cabin": self._change_cabin,
            "add bags": self._add_bags,
            "change passenger": self._change_passenger,
            "book": lambda user, rng: booking(self, user, rng),
            "compensation": self._compensation,
        }

    def _cancel(self, user: str, rng: Random) -> Wish:
        cases = [
            (trip, why)
            for trip in self.reservations(user)
            for why in _grounds(trip, self.states(trip))
        ]
        trip, why = picked(rng, cases)
        it = self.trip(trip, rng)
        wish = it.wish(f"You want to cancel {it.words}, because {why}.", "cancel_reservation", {})
        if rng.random() >= 0.3:
            return wish
        text = f"{wish.text} You also want to know how much money you get back."
        paid = sum(part["amount"] for part in trip["payment_history"])
        return replace(wish, text=text, tells=(amount(paid),))

    def _change_flight(self, user: str, rng: Random) -> Wish:
        trips = [t for t in self.ahead(user) if t["cabin"] != "basic_economy"]
        trip, old, new = moved(self, trips, rng)
        extra = (new.prices[trip["cabin"]] - old["price"]) * len(passengers_of(trip))
        key, way = self.payment(user, max(extra, 0), rng)
        it = self.trip(trip, rng)
        return it.wish(
            f"In {it.words}, you want to {move_words(old, new)}. For any difference in price you "
            f"use {way}.",
            "update_reservation_flights",
            with_flight(trip, old, new, key=key),
            looks=(search(leg_of(old), new.date),),
            asides=("Nothing else changes on the trip that you move.",),
        )

    def _change_cabin(self, user: str, rng: Random) -> Wish:
        cases = [
            (trip, cabin, key)
            for trip in self.ahead(user)
            for cabin in CABINS
            if cabin != trip["cabin"] and (price := self._cabin_price(trip, cabin)) is not None
            for key in self.able(user, max(price, 0))
        ]
        trip, cabin, key = picked(rng, cases)
        it = self.trip(trip, rng)
        return it.wish(
            f"You want {it.words} changed to {cabin_words(cabin)} for everybody, with the same "
            f"flights. For the difference in price you use {self.way(user, key)}.",
            "update_reservation_flights",
            new_flights(cabin, trip["flights"], key=key),
            asides=("Whatever the difference is, you agree to it.",),
        )

    def _cabin_price(self, trip: Row, cabin: str) -> float | None:
        """Return what another cabin costs in addition; `None` where seats are missing."""
        count, total = len(passengers_of(trip)), 0.0
        for old in trip["flights"]:
            new = self.on(old["flight_number"], old["date"])
            if new is None or new.seats[cabin] < count:
                return None
            total += (new.prices[cabin] - old["price"]) * count
        return total

    def _add_bags(self, user: str, rng: Random) -> Wish:
        trips = [
            trip
            for trip in self.ahead(user)
            if trip["nonfree_baggages"] == max(0, trip["total_baggages"] - self._free(trip))
        ]
        trip, more = picked(rng, trips), rng.choice((1, 1, 2, 3))
        total = trip["total_baggages"] + more
        charged = max(0, total - self._free(trip))
        key, way = self.payment(user, 50 * (charged - trip["nonfree_baggages"]), rng)
        it = self.trip(trip, rng)
        bags = "one checked bag" if more == 1 else f"{more} checked bags"
        return it.wish(
            f"You want to add {bags} to {it.words}. If that costs something, you pay with {way}.",
            "update_reservation_baggages",
            {"total_baggages": total, "nonfree_baggages": charged, "payment_id": key},
        )

    def _free(self, trip: Row) -> int:
        return self.free_bags(trip["user_id"], trip["cabin"], len(passengers_of(trip)))

    def _change_passenger(self, user: str, rng: Random) -> Wish:
        trip = picked(rng, self.ahead(user))
        people = [dict(each) for each in passengers_of(trip)]
        at = rng.randrange(len(people))
        name = full_name(people[at])
        is_user = name == full_name(self.user(user)["name"])
        place = "in your place" if is_user else f"in place of {name}"
        first, last, born = person(rng)
        people[at] = {"first_name": first, "last_name": last, "dob": born}
        it = self.trip(trip, rng)
        return it.wish(
            f"You want to change a passenger on {it.words}: {first} {last}, born on {born}, is "
            f"to fly {place}.",
            "update_reservation_passengers",
            {"passengers": [*people]},
        )

    def _compensation(self, user: str, rng: Random) -> Wish:
        stays = "You take what the rules give you. You do not want to change or cancel that trip."
        return replace(self.complaint(user, rng, deserves=True), asides=(stays,))


def _grounds(trip: Row, states: Sequence[str]) -> list[str]:
    """Return reasons for which a reservation may be cancelled, as the user would put them."""
    if "flown" in states:
        return []
    if "cancelled" in states:
        return ["the airline has cancelled a flight of it"]
    if trip["cabin"] == "business" or is_recent(trip):
        return ["your plans have changed"]
    if trip["insurance"] == "yes":
        return ["you are ill and cannot travel", "a storm is forecast where you are going"]
    return []
