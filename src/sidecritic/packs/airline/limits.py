"""Airline: what the user is willing to pay, and with which of their methods first."""

import re
from collections.abc import Mapping

from sidecritic.checks.base import Answer, CallCheck, Objection, Support, call_check
from sidecritic.checks.consent import consent
from sidecritic.checks.facts import Facts
from sidecritic.english.language import amounts, mentions
from sidecritic.packs.airline.flights import difference
from sidecritic.packs.airline.prices import SINGLE
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    methods_of,
    passengers,
    profile_of,
    reservation_of,
    user_of,
)
from sidecritic.packs.airline.sources import read_at, said_at
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, number_of, objects_of, text_of

_LIMIT = re.compile(
    r"\b(?:under|below|less than|at most|no more than|not more than|up to|exceed\w*|max\w*(?: of)?"
    r"|within|cheaper than|lower than|budget(?: is| of)?|as long as it'?s)\s*(?:about |around )?"
    r"(?:\$\s?(\d[\d,]*)|(\d[\d,]*) (?:dollars|usd)\b)"
)
_LEAST = re.compile(r"\b(smallest|lowest|least|smaller|lower)\b")
_MOST = re.compile(r"\b(largest|highest|biggest|greatest|larger|higher|most money)\b")
_KINDS: Mapping[str, re.Pattern[str]] = {
    "gift_card": re.compile(r"\bgift ?_?cards?\b"),
    "certificate": re.compile(r"\b(certificates?|vouchers?)\b"),
}
_FIRST = re.compile(
    r"\b(first|as much as possible|as many as possible|before|remaind\w*|the rest|remaining"
    r"|max\w*|all (of )?(my|the)|up to|use up|exhaust)\b"
)
_MOST_OF_A_KIND = {"gift_card": 3, "certificate": 1}


@call_check(
    "more than the user's limit",
    tools=(BOOK, UPDATE_FLIGHTS),
    risk=0.65,
    policy="You must list the action details and obtain explicit user confirmation.",
)
def over_limit(facts: Facts, call: ToolCall) -> Answer:
    """Fire when the call costs more than the user is willing to pay."""
    cost = _cost(facts, call)
    if cost is None or cost <= 0:
        return None
    people = passengers(call.arguments or {}) or passengers(reservation_of(facts, call)) or 1
    for line in reversed(facts.user_lines):
        limits = [float((a or b).replace(",", "")) for a, b in _LIMIT.findall(line.lower)]
        if not limits:
            continue
        limit = max(limits)
        if cost <= limit:
            return Support(f"${cost:g} of at most ${limit:g}", messages=(line.position,))
        agreed = consent(facts, call)
        knew = (
            agreed is not None
            and agreed.answer.position > line.position
            and any(abs(one - cost) < 1 for one in amounts(agreed.question.text))
        )
        return Objection(
            f"The call costs ${cost:g}, and the user wants to pay at most ${limit:g}. Tell them "
            "the price and ask.",
            evidence=f"{cost:g} > {limit:g}",
            messages=(line.position,),
            risk=0.3 if knew or cost / people <= limit else None,
        )
    return None


@call_check(
    "another balance than wanted", tools=(UPDATE_FLIGHTS, UPDATE_BAGS), risk=0.55, policy=SINGLE
)
def other_balance(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the card with the smallest or largest balance was wanted, and is not used."""
    methods = methods_of(profile_of(facts, user_of(facts, call)))
    chosen = text_of(call.arguments or {}, "payment_id")
    cost = _cost(facts, call)
    if cost is None or (cost == 0 and call.name == UPDATE_BAGS):
        return None
    for sentence in reversed(facts.wishes):
        if mentions(sentence, chosen):
            return None
        wanted = _by_balance(methods, sentence, max(cost, 0.0))
        if wanted is None:
            continue
        if chosen == wanted or not wanted:
            return None
        return Objection(
            f"The user said: {sentence.strip()[:120]!r}. That is {wanted} "
            f"(${number_of(methods[wanted], 'amount'):g}), not {chosen}.",
            evidence=f"{wanted} instead of {chosen}",
            messages=said_at(facts, sentence.strip()),
        )
    return None


@call_check(
    "balance left unused",
    tools=(BOOK,),
    risk=0.6,
    policy="Each reservation can use at most one travel certificate, at most one credit card, and "
    "at most three gift cards.",
)
def unused_balance(facts: Facts, call: ToolCall) -> Answer:
    """Fire when certificates or gift cards were to be used up first, and a card pays too much."""
    methods = methods_of(profile_of(facts, user_of(facts, call)))
    paid = objects_of(call.arguments or {}, "payment_methods")
    wanted = {
        kind
        for words in facts.wishes
        for kind, pattern in _KINDS.items()
        if pattern.search(words) and _FIRST.search(words)
    }
    if not wanted or not methods or not paid:
        return None
    total = sum(number_of(part, "amount") for part in paid)
    left = total
    for kind in ("certificate", "gift_card"):
        if kind not in wanted:
            continue
        used = _used(paid, methods, kind)
        possible = min(left, _possible(methods, kind))
        left -= used
        if used < possible - 0.5:
            return Objection(
                f"The user wants {kind.replace('_', ' ')}s used first: ${possible:g} can be paid "
                f"with them, and the call pays ${used:g}.",
                evidence=f"{kind}: {used:g} of {possible:g}",
                # The rest may be meant for another booking.
                risk=0.4 if used else None,
                messages=(*read_at(facts, call), *said_at(facts, _FIRST)),
            )
    return Support(
        "balances used as wanted", messages=(*read_at(facts, call), *said_at(facts, _FIRST))
    )


AIRLINE_LIMITS: tuple[CallCheck, ...] = (over_limit, other_balance, unused_balance)


def _cost(facts: Facts, call: ToolCall) -> float | None:
    """Return what a call charges in dollars; `None` when unknown."""
    arguments = call.arguments or {}
    match call.name:
        case name if name == UPDATE_FLIGHTS:
            return difference(facts, call)
        case name if name == UPDATE_BAGS:
            before = number_of(reservation_of(facts, call), "nonfree_baggages")
            return 50 * max(0.0, number_of(arguments, "nonfree_baggages") - before)
        case _:
            return sum(number_of(one, "amount") for one in objects_of(arguments, "payment_methods"))


def _by_balance(methods: Mapping[str, JsonObject], sentence: str, cost: float) -> str | None:
    """Return the method with the least or most money that a sentence wants.

    Only methods that can pay the cost count; empty when none can, `None` without such a wish.
    """
    kind = next((kind for kind, words in _KINDS.items() if words.search(sentence)), None)
    least, most = _LEAST.search(sentence), _MOST.search(sentence)
    if kind is None or bool(least) == bool(most):
        return None
    enough = {
        key: number_of(method, "amount")
        for key, method in methods.items()
        if text_of(method, "source") == kind and number_of(method, "amount") >= cost
    }
    if not enough:
        return ""
    return (min if least else max)(enough, key=lambda key: enough[key])


def _used(paid: tuple[JsonObject, ...], methods: Mapping[str, JsonObject], kind: str) -> float:
    return sum(
        number_of(part, "amount")
        for part in paid
        if text_of(methods.get(text_of(part, "payment_id"), {}), "source") == kind
    )


def _possible(methods: Mapping[str, JsonObject], kind: str) -> float:
    """Return what a booking can take from methods of a kind, in dollars."""
    balances = [number_of(one, "amount") for one in methods.values() if one.get("source") == kind]
    return sum(sorted(balances, reverse=True)[: _MOST_OF_A_KIND[kind]])
