"""Airline: the call against what was announced and agreed to."""

import re

from sidecritic.checks.base import Answer, CallCheck, Objection, Support, call_check
from sidecritic.checks.common import CONSENT
from sidecritic.checks.consent import consent
from sidecritic.checks.facts import Facts
from sidecritic.checks.payments import kinds_in
from sidecritic.english.language import mentions
from sidecritic.packs.airline.flights import Leg, legs_of
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    cabin_of,
    cabins_in,
    methods_of,
    payments_of,
    profile_of,
    reservation_of,
    spoken,
    today,
    user_of,
)
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, text_of

_NUMBER = re.compile(r"\b[A-Z]{2,3}\d{2,4}\b")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_RELATIVE = re.compile(
    r"\b(tomorrow|today|next (day|week)|(day|days|week|night) (later|earlier|after|before)"
    r"|same (day|date)s?|yesterday|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|push|postpone|move|delay)\b"
)


@call_check("not as announced", tools=(BOOK, UPDATE_FLIGHTS), policy=CONSENT, risk=0.7)
def other_flights_announced(facts: Facts, call: ToolCall) -> Answer:
    """Fire when a new flight was never named and others were; speak for flights all named."""
    agreed = consent(facts, call)
    new = sorted(set(legs_of(call.arguments or {})) - set(legs_of(reservation_of(facts, call))))
    if agreed is None or not new:
        return None
    words = f"{facts.told}\n{facts.said}"
    unheard = [leg.number for leg in new if leg.number and not mentions(words, leg.number)]
    if not unheard:
        if not all(mentions(agreed.question.lower, leg.number) for leg in new):
            return None
        heard = ", ".join(leg.number for leg in new)
        return Support(heard, messages=(agreed.question.position,))
    own = {leg.number for leg in legs_of(call.arguments or {})}
    rivals = sorted(set(_NUMBER.findall(agreed.question.text)) - own)
    if not rivals:
        return None
    return Objection(
        f"The call takes {', '.join(unheard)}, the user agreed to {', '.join(rivals[:4])}. Call "
        "with what was agreed, or announce the change and ask again.",
        evidence=f"announced {', '.join(rivals[:4])}",
        messages=(agreed.question.position,),
    )


@call_check(
    "payment not as announced",
    tools=(BOOK, UPDATE_FLIGHTS, UPDATE_BAGS),
    policy=CONSENT,
    risk=0.65,
)
def other_payment_announced(facts: Facts, call: ToolCall) -> Answer:
    """Fire when the agreed message names methods of the profile, and the call uses another."""
    agreed = consent(facts, call)
    methods = methods_of(profile_of(facts, user_of(facts, call)))
    if agreed is None or not methods:
        return None
    words = f"{agreed.question.lower}\n{agreed.answer.lower}"
    named = {key for key, method in methods.items() if _names(words, key, method)}
    chosen = set(payments_of(call.arguments or {}))
    if not named or not chosen:
        return None
    used = {text_of(methods[key], "source") for key in chosen & set(methods)}
    held = {text_of(method, "source") for method in methods.values()}
    if chosen == named and kinds_in(words) & held <= used:
        return Support(", ".join(sorted(chosen)), messages=(agreed.question.position,))
    # A list of all methods is a question, not an announcement; of those agreed to some may be left.
    if chosen <= named or len(named) > len(chosen) + 1 or not chosen <= set(methods):
        return None
    return Objection(
        f"The call uses {', '.join(sorted(chosen - named))}, but {', '.join(sorted(named))} was "
        "agreed to. Use that, or announce the change and ask again.",
        evidence=f"announced {', '.join(sorted(named))}",
        messages=(agreed.question.position,),
    )


@call_check("date nobody spoke of", tools=(BOOK, UPDATE_FLIGHTS), policy=CONSENT, risk=0.5)
def unspoken_date(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a new flight is on a day that neither side named, nor the day after such one."""
    words = f"{facts.told}\n{facts.said}"
    kept = {leg.date for leg in legs_of(reservation_of(facts, call))}
    for leg in legs_of(call.arguments or {}):
        strange = leg.date[:4] != today(facts)[:4] and leg.date[:4] not in words
        known = leg.date in kept or _RELATIVE.search(facts.said) or _speaks_of(words, leg)
        if known and not strange:
            continue
        return Objection(
            f"{leg.number} is on {leg.date}, a day that was spoken of by nobody. Ask for the date.",
            evidence=leg.date,
        )
    return None


@call_check("cabin not as announced", tools=(BOOK, UPDATE_FLIGHTS), policy=CONSENT, risk=0.7)
def other_cabin_announced(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the agreed message names one cabin, another than the new one of the call."""
    agreed = consent(facts, call)
    cabin = text_of(call.arguments or {}, "cabin")
    if agreed is None or not cabin or cabin == cabin_of(facts, reservation_of(facts, call)):
        return None
    named = cabins_in(f"{agreed.question.text}\n{agreed.answer.text}")
    if not named or cabin in named:
        return None
    return Objection(
        f"The call takes {spoken(cabin)}, the user agreed to {' or '.join(map(spoken, named))}.",
        evidence=f"announced {sorted(named)}",
        messages=(agreed.question.position,),
    )


AIRLINE_ANNOUNCED: tuple[CallCheck, ...] = (
    other_flights_announced,
    other_payment_announced,
    unspoken_date,
    other_cabin_announced,
)


def _names(words: str, identity: str, method: JsonObject) -> bool:
    last_four = text_of(method, "last_four")
    return mentions(words, identity) or bool(last_four and mentions(words, last_four))


def _speaks_of(words: str, leg: Leg) -> bool:
    """Whether the day of a flight, or the day before it, is named in a usual form."""
    year, _, rest = leg.date.partition("-")
    month, _, day = rest.partition("-")
    if not (year and month.isdigit() and day.isdigit() and 1 <= int(month) <= 12):
        return True
    name = _MONTHS[int(month) - 1]
    for one in (int(day), int(day) - 1):
        forms = (
            rf"{year}[-‑/]0?{int(month)}[-‑/]0?{one}\b"
            rf"|\b0?{int(month)}/0?{one}\b|\b{name}\w*\.?\s+0?{one}(st|nd|rd|th)?\b"
            rf"|\b0?{one}(st|nd|rd|th)?( of)? {name}|\b{one}(st|nd|rd|th)\b"
            rf"|{name}\w*\.?\s+\d+\w*\s*(-|–|to|and|through|until|&|,)[^.\n]{{0,20}}\b{one}\b"
        )
        if re.search(forms, words):
            return True
    return False
