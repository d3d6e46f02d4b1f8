"""Airline: changes of flights and passengers, which the tools carry out without checking."""

import re
from collections.abc import Iterator
from itertools import pairwise

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import EVIDENCE
from sidecritic.checks.facts import Facts, Line
from sidecritic.checks.records import changed, in_state, looked_up
from sidecritic.english.text import mentions, sentences
from sidecritic.packs.airline.cancellations import flown_leg
from sidecritic.packs.airline.flights import (
    arrival,
    departure,
    fares,
    is_flown,
    legs_of,
    off_course,
)
from sidecritic.packs.airline.records import (
    BOOK,
    ON_RESERVATIONS,
    RESERVATION,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    cabin_of,
    passengers,
    reservation_of,
    says,
)
from sidecritic.packs.airline.sources import read_at, searched_at, status_read_at
from sidecritic.values import JsonObject, objects_of, text_of

_NO_WORD = re.compile(r"[\W_]+")
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


unread_reservation = CallCheck(
    "reservation not looked up",
    tools=ON_RESERVATIONS,
    risk=0.75,
    policy="The API does not check these for the agent, so the agent must make sure the rules "
    "apply before calling the API!",
    examine=looked_up(
        RESERVATION,
        "make sure that the rules allow this",
        # Where the critic could look, the other checks know whether the rules allow it.
        risk=lambda case: EVIDENCE if RESERVATION.of(case) else None,
    ),
)
already_cancelled = CallCheck(
    "cancelled already",
    tools=ON_RESERVATIONS,
    risk=0.85,
    policy="The agent must make sure the rules apply before calling the API!",
    examine=in_state(
        RESERVATION, lambda _, status: status != "cancelled", "Tell the user that it is cancelled."
    ),
)


@call_check("user id not given", risk=0.6, policy="The user must provide their user id.")
def user_id_not_given(case: Case) -> Objection | None:
    """Fire on a write for a user who never gave the id of its owner."""
    owner = RESERVATION.owner_of(case)
    stated = says(case.facts, "must provide their user id", "obtain the user id from the user")
    if not stated or not owner or _bare(owner) in _bare(case.facts.said):
        return None
    return Objection(
        "The user has not given their user id. Ask for it before you change anything.",
        evidence=owner,
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
        risk=None if case.named("cabin") == "basic_economy" else EVIDENCE,
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
    flown = off_course(case, reservation)
    if not flown:
        return None
    return Objection(
        f"The reservation goes from {text_of(reservation, 'origin')} to "
        f"{text_of(reservation, 'destination')} "
        f"({text_of(reservation, 'flight_type').replace('_', ' ')}), the call lists {flown}. List "
        "every flight of the whole trip, kept ones included; origin, destination and trip type "
        "cannot change.",
        evidence=flown,
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


def _kept(case: Case) -> str:
    """Return what a change leaves as it is, in words."""
    reservation, arguments = reservation_of(case), case.arguments
    if case.tool == UPDATE_PASSENGERS:
        same = objects_of(arguments, "passengers") == objects_of(reservation, "passengers")
        return "the passengers are the same" if reservation and same else ""
    same = legs_of(arguments) == legs_of(reservation)
    cabin = case.named("cabin") == cabin_of(case.facts, reservation)
    return "flights and cabin are the same" if reservation and same and cabin else ""


nothing_changed = CallCheck(
    "nothing changed",
    tools=(UPDATE_FLIGHTS, UPDATE_PASSENGERS),
    risk=0.7,
    policy="Some flight segments can be kept, but their prices will not be updated.",
    examine=changed(_kept, RESERVATION.of, "Call with what should change."),
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


def _bare(text: str) -> str:
    """Return letters and digits alone: an id may be typed with spaces, or spelled out with them."""
    return _NO_WORD.sub("", text).lower()
