"""τ² airline: one flight of a trip for that of another day."""

from collections.abc import Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.airline_records import AirlineRecords, Flight, passengers_of
from sidecritic.synthesis.wording import Row, clock, day


def moved(
    book: AirlineRecords, trips: Sequence[Row], rng: Random
) -> tuple[Row, Row, Flight] | None:
    """Return a trip, one of its flights that is the only one of its leg, and another day's."""
    cases = [
        (trip, old, new)
        for trip in trips
        if is_direct(trip)
        for at, old in enumerate(trip["flights"])
        for date in _days(trip, at)
        for new in _open(book, trip, old, date=date)
    ]
    return rng.choice(cases) if cases else None


def _open(book: AirlineRecords, trip: Row, old: Row, *, date: str) -> list[Flight]:
    same_day = book.direct(old["origin"], old["destination"], date)
    seats = len(passengers_of(trip))
    times = [flight.departure for flight in same_day]
    return [
        flight
        for flight in same_day
        if flight.seats[trip["cabin"]] >= seats and times.count(flight.departure) == 1
    ]


def is_direct(trip: Row) -> bool:
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


def search(old: Row, new: Flight) -> Action:
    """Return the look-up that finds the new flight."""
    places = {"origin": old["origin"], "destination": old["destination"]}
    return Action("search_direct_flight", {**places, "date": new.date})


def status_of(flight: Row) -> Action:
    number, date = flight["flight_number"], flight["date"]
    return Action("get_flight_status", {"flight_number": number, "date": date})


def with_flights(trip: Row, old: Row, new: Flight, *, key: str) -> Action:
    """Return the change of one flight of a trip for another."""
    flights: list[JsonValue] = [
        new.segment
        if flight is old
        else {"flight_number": flight["flight_number"], "date": flight["date"]}
        for flight in trip["flights"]
    ]
    return Action(
        "update_reservation_flights",
        {
            "reservation_id": trip["reservation_id"],
            "cabin": trip["cabin"],
            "flights": flights,
            "payment_id": key,
        },
    )
