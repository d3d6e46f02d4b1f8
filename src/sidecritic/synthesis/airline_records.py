"""τ² airline: its records, as the makers of wishes look at them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.drafts import Introduction
from sidecritic.synthesis.wording import Row, day

A_DAY_AGO = "2024-05-14T15:00:00"
"""24 hours before the time that the policy says it is."""

_FREE_BAGS = {"regular": 0, "silver": 1, "gold": 2}
_CABIN_BAGS = {"basic_economy": 0, "economy": 1, "business": 2}


class Flight(NamedTuple):
    """A flight on a day, with seats and prices by cabin."""

    number: str
    date: str
    departure: str
    seats: Mapping[str, int]
    prices: Mapping[str, int]

    @property
    def segment(self) -> dict[str, JsonValue]:
        return {"flight_number": self.number, "date": self.date}


class AirlineRecords:
    """Users, flights and reservations."""

    def __init__(self, records: Mapping[str, Mapping[str, Row]]) -> None:
        self._users = records["users"]
        self._flights = records["flights"]
        self._reservations = records["reservations"]

    @property
    def users(self) -> tuple[str, ...]:
        return tuple(sorted(self._users))

    @property
    def routes(self) -> list[tuple[str, str]]:
        return sorted({(f["origin"], f["destination"]) for f in self._flights.values()})

    def user(self, user_id: str) -> Row:
        return self._users[user_id]

    def methods(self, user_id: str) -> Mapping[str, Row]:
        return self._users[user_id]["payment_methods"]

    def reservations(self, user_id: str) -> list[Row]:
        return [self._reservations[id] for id in self._users[user_id]["reservations"]]

    def ahead(self, user_id: str) -> list[Row]:
        """Return the reservations of which no flight has left or was cancelled."""
        return [
            each
            for each in self.reservations(user_id)
            if not {"flown", "cancelled"} & set(self.states(each))
        ]

    def states(self, reservation: Row) -> tuple[str, ...]:
        """Return for each flight of a reservation: `ahead`, `flown` or `cancelled`."""
        return tuple(self._state(f["flight_number"], f["date"]) for f in reservation["flights"])

    def _state(self, number: str, date: str) -> str:
        status = self._flights[number]["dates"].get(date, {}).get("status", "landed")
        if status == "cancelled":
            return "cancelled"
        return "flown" if status in ("landed", "flying") else "ahead"

    def direct(self, origin: str, destination: str, date: str) -> list[Flight]:
        """Return the direct flights that can be booked, earliest first."""
        found = [
            Flight(
                number,
                date,
                row["scheduled_departure_time_est"],
                row["dates"][date]["available_seats"],
                row["dates"][date]["prices"],
            )
            for number, row in self._flights.items()
            if (row["origin"], row["destination"]) == (origin, destination)
            and row["dates"].get(date, {}).get("status") == "available"
        ]
        return sorted(found, key=lambda flight: (flight.departure, flight.number))

    def on(self, number: str, date: str) -> Flight | None:
        """Return a flight on a day, `None` if it cannot be booked."""
        row = self._flights[number]
        same = self.direct(row["origin"], row["destination"], date)
        return next((flight for flight in same if flight.number == number), None)

    def free_bags(self, user_id: str, cabin: str, passengers: int) -> int:
        return (_FREE_BAGS[self.user(user_id)["membership"]] + _CABIN_BAGS[cabin]) * passengers

    def able(self, user_id: str, price: float, *, certificates: bool = False) -> list[str]:
        """Return the payment methods that cover a price."""
        sources = {"credit_card", "gift_card", *(("certificate",) if certificates else ())}
        return [
            key
            for key, row in sorted(self.methods(user_id).items())
            if row["source"] in sources and row.get("amount", price) >= price
        ]

    def deserving(self, trip: Row) -> bool:
        """Whether the rules allow a compensation at all."""
        member = self.user(trip["user_id"])["membership"] != "regular"
        return member or trip["insurance"] == "yes" or trip["cabin"] == "business"

    def trip_words(self, reservation: Row, rng: Random) -> tuple[str, tuple[Action, ...]]:
        """Return how the user names a reservation, and the look-ups that this makes necessary."""
        id_ = reservation["reservation_id"]
        look = Action("get_reservation_details", {"reservation_id": id_})
        owner = reservation["user_id"]
        ends = (reservation["origin"], reservation["destination"])
        same = [r for r in self.reservations(owner) if (r["origin"], r["destination"]) == ends]
        if len(same) > 1 or ends[0] == ends[1] or rng.random() < 0.6:
            return f"reservation {id_}", (look,)
        first = reservation["flights"][0]["date"]
        words = f"your trip from {ends[0]} to {ends[1]} that begins on {day(first)}"
        return words, (Action("get_user_details", {"user_id": owner}), look)

    def introduce(self, user_id: str, rng: Random) -> Introduction:
        who = full_name(self.user(user_id)["name"])
        known = rng.choice(
            (
                f"You are {who}. Your user id is {user_id}.",
                f"Your name is {who}, user id {user_id}.",
            )
        )
        return Introduction(known, looks=self.introduced(user_id))

    def introduced(self, user_id: str) -> tuple[Action, ...]:
        return (Action("get_user_details", {"user_id": user_id}),)

    def dossier(self, user_id: str) -> dict[str, JsonValue]:
        reservations = self.reservations(user_id)
        routes = {(f["origin"], f["destination"]) for r in reservations for f in r["flights"]}
        days = [f"2024-05-{day_}" for day_ in range(17, 23)]
        flights: list[JsonValue] = [
            {"origin": origin, "destination": destination, **_plain(flight)}
            for origin, destination in sorted(routes)
            for date in days
            for flight in self.direct(origin, destination, date)
        ]
        return {
            "user": dict(self.user(user_id)),
            "reservations": [dict(each) for each in reservations],
            "flight_states": {r["reservation_id"]: list(self.states(r)) for r in reservations},
            "bookable_direct_flights": flights,
        }


def _plain(flight: Flight) -> dict[str, JsonValue]:
    return {**flight.segment, "departure": flight.departure, "prices": dict(flight.prices)}


def is_recent(reservation: Row) -> bool:
    """Whether the booking was made within the last 24 hours."""
    return reservation["created_at"] >= A_DAY_AGO


def full_name(person: Row) -> str:
    return f"{person['first_name']} {person['last_name']}"


def cabin_words(cabin: str) -> str:
    return cabin.replace("_", " ")


def passengers_of(reservation: Row) -> Sequence[Row]:
    return reservation["passengers"]


def paid(reservation: Row) -> float:
    return sum(part["amount"] for part in reservation["payment_history"])
