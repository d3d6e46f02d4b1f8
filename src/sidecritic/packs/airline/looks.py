"""Airline: what is worth looking up before a call is judged, most wanted first.

The budget is eight look-ups a proposal. What decides a rule comes before what decides a price,
and what decides a price comes before other ways to fly.
"""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.checks.terms import find_now
from sidecritic.english.text import mentions
from sidecritic.packs.airline.cancellations import FRESH, is_fresh
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
    payments_of,
    profile_of,
    reservation_of,
    reservations,
)
from sidecritic.values import JsonObject, text_of, texts_of

_MOST_LEGS = 6


def wants(facts: Facts) -> Iterator[Wanted]:
    """Walk over the look-ups that the proposed calls are worth, most wanted first."""
    cases = [Case(facts, call) for call in facts.proposed]
    for case in cases:
        yield from RESERVATION.missing(case, ON_RESERVATIONS)
    for case in cases:
        owner = RESERVATION.owner_of(case)
        decides = case.tool not in (CANCEL, UPDATE_PASSENGERS)
        if owner and decides and (not profile_of(case) or _is_outdated(facts, owner)):
            yield PROFILE.look_up(owner)
    for case in cases:
        yield from _for_call(case)


def _for_call(case: Case) -> Iterator[Wanted]:
    if case.tool == CANCEL:
        yield from _statuses(case.facts, reservation_of(case))
    elif case.tool == UPDATE_FLIGHTS:
        yield from _taken_off(case.facts, legs_of(reservation_of(case)))
        yield from _prices(case)
    elif case.tool == BOOK:
        yield from _route(case)
    elif case.tool == CERTIFICATE:
        yield from _complaint(case)


def _is_outdated(facts: Facts, owner: str) -> bool:
    """Whether money was moved since the agent read the profile: balances are others now."""
    looks = [done for done in facts.done if done.call.name == PROFILE.tool]
    read = [done.position for done in looks if text_of(done.arguments, "user_id") == owner]
    paid = (done.position for done in facts.writes if payments_of(done.arguments))
    return max(paid, default=-1) > max(read, default=-1)


def _statuses(facts: Facts, reservation: JsonObject) -> Iterator[Wanted]:
    """Ask for the status of flights, where it can be a ground or a hindrance of cancelling."""
    has_ground = cabin_of(facts, reservation) == "business" or _is_fresh(facts, reservation)
    legs = sorted(legs_of(reservation), key=lambda leg: leg.date)
    if has_ground:
        yield from _taken_off(facts, legs)
    for leg in () if has_ground else legs:
        yield from _status(facts, leg)


def _is_fresh(facts: Facts, reservation: JsonObject) -> bool:
    """Whether a booking is known to be so new that it can be cancelled."""
    if FRESH.find(facts) is None or find_now(facts) is None:
        return False
    return is_fresh(facts, reservation)


def _taken_off(facts: Facts, legs: Iterable[Leg]) -> Iterator[Wanted]:
    for leg in legs:
        if leg.date <= _day(facts, 0):
            yield from _status(facts, leg)


def _status(facts: Facts, leg: Leg) -> Iterator[Wanted]:
    if not status_of(leg, facts):
        yield Wanted(STATUS, {"flight_number": leg.number, "date": leg.date})


def _prices(case: Case) -> Iterator[Wanted]:
    """Ask for price and times of each flight whose ends are known; new ones first."""
    reservation, facts = reservation_of(case), case.facts
    legs, known = legs_of(case.arguments)[:_MOST_LEGS], fares(facts)
    ends = ends_of(legs, facts, reservation, case.arguments)
    kept = set(legs_of(reservation))
    for leg, way in sorted(zip(legs, ends, strict=True), key=lambda pair: pair[0] in kept):
        if leg not in known and way[0] and DIRECT not in was_searched(facts, *way, leg.date):
            yield _search(DIRECT, *way, leg.date)
    # Flights that nobody has seen should lead from end to end on their date.
    origin, destination = text_of(reservation, "origin"), text_of(reservation, "destination")
    unseen = next((leg for leg, way in zip(legs, ends, strict=True) if not way[0]), None)
    if unseen is not None and origin:
        back = any(way[0] == origin for way in ends)
        there = (destination, origin) if back else (origin, destination)
        yield from (_search(tool, *there, unseen.date) for tool in (DIRECT, ONE_STOP))


def _route(case: Case) -> Iterator[Wanted]:
    """Ask for the flights of a booking whose prices nobody has seen."""
    known, legs = fares(case.facts), legs_of(case.arguments)
    origin, destination = case.named("origin"), case.named("destination")
    if all(leg in known for leg in legs):
        return
    yield from (_search(tool, origin, destination, legs[0].date) for tool in (ONE_STOP, DIRECT))
    if legs[-1].date != legs[0].date:
        yield from (
            _search(tool, destination, origin, legs[-1].date) for tool in (ONE_STOP, DIRECT)
        )


def _complaint(case: Case) -> Iterator[Wanted]:
    """Ask for the reservations that were spoken of, and for the status of their flights."""
    profile = profile_of(case)
    spoken = [
        one
        for one in texts_of(profile, "reservations")
        if mentions(case.facts.said, one) or mentions(case.facts.told, one)
    ]
    for one in spoken:
        yield from RESERVATION.ask(case.facts, one)
    found = sorted(
        reservations(case.facts).items(), key=lambda pair: (pair[0] not in spoken, pair[0])
    )
    for _, reservation in found:
        for leg in legs_of(reservation):
            if leg.number.lower() in case.facts.said or leg.date <= _day(case.facts, 1):
                yield from _status(case.facts, leg)


def _day(facts: Facts, ahead: int) -> str:
    """Return today, or a day after it; the end of time where no day is stated.

    Flights of tomorrow can be late or cancelled already.
    """
    now = find_now(facts)
    return date.max.isoformat() if now is None else f"{now + timedelta(days=ahead):%Y-%m-%d}"


def _search(tool: str, origin: str, destination: str, date: str) -> Wanted:
    return Wanted(tool, {"origin": origin, "destination": destination, "date": date})
