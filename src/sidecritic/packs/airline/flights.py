"""Flights of the airline domain: their times, prices, seats and status, and ways to fly."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.terms import now
from sidecritic.packs.airline.records import (
    cabin_of,
    passengers,
    reservation_of,
)
from sidecritic.values import JsonObject, number_of, object_of, objects_of, text_of

DIRECT = "search_direct_flight"
ONE_STOP = "search_onestop_flight"
STATUS = "get_flight_status"

_CLOCK = re.compile(r"(\d\d:\d\d)(?::\d\d)?(?:\+(\d))?")


class Leg(NamedTuple):
    """A flight on a date."""

    number: str
    date: str


class Fare(NamedTuple):
    """What a search showed of a flight on a date."""

    origin: str
    destination: str
    departs: str
    arrives: str
    prices: Mapping[str, float]


Fares = Mapping[Leg, Fare]


def legs_of(record: JsonObject) -> tuple[Leg, ...]:
    """Return the flights of a reservation, or of a call's arguments."""
    flights = objects_of(record, "flights")
    return tuple(Leg(text_of(f, "flight_number"), text_of(f, "date")) for f in flights)


def is_flown(leg: Leg, facts: Facts) -> bool:
    """Whether a flight has taken off, by its status or else by its date.

    Raises:
        Unstated: only the date can tell, and the rules do not state the current time.
    """
    status = status_of(leg, facts)
    if status in ("cancelled", "available", "delayed", "on time"):
        return False
    if status in ("landed", "flying"):
        return True
    return bool(leg.date) and leg.date < now(facts).date().isoformat()


def status_of(leg: Leg, facts: Facts) -> str:
    """Return the status of a flight; empty when nobody looked it up."""
    for done in (*facts.looked, *reversed(facts.done)):
        if done.call.name == STATUS and not done.is_error:
            arguments = done.arguments
            if (text_of(arguments, "flight_number"), text_of(arguments, "date")) == leg:
                return done.text.strip().strip('"').lower()
    return ""


def fares(facts: Facts) -> Fares:
    """Return what the searches showed, by flight and date."""
    found: dict[Leg, Fare] = {}
    for done in _searches(facts):
        for flight in _flights(done.value):
            leg = _leg(flight, done)
            if leg in found:
                continue
            prices = object_of(flight, "prices")
            found[leg] = Fare(
                origin=text_of(flight, "origin"),
                destination=text_of(flight, "destination"),
                departs=text_of(flight, "scheduled_departure_time_est"),
                arrives=text_of(flight, "scheduled_arrival_time_est"),
                prices={cabin: number_of(prices, cabin) for cabin in prices},
            )
    return found


def was_searched(facts: Facts, origin: str, destination: str, date: str) -> frozenset[str]:
    """Return the names of the searches that were made for a route and date."""
    asked = {"origin": origin, "destination": destination, "date": date}
    return frozenset(
        done.call.name
        for done in _searches(facts)
        if all(text_of(done.arguments, key) == value for key, value in asked.items())
    )


def ends_of(legs: Sequence[Leg], facts: Facts, *records: JsonObject) -> list[tuple[str, str]]:
    """Return origin and destination of each leg; empty texts where they are unknown.

    A flight number has the same ends on every date; `records` hold flights with their ends.
    """
    by_number = {leg.number: (fare.origin, fare.destination) for leg, fare in fares(facts).items()}
    for record in records:
        for flight in objects_of(record, "flights"):
            ends = (text_of(flight, "origin"), text_of(flight, "destination"))
            if all(ends):
                by_number.setdefault(text_of(flight, "flight_number"), ends)
    return [by_number.get(leg.number, ("", "")) for leg in legs]


def off_course(case: Case, record: JsonObject) -> str:
    """Return the ends of a call's flights where they are not the journey of a record; else empty.

    Flights whose ends are unknown are not held against it.
    """
    legs = legs_of(case.arguments)
    ends = ends_of(legs, case.facts, record, case.arguments)
    origin, destination = text_of(record, "origin"), text_of(record, "destination")
    if not origin or not ends or any(not all(pair) for pair in ends):
        return ""
    there_and_back = text_of(record, "flight_type") == "round_trip"
    final = origin if there_and_back else destination
    arrives = ends[0][0] == origin and ends[-1][1] == final
    unbroken = all(first[1] == second[0] for first, second in pairwise(ends))
    # Where the next flight goes on another day, the user stays: once, that is the destination.
    stays = [end[1] for (a, b), end in zip(pairwise(legs), ends, strict=False) if a.date < b.date]
    one_stay = there_and_back and len(stays) == 1
    visits = destination in (stays if one_stay else {place for pair in ends for place in pair})
    return "" if arrives and unbroken and visits else " ".join(f"{a}-{b}" for a, b in ends)


def price_of(legs: Sequence[Leg], cabin: str, known: Fares) -> float | None:
    """Return the price of flights for one passenger; `None` when one of them is unknown."""
    if any(leg not in known or cabin not in known[leg].prices for leg in legs):
        return None
    return sum(known[leg].prices[cabin] for leg in legs)


def departure(leg: Leg, known: Fares) -> datetime | None:
    """Return when a flight departs; `None` when unknown."""
    return moment(leg.date, known[leg].departs) if leg in known else None


def arrival(leg: Leg, known: Fares) -> datetime | None:
    """Return when a flight arrives; `None` when unknown."""
    return moment(leg.date, known[leg].arrives) if leg in known else None


def moment(date: str, clock: str) -> datetime | None:
    """Return date and time; `05:30:00+1` is on the next day."""
    found = _CLOCK.fullmatch(clock)
    try:
        day = datetime.fromisoformat(f"{date}T{found[1]}") if found else None
    except ValueError:
        return None
    return day + timedelta(days=int(found[2] or 0)) if day and found else None


def difference(case: Case) -> float | None:
    """Return what a change of flights costs (positive) or refunds; `None` when unknown.

    Kept flights keep their price unless the cabin changes.
    """
    reservation, arguments = reservation_of(case), case.arguments
    cabin, known = text_of(arguments, "cabin"), fares(case.facts)
    paid = {
        Leg(text_of(flight, "flight_number"), text_of(flight, "date")): number_of(flight, "price")
        for flight in objects_of(reservation, "flights")
    }
    total = 0.0
    for leg in legs_of(arguments):
        if leg in paid and cabin == cabin_of(case.facts, reservation):
            total += paid[leg]
        elif leg in known and cabin in known[leg].prices:
            total += known[leg].prices[cabin]
        else:
            return None
    return (total - sum(paid.values())) * passengers(reservation) if paid else None


def _searches(facts: Facts) -> Iterator[Done]:
    """Walk over the searches, the latest first."""
    for done in reversed((*facts.done, *facts.looked)):
        if done.call.name in (DIRECT, ONE_STOP) and not done.is_error:
            yield done


def _leg(flight: JsonObject, done: Done) -> Leg:
    date = text_of(flight, "date") or text_of(done.arguments, "date")
    return Leg(text_of(flight, "flight_number"), date)


def _flights(value: JsonValue) -> Iterator[JsonObject]:
    """Walk over the flights in a search result: a list, or a list of pairs."""
    match value:
        case list():
            for part in value:
                yield from _flights(part)
        case dict() if "flight_number" in value:
            yield value
        case _:
            return
