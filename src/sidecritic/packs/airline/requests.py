"""Airline: the deed and the trip against what the user asked for."""

import re
from collections.abc import Iterator, Mapping

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.common import CONSENT
from sidecritic.checks.consent import consent
from sidecritic.checks.facts import Facts
from sidecritic.english.language import mentions
from sidecritic.packs.airline.flights import changed_ways, legs_of
from sidecritic.packs.airline.places import routes
from sidecritic.packs.airline.records import (
    BOOK,
    CANCEL,
    CERTIFICATE,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    reservation_of,
    reservations,
)
from sidecritic.packs.airline.sources import read_at, said_at
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, objects_of, text_of

_LOCATE = "If the user doesn't know their reservation id, the agent should help locate it."
_DEEDS: Mapping[str, re.Pattern[str]] = {
    CANCEL: re.compile(
        r"cancel|refund|call(ed|ing)? off|annul|money back|get rid of|drop (the|my)"
    ),
    UPDATE_PASSENGERS: re.compile(
        r"passenger|name|travel+er|replace|person|birth|spell|correct|companion|friend|instead of"
    ),
    UPDATE_FLIGHTS: re.compile(
        r"chang|modif|updat|upgrad|downgrad|switch|swap|mov(e|ing)|re-?schedul|re-?book|push|postpone"
        r"|business|economy|cabin|class|earlier|later|another flight|different flight|adjust|delay"
        r"|non-?stop|direct|add|extend|flight|fly|put (me|us)"
    ),
    BOOK: re.compile(
        r"book|reserv|new (flight|trip|ticket)|purchase|buy|fly|get (me )?a flight|trip"
    ),
}
"""The words without which nobody asks for what a tool does."""

_ONE_DIRECTION = re.compile(
    r"\b(chang\w*|mov(e|ing)|re-?schedul\w*|switch\w*|modif\w*|updat\w*|swap\w*)\b[^.!?\n]{0,50}?"
    r"\b(?P<which>return|inbound|outbound|departing|departure|onward)( portion| leg)?"
    r" (flights?|trip|segments?|journey|portion|leg)\b"
)


@call_check(
    "deed nobody asked for",
    tools=(CANCEL, UPDATE_PASSENGERS, UPDATE_FLIGHTS, BOOK),
    risk=0.7,
    policy=CONSENT,
)
def unasked_deed(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when no word of the user asks for anything like what the tool does."""
    words = _DEEDS.get(call.name)
    if words is None or words.search(facts.said):
        return None
    return Objection(
        f"The user has not asked for anything like `{call.name}`. Do what they asked for, or "
        "propose this first."
    )


@call_check(
    "second certificate",
    tools=(CERTIFICATE,),
    risk=0.5,
    policy="Do not offer compensation for any other reason than the ones listed above.",
)
def second_certificate(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a certificate has been sent already."""
    del call
    sent = [done for done in facts.writes if done.call.name == CERTIFICATE]
    if not sent:
        return None
    return Objection(
        f"A certificate of ${text_of(sent[-1].arguments, 'amount')} was sent already. One is due "
        "for one reservation.",
        messages=(sent[-1].position,),
    )


@call_check("other direction changed", tools=(UPDATE_FLIGHTS,), risk=0.45, policy=CONSENT)
def other_direction(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user wants one direction changed and the call changes the other one."""
    reservation = reservation_of(facts, call)
    named = {found["which"] for words in facts.wishes for found in _ONE_DIRECTION.finditer(words)}
    back = named & {"return", "inbound"}
    if not named or (back and named - back) or text_of(reservation, "flight_type") != "round_trip":
        return None
    home = text_of(reservation, "origin")
    for way in changed_ways(facts, call):
        goes_back = way.destination == home and way.origin != home
        if goes_back != bool(back):
            return Objection(
                f"The user wants the {' or '.join(sorted(named))} flight changed, the call changes "
                f"{way.origin}-{way.destination}. Keep the flights of the other direction.",
                evidence=f"{way.origin}-{way.destination}",
                messages=said_at(facts, _ONE_DIRECTION),
            )
    return None


@call_check(
    "another trip than described",
    tools=(BOOK, CANCEL, UPDATE_FLIGHTS, UPDATE_BAGS, UPDATE_PASSENGERS),
    policy=_LOCATE,
    risk=0.5,
)
def other_reservation(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user named another route, and neither side the reservation of the call."""
    record = call.arguments or {} if call.name == BOOK else reservation_of(facts, call)
    described = [route for line in facts.user_lines for route in routes(line.lower)]
    if not record or not described or fits(record, described):
        return None
    agreed = consent(facts, call)
    shown = agreed is not None and _shows(agreed.question.lower, record)
    identity = text_of(record, "reservation_id")
    if shown or (identity and mentions(facts.said, identity)):
        return None
    others = [key for key, other in reservations(facts).items() if fits(other, described)]
    if not others and call.name != BOOK:
        return None
    meant = f"what the user described is {', '.join(others)}" if others else "the user said another"
    return Objection(
        f"{identity or 'The booking'} goes from {text_of(record, 'origin')} to "
        f"{text_of(record, 'destination')}; {meant}.",
        evidence=", ".join(others),
        messages=read_at(facts, call),
    )


AIRLINE_REQUESTS: tuple[CallCheck, ...] = (
    unasked_deed,
    second_certificate,
    other_direction,
    other_reservation,
)


def fits(record: JsonObject, described: list[tuple[frozenset[str], frozenset[str]]]) -> bool:
    """Whether a reservation, or a part of it, leads along one of the routes."""
    pairs = tuple(_pairs(record))
    return any(a in here and b in there for here, there in described for a, b in pairs)


def _shows(lower: str, reservation: JsonObject) -> bool:
    """Whether a message names a reservation by its id or by one of its flights."""
    names = [text_of(reservation, "reservation_id"), *(leg.number for leg in legs_of(reservation))]
    return any(mentions(lower, name) for name in names if name)


def _pairs(reservation: JsonObject) -> Iterator[tuple[str, str]]:
    """Walk over where a reservation and each of its flights begin and end, there and back."""
    for record in (reservation, *objects_of(reservation, "flights")):
        ends = (text_of(record, "origin"), text_of(record, "destination"))
        yield ends
        if record is reservation:
            yield ends[1], ends[0]
