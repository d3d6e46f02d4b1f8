"""Airline: what a booking holds, against the rules and against the words of both sides."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.terms import term
from sidecritic.english.text import mentions
from sidecritic.packs.airline.flights import off_course
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_PASSENGERS,
    passengers,
)
from sidecritic.packs.airline.sources import said_at
from sidecritic.values import objects_of, text_of

_COLLECT = (
    "The agent needs to collect the first name, last name, and date of birth for each passenger."
)
_MOST_PASSENGERS = term("how many passengers a reservation can have", r"at most # passengers?\b")
_ONE_WAY = re.compile(r"\bone[- ]?way\b")
_ROUND = re.compile(r"\b(round[- ]?trip|return (flight|trip)|there and back|returning)\b")


@call_check(
    "too many passengers",
    tools=(BOOK,),
    risk=0.95,
    policy="The number of passengers of a reservation is limited.",
)
def too_many(case: Case) -> Objection | None:
    """Fire on more passengers than a reservation can have."""
    count, most = passengers(case.arguments), _MOST_PASSENGERS.of(case.facts)
    if count <= most:
        return None
    return Objection(
        f"{count} passengers; a reservation can have at most {most:g}.", evidence=f"{count}"
    )


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
    kind = case.named("flight_type")
    flown = off_course(case, case.arguments)
    if flown:
        return Objection(
            f"The booking is a {kind.replace('_', ' ')} from {case.named('origin')} to "
            f"{case.named('destination')}, but the flights go {flown}.",
            evidence=flown,
        )
    one_way, both = _ONE_WAY.search(case.facts.said), _ROUND.search(case.facts.said)
    if bool(one_way) == bool(both) or (kind == "one_way") == bool(one_way):
        return None
    return Objection(
        f"The call books a {kind.replace('_', ' ')}, the user asked for the other. Ask which.",
        evidence=kind,
        risk=0.5,
        messages=said_at(case.facts, _ONE_WAY if one_way else _ROUND),
    )
