"""Airline: what is worth looking up before a call is judged, most wanted first.

The budget is eight look-ups a proposal. What decides a rule comes before what decides a price,
and what decides a price comes before other ways to fly.
"""

from collections.abc import Iterator
from datetime import timedelta

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.looking import Wanted
from sidecritic.english.text import mentions
from sidecritic.packs.airline.flights import (
    DIRECT,
    ONE_STOP,
    STATUS,
    Leg,
    ends_of,
    fares,
    legs_of,
    status_of,
    was_searched,
)
from sidecritic.packs.airline.records import (
    BOOK,
    CANCEL,
    CERTIFICATE,
    ON_RESERVATIONS,
    PROFILE,
    RESERVATION,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    cabin_of,
    hours_old,
    now,
    payments_of,
    profile_of,
    reservation_of,
    reservations,
    today,
    user_of,
)
from sidecritic.values import JsonObject, text_of, texts_of

_MOST_LEGS = 6


def airline_wants(facts: Facts) -> Iterator[Wanted]:
    """Walk over the look-ups that the proposed calls are worth, most wanted first."""
    for call in facts.proposed:
        yield from _reservation(Case(facts, call))
    for call in facts.proposed:
        yield from _profile(Case(facts, call))
    for call in facts.proposed:
        yield from _for_call(Case(facts, call))


def _for_call(case: Case) -> Iterator[Wanted]:
    match case.tool:
        case name if name == CANCEL:
            yield from _statuses(case.facts, reservation_of(case))
        case name if name == UPDATE_FLIGHTS:
            yield from _taken_off(case.facts, reservation_of(case))
            yield from _prices(case)
        case name if name == BOOK:
            yield from _route(case)
        case name if name == CERTIFICATE:
            yield from _complaint(case)
        case _:
            pass


def _reservation(case: Case) -> Iterator[Wanted]:
    wanted = case.named("reservation_id")
    if case.tool in ON_RESERVATIONS and wanted and not reservation_of(case):
        yield Wanted(RESERVATION, {"reservation_id": wanted})


def _profile(case: Case) -> Iterator[Wanted]:
    owner = user_of(case)
    decides = case.tool not in (CANCEL, UPDATE_PASSENGERS)
    if owner and decides and (not profile_of(case.facts, owner) or _is_outdated(case.facts, owner)):
        yield Wanted(PROFILE, {"user_id": owner})


def _is_outdated(facts: Facts, owner: str) -> bool:
    """Whether money was moved since the agent read the profile: balances are others now."""
    read = max((done.position for done in facts.done if _reads_profile(done, owner)), default=-1)
    return any(done.position > read and payments_of(done.arguments) for done in facts.writes)


def _reads_profile(done: Done, owner: str) -> bool:
    return done.call.name == PROFILE and text_of(done.arguments, "user_id") == owner


def _statuses(facts: Facts, reservation: JsonObject) -> Iterator[Wanted]:
    """Ask for the status of flights, where it can be a ground or a hindrance of cancelling."""
    age = hours_old(facts, reservation)
    has_ground = cabin_of(facts, reservation) == "business" or (age is not None and age <= 24)
    for leg in sorted(legs_of(reservation), key=lambda leg: leg.date):
        if not has_ground or leg.date <= today(facts):
            yield from _status(facts, leg)


def _taken_off(facts: Facts, reservation: JsonObject) -> Iterator[Wanted]:
    for leg in legs_of(reservation):
        if leg.date <= today(facts):
            yield from _status(facts, leg)


def _status(facts: Facts, leg: Leg) -> Iterator[Wanted]:
    if not status_of(leg, facts):
        yield Wanted(STATUS, {"flight_number": leg.number, "date": leg.date})


def _prices(case: Case) -> Iterator[Wanted]:
    """Ask for price, times and seats of each flight whose ends are known; new ones first."""
    reservation, arguments = reservation_of(case), case.arguments
    legs, known = legs_of(arguments)[:_MOST_LEGS], fares(case.facts)
    ends = ends_of(legs, case.facts, reservation, arguments)
    kept = set(legs_of(reservation))
    pairs = sorted(zip(legs, ends, strict=True), key=lambda pair: pair[0] in kept)
    for leg, (origin, destination) in pairs:
        if (
            leg in known
            or not origin
            or DIRECT in was_searched(case.facts, origin, destination, leg.date)
        ):
            continue
        yield _search(DIRECT, origin, destination, leg.date)
    if any(not origin for origin, _ in ends):
        yield from _missing(case)


def _missing(case: Case) -> Iterator[Wanted]:
    """Ask for flights that nobody has seen: they should lead from end to end on their date."""
    reservation, arguments = reservation_of(case), case.arguments
    origin, destination = text_of(reservation, "origin"), text_of(reservation, "destination")
    legs = legs_of(arguments)
    ends = ends_of(legs, case.facts, reservation, arguments)
    unknown = [leg for leg, pair in zip(legs, ends, strict=True) if not pair[0]]
    if not unknown or not origin:
        return
    back = any(pair[0] == origin for pair in ends if pair[0])
    there = (destination, origin) if back else (origin, destination)
    for tool in (DIRECT, ONE_STOP):
        yield _search(tool, *there, unknown[0].date)


def _route(case: Case) -> Iterator[Wanted]:
    """Ask for the flights of a booking whose prices nobody has seen."""
    arguments = case.arguments
    known, legs = fares(case.facts), legs_of(arguments)
    origin, destination = text_of(arguments, "origin"), text_of(arguments, "destination")
    missing = [leg for leg in legs if leg not in known]
    if not missing:
        return
    yield _search(ONE_STOP, origin, destination, legs[0].date)
    yield _search(DIRECT, origin, destination, legs[0].date)
    if legs[-1].date != legs[0].date:
        yield _search(ONE_STOP, destination, origin, legs[-1].date)
        yield _search(DIRECT, destination, origin, legs[-1].date)


def _complaint(case: Case) -> Iterator[Wanted]:
    """Ask for the reservations that were spoken of, and for the status of their flights."""
    profile = profile_of(case.facts, user_of(case))
    spoken = [
        one
        for one in texts_of(profile, "reservations")
        if mentions(case.facts.said, one) or mentions(case.facts.told, one)
    ]
    for one in spoken:
        if one not in reservations(case.facts):
            yield Wanted(RESERVATION, {"reservation_id": one})
    found = sorted(
        reservations(case.facts).items(), key=lambda pair: (pair[0] not in spoken, pair[0])
    )
    for _, reservation in found:
        for leg in legs_of(reservation):
            if leg.number.lower() in case.facts.said or leg.date <= _soon(case.facts):
                yield from _status(case.facts, leg)


def _soon(facts: Facts) -> str:
    """Return the last day whose flights can be late or cancelled already."""
    return (now(facts) + timedelta(days=1)).date().isoformat()


def _search(tool: str, origin: str, destination: str, date: str) -> Wanted:
    return Wanted(tool, {"origin": origin, "destination": destination, "date": date})
