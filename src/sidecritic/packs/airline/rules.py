"""Airline: changes of flights and passengers, which the tools carry out without checking."""

import re
from collections.abc import Iterator
from itertools import pairwise

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts, Line
from sidecritic.english.text import mentions, sentences
from sidecritic.packs.airline.cancellations import flown_leg
from sidecritic.packs.airline.flights import (
    arrival,
    departure,
    ends_of,
    fares,
    is_flown,
    legs_of,
)
from sidecritic.packs.airline.records import (
    BOOK,
    ON_RESERVATIONS,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    cabin_of,
    passengers,
    reservation_of,
    says,
    was_read,
)
from sidecritic.packs.airline.sources import read_at, searched_at, status_read_at
from sidecritic.values import JsonObject, objects_of, text_of

_ONLY = re.compile(
    r"\b(only|just)\b[^.\n]{0,30}"
    r"\b(outbound|return|leg|segment|(first|second|last|one) (flight|leg|passenger))\b"
    r"|\b(outbound|return|leg|segment)\b[^.\n]{0,12}\bonly\b"
)
_PART = re.compile(
    rf"{_ONLY.pattern}"
    r"|\b(for|on|of) (that|this|one) (leg|segment|flight|portion|part|direction)\b"
    r"|\b(the|my) (outbound|return|first|second|last) (leg|segment|flight|portion)\b"
)
_WHOLE = re.compile(
    r"\b(all|both|every|each|entire|whole) (of )?(the |my |your )?"
    r"(flight|leg|segment|passenger|reservation|trip|journey|itinerary|booking)"
)


@call_check(
    "reservation not looked up",
    tools=ON_RESERVATIONS,
    risk=0.75,
    policy="The API does not check these for the agent, so the agent must make sure the rules "
    "apply before calling the API!",
)
def unread_reservation(case: Case) -> Objection | None:
    """Fire when the agent has never read the reservation of the call."""
    if was_read(case):
        return None
    which = case.named("reservation_id") or "the reservation"
    return Objection(
        f"{which} was never looked up. Call get_reservation_details and make sure that the rules "
        "allow this.",
        # Where the critic could look, the other checks know whether the rules allow it.
        risk=0.35 if reservation_of(case) else None,
    )


@call_check(
    "cancelled already",
    tools=ON_RESERVATIONS,
    risk=0.85,
    policy="The agent must make sure the rules apply before calling the API!",
)
def already_cancelled(case: Case) -> Objection | None:
    """Fire on a change of a cancelled reservation."""
    if text_of(reservation_of(case), "status") != "cancelled":
        return None
    return Objection(
        "This reservation is cancelled already. Tell the user so.",
        messages=read_at(case),
    )


@call_check(
    "cabin changed after take-off",
    tools=(UPDATE_FLIGHTS,),
    risk=0.95,
    policy="Cabin cannot be changed if any flight in the reservation has already been flown.",
)
def cabin_after_flown(case: Case) -> Objection | None:
    """Fire on a change of cabin when a part of the reservation was flown."""
    reservation = reservation_of(case)
    leg = flown_leg(case.facts, reservation)
    cabin = case.named("cabin")
    if leg is None or cabin == cabin_of(case.facts, reservation):
        return None
    if not says(case.facts, "cabin cannot be changed if"):  # τ-bench does not say so
        return None
    return Objection(
        f"{leg.number} of {leg.date} has been flown already, so the cabin cannot change. Deny it.",
        evidence=f"{leg.number} {leg.date}",
        messages=(*read_at(case), *status_read_at(case.facts, [leg])),
    )


@call_check(
    "flown flight changed",
    tools=(UPDATE_FLIGHTS,),
    risk=0.8,
    policy="The agent must make sure the rules apply before calling the API!",
)
def flown_changed(case: Case) -> Objection | None:
    """Fire when a flight that has taken off is exchanged, or one is chosen that has."""
    old = set(legs_of(reservation_of(case)))
    new = set(legs_of(case.arguments))
    leg = next((leg for leg in sorted(old ^ new) if is_flown(leg, case.facts)), None)
    if not old or leg is None:
        return None
    return Objection(
        f"{leg.number} of {leg.date} has been flown already: it can be neither changed nor chosen.",
        evidence=f"{leg.number} {leg.date}",
        messages=(*read_at(case), *status_read_at(case.facts, [leg])),
    )


@call_check(
    "basic economy changed",
    tools=(UPDATE_FLIGHTS,),
    risk=0.75,
    policy="Basic economy flights cannot be modified.",
)
def basic_economy(case: Case) -> Objection | None:
    """Fire when the flights of a basic economy reservation change."""
    reservation = reservation_of(case)
    if cabin_of(case.facts, reservation) != "basic_economy":
        return None
    if set(legs_of(reservation)) == set(legs_of(case.arguments)):
        return None
    return Objection(
        "This is a basic economy reservation: its flights cannot be changed, only its cabin (with "
        "the same flights). Deny the change of flights.",
        evidence="basic_economy",
        # A cabin may change first and the flights after it; references do both in one case.call.
        risk=None if case.named("cabin") == "basic_economy" else 0.3,
        messages=read_at(case),
    )


@call_check(
    "cabin of a part",
    tools=(UPDATE_FLIGHTS,),
    risk=0.65,
    policy="Cabin class must remain the same across all the flights in the same reservation; "
    "changing cabin for just one flight segment is not possible.",
)
def partial_cabin(case: Case) -> Objection | None:
    """Fire when another cabin is wanted for a passenger or flight, and the call takes all."""
    reservation = reservation_of(case)
    cabin = case.named("cabin")
    if not reservation or not cabin or cabin == cabin_of(case.facts, reservation):
        return None
    part = _agreed_part(case, reservation) or _wanted_part(case.facts, cabin)
    if not part:
        return None
    return Objection(
        f"The call changes the cabin of the whole reservation ({passengers(reservation)} "
        f"passenger(s), every flight), but only {part} was spoken of. A part cannot change: say "
        "so, and state the price for all.",
        evidence=part,
        messages=read_at(case),
    )


@call_check(
    "another journey",
    tools=(UPDATE_FLIGHTS,),
    risk=0.85,
    policy="Other reservations can be modified without changing the origin, destination, and "
    "trip type.",
)
def other_journey(case: Case) -> Objection | None:
    """Fire when the new flights begin or end elsewhere, or one way of a round trip is gone."""
    reservation = reservation_of(case)
    ends = ends_of(legs_of(case.arguments), case.facts, reservation, case.arguments)
    if not reservation or not ends or any(not all(pair) for pair in ends):
        return None
    origin, destination = text_of(reservation, "origin"), text_of(reservation, "destination")
    final = origin if text_of(reservation, "flight_type") == "round_trip" else destination
    visited = {place for pair in ends for place in pair}
    unbroken = all(first[1] == second[0] for first, second in pairwise(ends))
    if ends[0][0] == origin and ends[-1][1] == final and destination in visited and unbroken:
        return None
    return Objection(
        f"The reservation goes from {origin} to {destination} "
        f"({text_of(reservation, 'flight_type').replace('_', ' ')}), the call lists "
        f"{' '.join(f'{a}-{b}' for a, b in ends)}. List every flight of the whole trip, kept ones "
        "included; origin, destination and trip type cannot change.",
        evidence=str(ends),
        messages=read_at(case),
    )


@call_check(
    "impossible connection",
    tools=(UPDATE_FLIGHTS, BOOK),
    risk=0.85,
    policy="All passengers must fly the same flights in the same cabin.",
)
def impossible_connection(case: Case) -> Objection | None:
    """Fire when a flight departs before the one before it has arrived."""
    known = fares(case.facts)
    for first, second in pairwise(legs_of(case.arguments)):
        arrives, departs = arrival(first, known), departure(second, known)
        early = bool(arrives and departs and departs < arrives)
        if early or (first.date and second.date and second.date < first.date):
            return Objection(
                f"{second.number} departs {departs or second.date}, before {first.number} arrives "
                f"({arrives or first.date}). Choose flights that can be flown one after the other.",
                evidence=f"{departs or second.date} < {arrives or first.date}",
                messages=searched_at(case.facts),
            )
    return None


@call_check(
    "nothing changed",
    tools=(UPDATE_FLIGHTS, UPDATE_PASSENGERS),
    risk=0.7,
    policy="Some flight segments can be kept, but their prices will not be updated.",
)
def nothing_changed(case: Case) -> Objection | None:
    """Fire when a change leaves the reservation as it is."""
    reservation, arguments = reservation_of(case), case.arguments
    if not reservation:
        return None
    if case.tool == UPDATE_PASSENGERS:
        same = objects_of(arguments, "passengers") == objects_of(reservation, "passengers")
    else:
        same = legs_of(arguments) == legs_of(reservation) and (
            text_of(arguments, "cabin") == cabin_of(case.facts, reservation)
        )
    if not same:
        return None
    return Objection(
        "The call leaves the reservation as it is. Call with what should change.",
        messages=read_at(case),
    )


@call_check(
    "number of passengers",
    tools=(UPDATE_PASSENGERS,),
    risk=0.95,
    policy="The user can modify passengers but cannot modify the number of passengers.",
)
def passenger_number(case: Case) -> Objection | None:
    """Fire when passengers are added or removed."""
    before = passengers(reservation_of(case))
    after = passengers(case.arguments)
    if not before or before == after:
        return None
    return Objection(
        f"The reservation has {before} passengers, the call lists {after}. The number cannot "
        "change, not even by a human agent: deny it.",
        evidence=f"{before} -> {after}",
        messages=read_at(case),
    )


AIRLINE_RULES: tuple[CallCheck, ...] = (
    unread_reservation,
    already_cancelled,
    cabin_after_flown,
    flown_changed,
    basic_economy,
    partial_cabin,
    other_journey,
    impossible_connection,
    nothing_changed,
    passenger_number,
)


def _agreed_part(case: Case, reservation: JsonObject) -> str:
    """Return the part that was agreed to; empty when it was the whole."""
    agreed = case.agreed
    if agreed is None:
        return ""
    words = f"{agreed.question.lower} {agreed.answer.lower}"
    names = [text_of(p, "first_name").lower() for p in objects_of(reservation, "passengers")]
    named = [name for name in names if mentions(words, name)]
    part = _ONLY.search(words)
    if part is not None:
        return part[0]
    return ", ".join(named) if named and len(named) < len(names) else ""


def _wanted_part(facts: Facts, cabin: str) -> str:
    """Return for which part the user wanted the cabin, unless the whole was spoken of since."""
    for line in reversed(facts.user_lines):
        for sentence in _naming(line, cabin):
            part = _PART.search(sentence)
            later = [one.lower for one in facts.lines if one.position >= line.position]
            if part is None or any(_WHOLE.search(words) for words in later):
                return ""
            return part[0]
    return ""


def _naming(line: Line, cabin: str) -> Iterator[str]:
    """Walk over the sentences that name a cabin; economy is not basic economy."""
    for sentence in sentences(line.lower):
        if mentions(sentence.replace("basic economy", "basic_economy"), cabin):
            yield sentence
