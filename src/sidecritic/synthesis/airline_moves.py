"""τ² airline: one flight of a trip for that of another day."""

from collections.abc import Iterable, Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.airline_records import (
    AirlineRecords,
    Flight,
    leg_of,
    passengers_of,
    segment,
)
from sidecritic.synthesis.drafts import picked
from sidecritic.synthesis.wording import Row, clock, day


def moved(book: AirlineRecords, trips: Sequence[Row], rng: Random) -> tuple[Row, Row, Flight]:
    """Return a trip, one of its flights that is the only one of its leg, and another day's.

    Raises:
        NoWish: there is none.
    """
    cases = [
        (trip, old, new)
        for trip in trips
        if _is_direct(trip)
        for at, old in enumerate(trip["flights"])
        for date in _days(trip, at)
        for new in book.with_seats(leg_of(old), date, trip["cabin"], len(passengers_of(trip)))
    ]
    return picked(rng, cases)


def _is_direct(trip: Row) -> bool:
    """Whether each leg of a trip is a single flight."""
    return len(trip["flights"]) == (2 if trip["flight_type"] == "round_trip" else 1)


def _days(trip: Row, at: int) -> list[str]:
    """Return the days to which a flight can move without overtaking another one."""
    dates = [flight["date"] for flight in trip["flights"]]
    days = [f"2024-05-{number}" for number in range(17, 31)]
    after = [other for other in days if other != dates[at] and all(other > d for d in dates[:at])]
    return [other for other in after if all(other < d for d in dates[at + 1 :])]


def move_words(old: Row, new: Flight) -> str:
    leg = f"the flight from {old['origin']} to {old['destination']} on {day(old['date'])}"
    return (
        f"move {leg} to {day(new.date)}, to the direct flight that leaves at {clock(new.departure)}"
    )


def search(leg: tuple[str, str], date: str) -> Action:
    """Return the look-up that finds a flight."""
    places = {"origin": leg[0], "destination": leg[1]}
    return Action("search_direct_flight", {**places, "date": date})


def new_flights(cabin: str, flights: Iterable[Row], *, key: str) -> dict[str, JsonValue]:
    """Return the arguments that give a trip another cabin or other flights."""
    return {"cabin": cabin, "flights": list(map(segment, flights)), "payment_id": key}


def with_flight(trip: Row, old: Row, new: Flight, *, key: str) -> dict[str, JsonValue]:
    """Return the arguments that change one flight of a trip for another."""
    flights = [new._asdict() if flight is old else flight for flight in trip["flights"]]
    return new_flights(trip["cabin"], flights, key=key)
