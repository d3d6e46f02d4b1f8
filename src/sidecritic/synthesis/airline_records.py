"""τ² airline: its records, as the makers of wishes look at them."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.drafts import Domain, Introduction, Subject, picked
from sidecritic.synthesis.wording import Row, day

A_DAY_AGO = "2024-05-14T15:00:00"
"""24 hours before the time that the policy says it is."""

_FREE_BAGS = {"regular": 0, "silver": 1, "gold": 2}
_CABIN_BAGS = {"basic_economy": 0, "economy": 1, "business": 2}


class Flight(NamedTuple):
    """A flight on a day, with seats and prices by cabin."""

    flight_number: str
    date: str
    departure: str
    seats: Mapping[str, int]
    prices: Mapping[str, int]


class AirlineRecords(Domain):
    """Users, flights and reservations."""

    @property
    def routes(self) -> list[tuple[str, str]]:
        return sorted({(f["origin"], f["destination"]) for f in self.records["flights"].values()})

    def reservations(self, user_id: str) -> list[Row]:
        return [self.records["reservations"][id] for id in self.user(user_id)["reservations"]]

    def ahead(self, user_id: str) -> list[Row]:
        """Return the reservations of which no flight has left or was cancelled."""
        return [
            each
            for each in self.reservations(user_id)
            if not {"flown", "cancelled"} & set(self.states(each))
        ]

    def states(self, reservation: Row) -> tuple[str, ...]:
        """Return for each flight of a reservation: `ahead`, `flown` or `cancelled`."""
        known = {"cancelled": "cancelled", "landed": "flown", "flying": "flown"}
        found: list[str] = []
        for flight in reservation["flights"]:
            dates = self.records["flights"][flight["flight_number"]]["dates"]
            status = dates.get(flight["date"], {}).get("status", "landed")
            found.append(known.get(status, "ahead"))
        return tuple(found)

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
            for number, row in self.records["flights"].items()
            if (row["origin"], row["destination"]) == (origin, destination)
            and row["dates"].get(date, {}).get("status") == "available"
        ]
        return sorted(found, key=lambda flight: (flight.departure, flight.flight_number))

    def with_seats(self, leg: tuple[str, str], date: str, cabin: str, seats: int) -> list[Flight]:
        """Return the direct flights with so many seats that their departure times tell apart."""
        flights = self.direct(*leg, date)
        times = [flight.departure for flight in flights]
        return [f for f in flights if f.seats[cabin] >= seats and times.count(f.departure) == 1]

    def on(self, number: str, date: str) -> Flight | None:
        """Return a flight on a day, `None` if it cannot be booked."""
        same = self.direct(*leg_of(self.records["flights"][number]), date)
        return next((flight for flight in same if flight.flight_number == number), None)

    def free_bags(self, user_id: str, cabin: str, passengers: int) -> int:
        return (_FREE_BAGS[self.user(user_id)["membership"]] + _CABIN_BAGS[cabin]) * passengers

    def able(self, user_id: str, price: float) -> list[str]:
        """Return the payment methods that cover a price."""
        return [
            key
            for key, row in sorted(self.methods(user_id).items())
            if row["source"] in ("credit_card", "gift_card") and row.get("amount", price) >= price
        ]

    def payment(self, user_id: str, price: float, rng: Random) -> tuple[str, str]:
        """Return a payment method that covers a price, and the user's words for it."""
        key = picked(rng, self.able(user_id, price))
        return key, self.way(user_id, key)

    def deserving(self, trip: Row) -> bool:
        """Whether the rules allow a compensation at all."""
        member = self.user(trip["user_id"])["membership"] != "regular"
        return member or trip["insurance"] == "yes" or trip["cabin"] == "business"

    def trip(self, reservation: Row, rng: Random) -> Subject:
        """Return a reservation as the user names it."""
        id_ = reservation["reservation_id"]
        look = Action("get_reservation_details", {"reservation_id": id_})
        owner = reservation["user_id"]
        ends = leg_of(reservation)
        same = [other for other in self.reservations(owner) if leg_of(other) == ends]
        if len(same) > 1 or ends[0] == ends[1] or rng.random() < 0.6:
            return Subject(f"reservation {id_}", "reservation_id", id_, (look,))
        first = reservation["flights"][0]["date"]
        words = f"your trip from {ends[0]} to {ends[1]} that begins on {day(first)}"
        return Subject(words, "reservation_id", id_, (*self.introduced(owner), look))

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
        legs = {leg_of(flight) for trip in reservations for flight in trip["flights"]}
        flights: list[JsonValue] = [
            {
                "origin": leg[0],
                "destination": leg[1],
                **segment(flight._asdict()),
                "departure": flight.departure,
                "prices": dict(flight.prices),
            }
            for leg in sorted(legs)
            for date in range(17, 23)
            for flight in self.direct(*leg, f"2024-05-{date}")
        ]
        return {
            "user": dict(self.user(user_id)),
            "reservations": [dict(each) for each in reservations],
            "flight_states": {r["reservation_id"]: list(self.states(r)) for r in reservations},
            "bookable_direct_flights": flights,
        }


def leg_of(row: Row) -> tuple[str, str]:
    """Return origin and destination of a flight or a reservation."""
    return row["origin"], row["destination"]


def segment(flight: Row) -> dict[str, JsonValue]:
    """Return a flight as the tools want it named."""
    return {"flight_number": flight["flight_number"], "date": flight["date"]}


def is_recent(reservation: Row) -> bool:
    """Whether the booking was made within the last 24 hours."""
    return reservation["created_at"] >= A_DAY_AGO


def full_name(person: Row) -> str:
    return f"{person['first_name']} {person['last_name']}"


def cabin_words(cabin: str) -> str:
    return cabin.replace("_", " ")


def passengers_of(reservation: Row) -> Sequence[Row]:
    return reservation["passengers"]
