"""Airline: what a booking holds, against the rules and against the words of both sides."""

import re
from itertools import pairwise

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.english.text import mentions
from sidecritic.packs.airline.flights import ends_of, fares, legs_of
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    cabin_of,
    cabins_in,
    passengers,
    reservation_of,
    spoken,
)
from sidecritic.packs.airline.sources import said_at, searched_at
from sidecritic.values import JsonObject, objects_of, text_of

_COLLECT = (
    "The agent needs to collect the first name, last name, and date of birth for each passenger."
)
_CABIN_WORDS = re.compile(r"\b(economy|business)\b")
_ONE_WAY = re.compile(r"\bone[- ]?way\b")
_ROUND = re.compile(r"\b(round[- ]?trip|return (flight|trip)|there and back|returning)\b")


@call_check(
    "too many passengers",
    tools=(BOOK,),
    risk=0.95,
    policy="Each reservation can have at most five passengers.",
)
def too_many(case: Case) -> Objection | None:
    """Fire on more than five passengers."""
    count = passengers(case.arguments)
    if count <= 5:
        return None
    return Objection(f"{count} passengers; a reservation can have at most five.")


@call_check("passenger nobody named", tools=(BOOK, UPDATE_PASSENGERS), risk=0.7, policy=_COLLECT)
def unnamed_passenger(case: Case) -> Objection | None:
    """Fire on a name or year of birth that neither the user nor a tool has given."""
    words = f"{case.facts.said}\n{case.facts.shown}"
    for person in objects_of(case.arguments, "passengers"):
        parts = [text_of(person, "first_name"), text_of(person, "last_name")]
        parts.append(text_of(person, "dob")[:4])
        missing = [part for part in parts if part and not mentions(words, part)]
        if missing:
            return Objection(
                f"{' '.join(missing)} was named neither by the user nor by a tool. Ask for first "
                "name, last name and date of birth of each passenger.",
                evidence=" ".join(missing),
            )
    return None


@call_check(
    "another trip than booked",
    tools=(BOOK,),
    risk=0.8,
    policy="The agent should then ask for the trip type, origin, destination.",
)
def other_trip(case: Case) -> Objection | None:
    """Fire when flights, ends and trip type of a booking do not fit each other, or the words."""
    arguments = case.arguments
    kind = text_of(arguments, "flight_type")
    odd = _odd_flights(case.facts, arguments)
    if odd:
        return Objection(odd, evidence=odd)
    one_way, both = _ONE_WAY.search(case.facts.said), _ROUND.search(case.facts.said)
    if bool(one_way) == bool(both) or (kind == "one_way") == bool(one_way):
        return None
    return Objection(
        f"The call books a {kind.replace('_', ' ')}, the user asked for the other. Ask which.",
        evidence=kind,
        risk=0.5,
        messages=said_at(case.facts, _ONE_WAY if one_way else _ROUND),
    )


@call_check(
    "cabin nobody spoke of",
    tools=(BOOK, UPDATE_FLIGHTS),
    risk=0.7,
    policy="You must list the action details and obtain explicit user confirmation.",
)
def unspoken_cabin(case: Case) -> Objection | None:
    """Fire on a new cabin that the user never named: 0.7 when nobody did, 0.4 else."""
    cabin = case.named("cabin")
    reservation = reservation_of(case)
    if not cabin or cabin == cabin_of(case.facts, reservation):
        return None
    if case.tool == UPDATE_FLIGHTS and not reservation:
        return None
    said, told = cabins_in(case.facts.said), cabins_in(case.facts.told)
    if cabin in said or (cabin in told and not said):
        return None
    named = " or ".join(spoken(one) for one in sorted(said)) or "none"
    return Objection(
        f"The call takes {spoken(cabin)}, but the user speaks of {named}. Ask which cabin they "
        "want.",
        evidence=f"{named} vs {spoken(cabin)}",
        risk=0.4 if cabin in told else None,
        messages=said_at(case.facts, _CABIN_WORDS),
    )


@call_check(
    "not enough seats",
    tools=(BOOK, UPDATE_FLIGHTS),
    risk=0.6,
    policy="Seat availability and prices are listed for each cabin class.",
)
def no_seats(case: Case) -> Objection | None:
    """Fire when a new flight has fewer seats in the cabin than there are passengers."""
    arguments, reservation = case.arguments, reservation_of(case)
    cabin, known = text_of(arguments, "cabin"), fares(case.facts)
    people = passengers(arguments) or passengers(reservation)
    same = cabin == cabin_of(case.facts, reservation)
    kept = set(legs_of(reservation)) if same else set[object]()
    for leg in legs_of(arguments):
        left = known[leg].seats.get(cabin) if leg in known else None
        if left is not None and left < people and leg not in kept:
            return Objection(
                f"{leg.number} of {leg.date} has {left:g} seats left in {spoken(cabin)}, and "
                f"{people} are needed. Choose another flight.",
                evidence=f"{leg.number}: {left:g}",
                messages=searched_at(case.facts),
            )
    return None


AIRLINE_BOOKINGS: tuple[CallCheck, ...] = (
    too_many,
    unnamed_passenger,
    other_trip,
    unspoken_cabin,
    no_seats,
)


def _odd_flights(facts: Facts, arguments: JsonObject) -> str:
    """Return why the flights of a booking do not fit its ends and trip type; empty if they do."""
    legs = legs_of(arguments)
    ends = ends_of(legs, facts, arguments)
    origin, destination = text_of(arguments, "origin"), text_of(arguments, "destination")
    kind = text_of(arguments, "flight_type")
    if not ends or any(not all(pair) for pair in ends):
        return ""
    flown = " ".join(f"{a}-{b}" for a, b in ends)
    final = origin if kind == "round_trip" else destination
    if ends[0][0] != origin or ends[-1][1] != final:
        return (
            f"A {kind.replace('_', ' ')} from {origin} to {destination} ends in {final}, but the "
            f"flights go {flown}."
        )
    turns = [
        place
        for (first, second), (_, place) in zip(pairwise(legs), ends, strict=False)
        if first.date < second.date
    ]
    if kind == "round_trip" and len(turns) == 1 and turns[0] != destination:
        return f"The booking is to {destination}, but the flights {flown} stay in {turns[0]}."
    return ""
