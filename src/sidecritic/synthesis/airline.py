"""τ² airline: what travellers may ask for and get."""

from collections.abc import Mapping, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.airline_booking import booking
from sidecritic.synthesis.airline_moves import move_words, moved, search, status_of, with_flights
from sidecritic.synthesis.airline_records import (
    AirlineRecords,
    cabin_words,
    full_name,
    is_recent,
    paid,
    passengers_of,
)
from sidecritic.synthesis.airline_refusals import Refusals
from sidecritic.synthesis.drafts import Maker, Wish
from sidecritic.synthesis.places import person
from sidecritic.synthesis.wording import Row, amount, day, method

CABINS = ("basic_economy", "economy", "business")


class Airline(AirlineRecords):
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

    @property
    def refusals(self) -> Mapping[str, Maker]:
        return Refusals(self).makers

    def _cancel(self, user: str, rng: Random) -> Wish | None:
        cases = [
            (trip, why)
            for trip in self.reservations(user)
            for why in _grounds(trip, self.states(trip))
        ]
        if not cases:
            return None
        trip, why = rng.choice(cases)
        named, looks = self.trip_words(trip, rng)
        asks = rng.random() < 0.3
        wants = " You also want to know how much money you get back." if asks else ""
        return Wish(
            kind="cancel",
            text=f"You want to cancel {named}, because {why}.{wants}",
            touches=trip["reservation_id"],
            looks=looks,
            writes=(Action("cancel_reservation", {"reservation_id": trip["reservation_id"]}),),
            tells=(amount(paid(trip)),) if asks else (),
        )

    def _change_flight(self, user: str, rng: Random) -> Wish | None:
        trips = [t for t in self.ahead(user) if t["cabin"] != "basic_economy"]
        found = moved(self, trips, rng)
        if found is None:
            return None
        trip, old, new = found
        count = len(passengers_of(trip))
        extra = (new.prices[trip["cabin"]] - old["price"]) * count
        ways = self.able(user, max(extra, 0))
        if not ways:
            return None
        key = rng.choice(ways)
        named, looks = self.trip_words(trip, rng)
        return Wish(
            kind="change flight",
            text=f"In {named}, you want to {move_words(old, new)}. For any difference in price you "
            f"use {method(self.methods(user)[key], self.methods(user))}.",
            touches=trip["reservation_id"],
            looks=(*looks, search(old, new)),
            writes=(with_flights(trip, old, new, key=key),),
            asides=("Nothing else changes on the trip that you move.",),
        )

    def _change_cabin(self, user: str, rng: Random) -> Wish | None:
        cases = [
            (trip, cabin, key)
            for trip in self.ahead(user)
            for cabin in CABINS
            if cabin != trip["cabin"] and (price := self.cabin_price(trip, cabin)) is not None
            for key in self.able(user, max(price, 0))
        ]
        if not cases:
            return None
        trip, cabin, key = rng.choice(cases)
        named, looks = self.trip_words(trip, rng)
        way = method(self.methods(user)[key], self.methods(user))
        flights = [
            {"flight_number": f["flight_number"], "date": f["date"]} for f in trip["flights"]
        ]
        call: dict[str, JsonValue] = {
            "reservation_id": trip["reservation_id"],
            "cabin": cabin,
            "flights": [*flights],
            "payment_id": key,
        }
        return Wish(
            kind="change cabin",
            text=f"You want {named} changed to {cabin_words(cabin)} for everybody, with the same "
            f"flights. For the difference in price you use {way}.",
            touches=trip["reservation_id"],
            looks=looks,
            writes=(Action("update_reservation_flights", call),),
            asides=("Whatever the difference is, you agree to it.",),
        )

    def cabin_price(self, trip: Row, cabin: str) -> float | None:
        """Return what another cabin costs in addition; `None` where seats are missing."""
        count, total = len(passengers_of(trip)), 0.0
        for old in trip["flights"]:
            new = self.on(old["flight_number"], old["date"])
            if new is None or new.seats[cabin] < count:
                return None
            total += (new.prices[cabin] - old["price"]) * count
        return total

    def _add_bags(self, user: str, rng: Random) -> Wish | None:
        trips = [
            trip
            for trip in self.ahead(user)
            if trip["nonfree_baggages"] == max(0, trip["total_baggages"] - self._free(trip))
        ]
        if not trips:
            return None
        trip, more = rng.choice(trips), rng.choice((1, 1, 2, 3))
        total = trip["total_baggages"] + more
        charged = max(0, total - self._free(trip))
        ways = self.able(user, 50 * (charged - trip["nonfree_baggages"]))
        if not ways:
            return None
        key = rng.choice(ways)
        named, looks = self.trip_words(trip, rng)
        way = method(self.methods(user)[key], self.methods(user))
        bags = "one checked bag" if more == 1 else f"{more} checked bags"
        call: dict[str, JsonValue] = {
            "reservation_id": trip["reservation_id"],
            "total_baggages": total,
            "nonfree_baggages": charged,
            "payment_id": key,
        }
        return Wish(
            kind="add bags",
            text=f"You want to add {bags} to {named}. If that costs something, you pay with {way}.",
            touches=trip["reservation_id"],
            looks=looks,
            writes=(Action("update_reservation_baggages", call),),
        )

    def _free(self, trip: Row) -> int:
        return self.free_bags(trip["user_id"], trip["cabin"], len(passengers_of(trip)))

    def _change_passenger(self, user: str, rng: Random) -> Wish | None:
        trips = self.ahead(user)
        if not trips:
            return None
        trip = rng.choice(trips)
        people = [dict(each) for each in passengers_of(trip)]
        at = rng.randrange(len(people))
        name = self.user(user)["name"]
        is_user = (people[at]["first_name"], people[at]["last_name"]) == tuple(name.values())
        place = "in your place" if is_user else f"in place of {full_name(people[at])}"
        first, last, born = person(rng)
        people[at] = {"first_name": first, "last_name": last, "dob": born}
        named, looks = self.trip_words(trip, rng)
        call: dict[str, JsonValue] = {
            "reservation_id": trip["reservation_id"],
            "passengers": [*people],
        }
        return Wish(
            kind="change passenger",
            text=f"You want to change a passenger on {named}: {first} {last}, born on {born}, is "
            f"to fly {place}.",
            touches=trip["reservation_id"],
            looks=looks,
            writes=(Action("update_reservation_passengers", call),),
        )

    def _compensation(self, user: str, rng: Random) -> Wish | None:
        """Complain about a cancelled flight, with a right to a certificate."""
        trips = [
            trip
            for trip in self.reservations(user)
            if "cancelled" in self.states(trip) and self.deserving(trip)
        ]
        if not trips:
            return None
        trip = rng.choice(trips)
        named, looks = self.trip_words(trip, rng)
        flight = trip["flights"][self.states(trip).index("cancelled")]
        call: dict[str, JsonValue] = {"user_id": user, "amount": 100 * len(passengers_of(trip))}
        return Wish(
            kind="compensation",
            text=f"Flight {flight['flight_number']} on {day(flight['date'])}, in {named}, was "
            "cancelled by the airline. You complain about it and ask for a compensation.",
            touches=trip["reservation_id"],
            looks=(*looks, status_of(flight)),
            writes=(Action("send_certificate", call),),
            asides=(
                "You take what the rules give you. You do not want to change or cancel that trip.",
            ),
        )


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
