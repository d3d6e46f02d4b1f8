"""Airline: whether what the user asked for and did not get is allowed."""

import re
from collections.abc import Iterator

from sidecritic.checks.facts import Facts
from sidecritic.checks.refusals import Refused
from sidecritic.checks.requests import asked_for
from sidecritic.english.language import mentions
from sidecritic.packs.airline.cancellations import (
    airline_is_blamed,
    flown_leg,
    ground_of,
)
from sidecritic.packs.airline.compensation import claims, due, why_not_due
from sidecritic.packs.airline.flights import legs_of, status_of
from sidecritic.packs.airline.places import routes
from sidecritic.packs.airline.records import (
    CANCEL,
    CERTIFICATE,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    cabin_of,
    reservations,
    says,
    writes_on,
)
from sidecritic.packs.airline.requests import fits
from sidecritic.values import JsonObject, text_of

_CABIN_WISH = re.compile(r"\b(upgrad\w*|downgrad\w*|cabin|business( class)?|economy class)\b")
_ELSEWHERE = re.compile(
    r"\b(different|another|other|new|change (the|my)) (destination|origin|city|airport)\b"
)
SAME_NUMBER = "the number of passengers cannot change"
_NO_TOOL: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"\b(add|get|buy|purchase|include)\b[^.?!\n]{0,30}\binsurance\b"),
        "insurance cannot be added after the booking",
    ),
    (
        re.compile(r"\b(remov|tak|drop|cancel)\w*\b[^.?!\n]{0,25}\b(passenger|companion)\b"),
        SAME_NUMBER,
    ),
    (
        re.compile(r"\badd\w*\b[^.?!\n]{0,25}\b(passenger|companion|person|traveler)\b"),
        SAME_NUMBER,
    ),
    (
        re.compile(r"\b(remov|reduc|drop)\w*\b[^.?!\n]{0,25}\b(bags?|baggage|luggage|suitcase)\b"),
        "bags cannot be removed",
    ),
)
_PEOPLE = re.compile(r"\b(passengers?|companions?)\b")
_NEW_BOOKING = re.compile(r"\b(book|new (flight|reservation|booking))\b")


def refused(facts: Facts) -> tuple[Refused, ...]:
    """Return what was asked for and not done, with the rule that forbids it."""
    return (*_cancellations(facts), *_changes(facts), *_claims(facts), *_impossible(facts))


def meant(facts: Facts) -> tuple[tuple[str, ...], bool]:
    """Return the known reservations that the user can mean, and whether they said so.

    They name the id, or the route; or there is only one that is known.
    """
    known = reservations(facts)
    named = tuple(one for one in known if mentions(facts.said, one))
    if named:
        return named, True
    described = [route for line in facts.user_lines for route in routes(line.lower)]
    fitting = tuple(one for one, record in known.items() if fits(record, described))
    return (fitting, True) if fitting else (tuple(known), len(known) == 1)


def _cancellations(facts: Facts) -> Iterator[Refused]:
    request = asked_for(facts, CANCEL)
    if request is None or request.kind != "cancel" or _PEOPLE.search(request.text):
        return
    which, told = meant(facts)
    if not told and any(done.call.name == CANCEL for done in facts.writes):
        return
    for one in which:
        reservation = reservations(facts)[one]
        closed = writes_on(facts, one) or text_of(reservation, "status") == "cancelled"
        if not closed and not _is_unknown(facts, reservation):
            why_not = _why_not_cancelled(facts, reservation)
            yield Refused(f"cancel {one}", why_not, request.position, sure=told)


def _is_unknown(facts: Facts, reservation: JsonObject) -> bool:
    """Whether the airline is said to have cancelled it, and nobody looked."""
    looked = any(status_of(leg, facts) for leg in legs_of(reservation))
    return airline_is_blamed(facts) and not looked


def _why_not_cancelled(facts: Facts, reservation: JsonObject) -> str:
    if flown_leg(facts, reservation):
        return "a part was flown"
    if ground_of(facts, reservation):
        return ""
    if text_of(reservation, "insurance") != "yes":
        return "no ground"
    return "the reason is not insured" if says(facts, "covered by insurance") else ""


def _changes(facts: Facts) -> Iterator[Refused]:
    request = asked_for(facts, UPDATE_FLIGHTS)
    if request is None or request.kind != "change" or _PEOPLE.search(request.text):
        return
    which, told = meant(facts)
    if not told and any(done.call.name == UPDATE_FLIGHTS for done in facts.writes):
        return
    for one in which:
        if not writes_on(facts, one):
            why_not = _why_not_changed(facts, reservations(facts)[one])
            yield Refused(f"change {one}", why_not, request.position, sure=False)


def _why_not_changed(facts: Facts, reservation: JsonObject) -> str:
    if flown_leg(facts, reservation):
        return "a part was flown"
    basic = cabin_of(facts, reservation) == "basic_economy"
    if basic and not _CABIN_WISH.search(facts.said):
        return "basic economy"
    return "another journey" if _ELSEWHERE.search(facts.said) else ""


def _claims(facts: Facts) -> Iterator[Refused]:
    position = claims(facts)
    if position is None or any(done.call.name == CERTIFICATE for done in facts.writes):
        return
    if not reservations(facts):
        return
    why_not = why_not_due(facts)
    if why_not or due(facts):
        yield Refused("be compensated", why_not, position)


def _impossible(facts: Facts) -> Iterator[Refused]:
    if _NEW_BOOKING.search(facts.said):
        return
    done = {one.call.name for one in facts.writes}
    for pattern, why_not in _NO_TOOL:
        line = next((one for one in facts.user_lines if pattern.search(one.lower)), None)
        if line is not None and not done & {UPDATE_BAGS, UPDATE_PASSENGERS}:
            found = pattern.search(line.lower)
            yield Refused(found[0] if found else "", why_not, line.position)
