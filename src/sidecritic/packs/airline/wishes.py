"""Airline: which flights the user wants, against those that the call takes.

A wish is compared with the ways to fly that the searches showed, those of the agent and those
of the critic. Only ways with seats for all that fit the rest of the journey count.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from sidecritic.checks.base import Answer, CallCheck, Objection, Support, call_check
from sidecritic.checks.facts import Facts, Line
from sidecritic.english.language import mentions, sentences
from sidecritic.packs.airline.flights import (
    Fares,
    Leg,
    Way,
    arrival,
    changed_ways,
    departure,
    duration,
    fares,
    has_seats,
    legs_of,
    offers,
    price_of,
)
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_FLIGHTS,
    passengers,
    reservation_of,
    spoken,
)
from sidecritic.packs.airline.sources import said_at
from sidecritic.types import ToolCall
from sidecritic.values import text_of

Wish = Literal["cheapest", "second cheapest", "fastest", "earliest", "latest"]

FLIGHTS = (BOOK, UPDATE_FLIGHTS)
_LISTING = "You must list the action details and obtain explicit user confirmation (yes)."

_WISHES: Mapping[Wish, re.Pattern[str]] = {
    "second cheapest": re.compile(r"\b(second|2nd)[ -](cheapest|lowest|least expensive)\b"),
    "cheapest": re.compile(
        r"\b(cheapest|least expensive|most affordable"
        r"|lowest[- ](price\w*|cost|fare|priced|possible price))\b"
    ),
    "fastest": re.compile(r"\b(fastest|quickest|shortest)\b"),
    "earliest": re.compile(r"\bearliest\b"),
    "latest": re.compile(r"\blatest (flight|departure|departing|possible flight|option)\b"),
}
_PICKED = re.compile(
    r"\b(option|choice|number|flight) ?#?(\d|one|two|three|four)\b"
    r"|\b(first|second|third|last|former|latter) (option|one|choice|itinerary)\b"
)
_NONSTOP = re.compile(r"\b(non-?stop|direct)\b")
_ONE_STOP = re.compile(r"\b(one|1|single)[- ]?(stop|layover)\b")
_EITHER = re.compile(
    r"\b(either|whether|or not|don'?t (care|mind)|doesn'?t matter|not necessar\w+|no preference"
    r"|any|both|prefer\w*|if (possible|available)|or one|or with)\b"
)
_BACK = re.compile(r"\b(return\w*|back|coming home|way home|inbound)\b")
_THERE = re.compile(r"\b(outbound|departing flight|going|way there|outgoing)\b")
_TIME = re.compile(
    r"(?P<not>(?:\b(?:not|cannot|no|never)|n['’]t)\b[^.!?\n]{0,25}?)?"
    r"\b(?P<how>after|before|later than|earlier than|prior to|past|by)\s+(?:about |around )?"
    r"(?P<hour>\d{1,2})(?::(?P<minute>\d\d))?\s*(?P<half>a\.?m|p\.?m)?"
)


@call_check("not the flights wanted", tools=FLIGHTS, risk=0.6, policy=_LISTING)
def other_flights(facts: Facts, call: ToolCall) -> Answer:
    """Fire when a cheaper, faster, earlier or later way was wanted and there is one."""
    line, wish, words = _latest_wish(facts)
    if line is None or wish is None:
        return None
    cabin = text_of(call.arguments or {}, "cabin")
    supported = False
    for way in _meant(changed_ways(facts, call), words):
        rivals = _alike(facts, _rivals(facts, call, way), way.legs)
        better = _better(rivals, way.legs, wish=wish, line=line, cabin=cabin, known=fares(facts))
        if better is None:
            continue
        if better == way.legs:
            supported = True
            continue
        return Objection(
            f"The user wants the {wish} way from {way.origin} to {way.destination} on "
            f"{way.legs[0].date}. In {spoken(cabin)} that is {_named(better, cabin, facts)}, not "
            f"{_named(way.legs, cabin, facts)}. Take it, or ask again.",
            evidence=f"{wish}: {_numbers(better)} instead of {_numbers(way.legs)}",
            messages=(line.position,),
            risk=0.4 if _picked(facts, line, way.legs) else None,
        )
    return Support(wish, messages=(line.position,)) if supported else None


@call_check("stops against the wish", tools=FLIGHTS, risk=0.6, policy=_LISTING)
def other_stops(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a direct flight was wanted and the call changes planes, or the other way round."""
    for line in reversed(facts.user_lines):
        for sentence in reversed(sentences(line.lower)):
            direct, one_stop = _NONSTOP.search(sentence), _ONE_STOP.search(sentence)
            if not direct and not one_stop:
                continue
            if _EITHER.search(sentence) or (direct and one_stop) or _picked(facts, line, ()):
                return None
            return _wrong_stops(facts, call, want_direct=bool(direct))
    return None


@call_check("time against the wish", tools=FLIGHTS, risk=0.6, policy=_LISTING)
def other_time(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when every new direction departs or arrives at a time that the user excluded."""
    known = fares(facts)
    ways = [way for way in changed_ways(facts, call) if all(leg in known for leg in way.legs)]
    for limit in _limits(facts):
        meant = _meant(ways, limit.words)
        if not meant:
            continue
        if all(limit.breaks(way.legs, known) for way in meant):
            return Objection(
                f"The user said: {limit.words.strip()[:120]!r}. The flights "
                f"{_numbers(meant[0].legs)} do not fit that. Choose others, or ask again.",
                evidence=limit.words.strip()[:80],
                messages=said_at(facts, limit.words.strip()),
            )
        return None
    return None


AIRLINE_WISHES: tuple[CallCheck, ...] = (other_flights, other_stops, other_time)


@dataclass(frozen=True, slots=True)
class _Limit:
    """A time of day before or after which the user wants to depart or arrive."""

    words: str
    minutes: int
    after: bool
    arrives: bool

    def breaks(self, legs: Sequence[Leg], known: Fares) -> bool:
        when = arrival(legs[-1], known) if self.arrives else departure(legs[0], known)
        if when is None:
            return False
        minutes = when.hour * 60 + when.minute
        return minutes < self.minutes if self.after else minutes > self.minutes


def _limits(facts: Facts) -> Iterator[_Limit]:
    """Walk over the times of day that the user named, the last first."""
    for words in reversed(facts.wishes):
        arrives = any(word in words for word in ("arriv", "get there", "land ", "be there"))
        for found in _TIME.finditer(words):
            minutes = _minutes(found)
            if minutes is not None:
                after = (found["how"] in ("after", "later than", "past")) != bool(found["not"])
                yield _Limit(words, minutes, after, arrives)


def _meant(ways: Sequence[Way], words: str) -> Sequence[Way]:
    """Return the directions that a sentence is about: all, unless it names one."""
    back, there = _BACK.search(words), _THERE.search(words)
    if len(ways) < 2 or bool(back) == bool(there):
        return ways
    return ways[-1:] if back else ways[:1]


def _alike(
    facts: Facts, rivals: Sequence[tuple[Leg, ...]], taken: tuple[Leg, ...]
) -> list[tuple[Leg, ...]]:
    """Return the rivals that keep every other limit of the user that the taken way keeps."""
    known = fares(facts)
    kept = [limit for limit in _limits(facts) if not limit.breaks(taken, known)]
    stops = _NONSTOP.search(facts.said) or _ONE_STOP.search(facts.said)
    return [
        legs
        for legs in rivals
        if not any(limit.breaks(legs, known) for limit in kept)
        and (not stops or _EITHER.search(facts.said) or len(legs) == len(taken))
    ]


def _latest_wish(facts: Facts) -> tuple[Line | None, Wish | None, str]:
    """Return the user's last words that want the most or least of something, where one fits."""
    for line in reversed(facts.user_lines):
        for sentence in reversed(sentences(line.lower)):
            found: list[Wish] = [w for w, pattern in _WISHES.items() if pattern.search(sentence)]
            # The second cheapest is listed first, and its words name the cheapest too.
            if found and (len(found) == 1 or found[0] == "second cheapest"):
                return line, found[0], sentence
    return None, None, ""


def _rivals(facts: Facts, call: ToolCall, way: Way) -> list[tuple[Leg, ...]]:
    """Return the ways to fly that the call could have taken, the taken one among them."""
    arguments, known = call.arguments or {}, fares(facts)
    people = passengers(arguments) or passengers(reservation_of(facts, call)) or 1
    cabin = text_of(arguments, "cabin")
    legs = legs_of(arguments)
    at = legs.index(way.legs[0])
    landed = arrival(legs[at - 1], known) if at else None
    free = [legs for legs in offers(facts, way) if has_seats(legs, cabin, people, known)]
    if landed is not None:
        free = [legs for legs in free if (departure(legs[0], known) or landed) >= landed]
    return free if way.legs in free else [*free, way.legs]


def _better(
    rivals: Sequence[tuple[Leg, ...]],
    taken: tuple[Leg, ...],
    *,
    wish: Wish,
    line: Line,
    cabin: str,
    known: Fares,
) -> tuple[Leg, ...] | None:
    """Return what fits the wish best: the taken way unless another beats it; `None` if unknown."""
    score = _scores(cabin, known, arriving="arriv" in line.lower)[wish]
    scored = {legs: value for legs in rivals if (value := score(legs)) is not None}
    if taken not in scored or len(scored) < 2:
        return None
    values = sorted(set(scored.values()))
    wanted = values[min(1, len(values) - 1)] if wish == "second cheapest" else values[0]
    if scored[taken] == wanted:
        return taken
    return next(legs for legs, value in scored.items() if value == wanted)


def _scores(
    cabin: str, known: Fares, *, arriving: bool
) -> Mapping[Wish, Callable[[tuple[Leg, ...]], float | None]]:
    """Return for each wish what is to be as small as possible."""

    def price(legs: tuple[Leg, ...]) -> float | None:
        return price_of(legs, cabin, known)

    def start(legs: tuple[Leg, ...]) -> float | None:
        when = arrival(legs[-1], known) if arriving else departure(legs[0], known)
        return when.timestamp() if when else None

    def late(legs: tuple[Leg, ...]) -> float | None:
        when = start(legs)
        return -when if when is not None else None

    return {
        "cheapest": price,
        "second cheapest": price,
        "fastest": lambda legs: duration(legs, known),
        "earliest": start,
        "latest": late,
    }


def _picked(facts: Facts, wish: Line, legs: Sequence[Leg]) -> bool:
    """Whether the user chose among what was offered, after they had said what they want."""
    later = [line.lower for line in facts.user_lines if line.position >= wish.position]
    numbers = [leg.number.lower() for leg in legs]
    return any(
        _PICKED.search(words) or any(mentions(words, number) for number in numbers)
        for words in later
    )


def _wrong_stops(facts: Facts, call: ToolCall, *, want_direct: bool) -> Objection | None:
    for way in changed_ways(facts, call):
        if (len(way.legs) == 1) == want_direct:
            continue
        other = [legs for legs in _rivals(facts, call, way) if (len(legs) == 1) == want_direct]
        wanted = "a direct flight" if want_direct else "one stop"
        there_is = f" {_numbers(other[0])} is one." if other else ""
        return Objection(
            f"The user wants {wanted} from {way.origin} to {way.destination}, the call takes "
            f"{_numbers(way.legs)}.{there_is}",
            evidence=f"wanted {wanted}",
            risk=None if other else 0.3,
        )
    return None


def _minutes(found: re.Match[str]) -> int | None:
    """Return a time of day in minutes; `None` when it may be no time of day."""
    hour, minute, half = int(found["hour"]), found["minute"], found["half"]
    if hour > 23 or not (minute or half):
        return None
    if half:
        hour = hour % 12 + (12 if half.startswith("p") else 0)
    return hour * 60 + int(minute or 0)


def _named(legs: Sequence[Leg], cabin: str, facts: Facts) -> str:
    """Return flights with price and hours, for feedback."""
    known = fares(facts)
    price, hours = price_of(legs, cabin, known), duration(legs, known)
    parts: Iterator[str] = iter(
        [
            *([f"${price:g}"] if price is not None else []),
            *([f"{hours:g} h"] if hours is not None else []),
        ]
    )
    return f"{_numbers(legs)} ({', '.join(parts)})"


def _numbers(legs: Sequence[Leg]) -> str:
    return " and ".join(leg.number for leg in legs)
