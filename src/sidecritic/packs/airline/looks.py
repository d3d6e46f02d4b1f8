"""Airline: what is worth looking up before a call is judged, most wanted first.

The budget is eight look-ups a proposal. What decides a rule comes before what decides a price,
and what decides a price comes before other ways to fly.
"""

from collections.abc import Iterator
from datetime import timedelta

from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.looking import Wanted
from sidecritic.checks.requests import asked_for
from sidecritic.english.closing import closes
from sidecritic.english.language import mentions
from sidecritic.packs.airline.compensation import claims
from sidecritic.packs.airline.flights import (
    DIRECT,
    ONE_STOP,
    STATUS,
    Leg,
    changed_ways,
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
from sidecritic.packs.airline.refusals import meant
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, text_of, texts_of

_MOST_LEGS = 6


def airline_wants(facts: Facts) -> Iterator[Wanted]:
    """Walk over the look-ups that the proposed calls are worth, most wanted first."""
    for call in facts.proposed:
        yield from _reservation(facts, call)
    for call in facts.proposed:
        yield from _profile(facts, call)
    for call in facts.proposed:
        yield from _for_call(facts, call)
    if closing(facts):
        yield from _left_undone(facts)


def _for_call(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    match call.name:
        case name if name == CANCEL:
            yield from _statuses(facts, reservation_of(facts, call))
        case name if name == UPDATE_FLIGHTS:
            yield from _taken_off(facts, reservation_of(facts, call))
            yield from _prices(facts, call)
            yield from _choices(facts, call)
        case name if name == BOOK:
            yield from _route(facts, call)
            yield from _choices(facts, call)
        case name if name == CERTIFICATE:
            yield from _complaint(facts, call)
        case _:
            pass


def closing(facts: Facts) -> bool:
    """Whether the conversation may end with what is proposed."""
    if facts.proposed:
        return any(call.name in facts.hand_overs for call in facts.proposed)
    return closes(facts.draft.lower(), facts.answer.lower if facts.answer else "")


def _left_undone(facts: Facts) -> Iterator[Wanted]:
    """Ask for what decides whether a cancellation or a claim that was refused is allowed."""
    for one in named_ids(facts):
        if one not in reservations(facts):
            yield Wanted(RESERVATION, {"reservation_id": one})
    wanted = asked_for(facts, CANCEL) is not None or claims(facts) is not None
    for one in meant(facts)[0] if wanted and not facts.writes else ():
        yield from _statuses(facts, reservations(facts)[one])


def named_ids(facts: Facts) -> tuple[str, ...]:
    """Return the reservations of a known profile that were named."""
    profile = profile_of(facts, "")
    words = f"{facts.said}\n{facts.told}"
    return tuple(one for one in texts_of(profile, "reservations") if mentions(words, one))


def _reservation(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    wanted = text_of(call.arguments or {}, "reservation_id")
    if call.name in ON_RESERVATIONS and wanted and not reservation_of(facts, call):
        yield Wanted(RESERVATION, {"reservation_id": wanted})


def _profile(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    owner = user_of(facts, call)
    decides = call.name not in (CANCEL, UPDATE_PASSENGERS)
    if owner and decides and (not profile_of(facts, owner) or _is_outdated(facts, owner)):
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


def _prices(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    """Ask for price, times and seats of each flight whose ends are known; new ones first."""
    reservation, arguments = reservation_of(facts, call), call.arguments or {}
    legs, known = legs_of(arguments)[:_MOST_LEGS], fares(facts)
    ends = ends_of(legs, facts, reservation, arguments)
    kept = set(legs_of(reservation))
    pairs = sorted(zip(legs, ends, strict=True), key=lambda pair: pair[0] in kept)
    for leg, (origin, destination) in pairs:
        if (
            leg in known
            or not origin
            or DIRECT in was_searched(facts, origin, destination, leg.date)
        ):
            continue
        yield _search(DIRECT, origin, destination, leg.date)
    if any(not origin for origin, _ in ends):
        yield from _missing(facts, call)


def _missing(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    """Ask for flights that nobody has seen: they should lead from end to end on their date."""
    reservation, arguments = reservation_of(facts, call), call.arguments or {}
    origin, destination = text_of(reservation, "origin"), text_of(reservation, "destination")
    legs = legs_of(arguments)
    ends = ends_of(legs, facts, reservation, arguments)
    unknown = [leg for leg, pair in zip(legs, ends, strict=True) if not pair[0]]
    if not unknown or not origin:
        return
    back = any(pair[0] == origin for pair in ends if pair[0])
    there = (destination, origin) if back else (origin, destination)
    for tool in (DIRECT, ONE_STOP):
        yield _search(tool, *there, unknown[0].date)


def _route(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    """Ask for the flights of a booking whose prices nobody has seen."""
    arguments = call.arguments or {}
    known, legs = fares(facts), legs_of(arguments)
    origin, destination = text_of(arguments, "origin"), text_of(arguments, "destination")
    missing = [leg for leg in legs if leg not in known]
    if not missing:
        return
    yield _search(ONE_STOP, origin, destination, legs[0].date)
    yield _search(DIRECT, origin, destination, legs[0].date)
    if legs[-1].date != legs[0].date:
        yield _search(ONE_STOP, destination, origin, legs[-1].date)
        yield _search(DIRECT, destination, origin, legs[-1].date)


def _choices(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    """Ask for the other ways to fly, where the flights of the call were chosen among several."""
    for way in changed_ways(facts, call):
        made = was_searched(facts, way.origin, way.destination, way.legs[0].date)
        for tool in (DIRECT, ONE_STOP):
            if tool not in made:
                yield _search(tool, way.origin, way.destination, way.legs[0].date)


def _complaint(facts: Facts, call: ToolCall) -> Iterator[Wanted]:
    """Ask for the reservations that were spoken of, and for the status of their flights."""
    profile = profile_of(facts, user_of(facts, call))
    spoken = [
        one
        for one in texts_of(profile, "reservations")
        if mentions(facts.said, one) or mentions(facts.told, one)
    ]
    for one in spoken:
        if one not in reservations(facts):
            yield Wanted(RESERVATION, {"reservation_id": one})
    found = sorted(reservations(facts).items(), key=lambda pair: (pair[0] not in spoken, pair[0]))
    for _, reservation in found:
        for leg in legs_of(reservation):
            if leg.number.lower() in facts.said or leg.date <= _soon(facts):
                yield from _status(facts, leg)


def _soon(facts: Facts) -> str:
    """Return the last day whose flights can be late or cancelled already."""
    return (now(facts) + timedelta(days=1)).date().isoformat()


def _search(tool: str, origin: str, destination: str, date: str) -> Wanted:
    return Wanted(tool, {"origin": origin, "destination": destination, "date": date})
