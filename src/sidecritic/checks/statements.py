"""Checks of what the agent states: changes that were never made, amounts that were never shown."""

import re
from collections.abc import Iterable, Iterator

from pydantic import JsonValue

from sidecritic.checks.base import Objection, TextCheck, text_check
from sidecritic.checks.common import NO_INVENTION
from sidecritic.checks.facts import Facts
from sidecritic.english.amounts import amounts, cents, stated
from sidecritic.english.lexicon import GRANT, INTENTS
from sidecritic.english.listings import ids_in, words_of
from sidecritic.english.scope import ahead
from sidecritic.english.text import mentions
from sidecritic.values import number_of, objects_of, scalars

ANSWER = "Each turn of yours is a message to the user or a call of a tool."

_REPORTED = {
    intent: re.compile("|".join(intent.past)) for intent in (*INTENTS, GRANT) if not intent.feeble
}
_CLAIM = re.compile(
    r"(?:\b(?:has|have|is|are) (?:now |all |both |also ){0,3}(?:been )?"
    r"(?:now |successfully |fully ){0,3}"
    r"|\bi(?:'ve| have)? (?:now |also |just ){0,3}(?:successfully )?)"
    rf"({'|'.join(pattern.pattern for pattern in _REPORTED.values())})\b"
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LONGEST_NUMBER = 12
_LARGEST_STEP = 60_000
"""In cents: larger differences are no steps that anybody speaks of."""
_MOST_STEPS = 100
"""Differences of which every sum of three is formed: among more, any amount is one."""
_MOST_SHOWN = 2000
"""Numbers of which sums and differences are formed: among more, any amount is one."""
_MOST_STATED = 40
_MOST_ITEMS = 8
"""Items of a record of which every partial sum is formed."""

_MONEY = re.compile(r"\b(refund|money|amount|difference|payment)\b")
"""What is returned without a return of goods."""


@text_check("claim without a write", policy=NO_INVENTION, risk=0.75)
def false_claim(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent reports a change that no executed call can have made."""
    for claim, sentence in _claims(draft.lower(), _grants(facts)):
        if not _was_done(facts, claim, sentence):
            return Objection(
                feedback=f"You say that something was {claim}, but no such call has succeeded. "
                "Execute it first, or tell the user what is really the case.",
                evidence=sentence.strip()[:160],
            )
    return None


@text_check("amount nobody showed", policy=NO_INVENTION, risk=0.6)
def unknown_amount(facts: Facts, draft: str) -> Objection | None:
    """Fire on an amount with cents that follows from no number that was shown or said.

    It follows when it is such a number, or sum, difference or multiple of two of them, or
    the price of some of the items of one record.
    """
    named = {cents(amount) for amount in stated(draft)}
    if not named:
        return None
    shown, steps = _shown_cents(facts), _differences(facts)
    for amount in sorted(named)[:_MOST_STATED]:
        if not _follows(amount, shown, steps):
            return Objection(
                feedback=f"${amount / 100:.2f} follows from nothing that the tools returned. Look "
                "the amount up or calculate it, and state the right one.",
                evidence=f"{amount / 100:.2f}",
            )
    return None


@text_check("nothing said", policy=ANSWER, risk=0.9)
def nothing_said(facts: Facts, draft: str) -> Objection | None:
    """Fire on an empty message."""
    if draft.strip():
        return None
    return Objection("Your message is empty. Answer the user, or call a tool.")


STATEMENTS: tuple[TextCheck, ...] = (false_claim, unknown_amount, nothing_said)


def _claims(lower: str, grants: set[str]) -> Iterator[tuple[str, str]]:
    """Walk over the changes that a text reports as done, each with its sentence."""
    for match in _CLAIM.finditer(lower):
        start = max(lower.rfind(mark, 0, match.start()) for mark in (".", "\n", "!", "?")) + 1
        before = lower[start : match.end() - len(match[1])]
        if ahead(before, len(before)) or (match[1] == "returned" and _MONEY.search(before)):
            continue
        end = min(
            (i for i in (lower.find(m, match.end()) for m in (". ", "\n")) if i > 0),
            default=len(lower),
        )
        sentence = lower[start:end]
        if _REPORTED[GRANT].fullmatch(match[1]) and not any(one in sentence for one in grants):
            continue
        yield match[1], sentence


def _grants(facts: Facts) -> set[str]:
    """Return what users are given that a tool can send: `send_coupon` sends coupons."""
    names = (words_of(tool).split(" ") for tool in facts.tools)
    return {"voucher", "coupon", *(" ".join(rest) for first, *rest in names if first == "send")}


def _was_done(facts: Facts, claim: str, sentence: str) -> bool:
    """Whether an executed call, or a record as it was found, bears a report out."""
    kinds = next(one.tools for one, said in _REPORTED.items() if said.fullmatch(claim))
    # Any write may be what somebody calls a change.
    any_will_do = "update" in kinds
    fitting = [done for done in facts.writes if any_will_do or _kind(done.call.name) in kinds]
    if not fitting:
        return not any_will_do and mentions(facts.shown, claim.replace("canceled", "cancelled"))
    named = {word for word in ids_in(sentence) if word in facts.targets}
    touched = {part.lower() for done in fitting for part in scalars(dict(done.arguments))}
    return not named or bool(named & touched) or _found(facts, named, claim)


def _found(facts: Facts, named: set[str], claim: str) -> bool:
    """Whether a record that was named was in that state when it was looked up."""
    return any(
        claim.replace("canceled", "cancelled") in done.text.lower()
        for done in facts.done
        if any(part.lower() in named for part in scalars(dict(done.arguments)))
    )


def _kind(tool: str) -> str:
    return words_of(tool).split(" ", 1)[0]


def _shown_cents(facts: Facts) -> set[int]:
    """Return the numbers that were shown or said, and the prices of parts of a record."""
    found: set[int] = set()
    for done in facts.done:
        found.update(cents(number) for number in _numbers(done.value))
        prices = [cents(price) for price in _prices(done.value)]
        found.update(_partial_sums(prices[:_MOST_ITEMS]))
        found.add(sum(prices))
    for line in facts.user_lines:
        found.update(cents(amount) for amount in (*stated(line.text), *amounts(line.text)))
    return found - {0}


def _numbers(value: JsonValue) -> Iterator[float]:
    """Walk over the numbers among the leaves, those that are written as text included."""
    for text in scalars(value):
        if len(text) < _LONGEST_NUMBER and _NUMBER.fullmatch(text):
            yield float(text)


def _prices(value: JsonValue) -> Iterator[float]:
    """Walk over the prices of the entries that a record lists."""
    if isinstance(value, dict):
        for key in value:
            yield from (number_of(one, "price") for one in objects_of(value, key) if "price" in one)


def _offers(value: JsonValue) -> Iterator[float]:
    """Walk over the prices of what a result offers, by id."""
    if isinstance(value, dict):
        for part in value.values():
            if isinstance(part, dict):
                yield from [number_of(part, "price")] if "price" in part else _offers(part)


def _differences(facts: Facts) -> set[int]:
    """Return what another choice costs more or less: prices on offer against those listed."""
    listed = {cents(price) for done in facts.done for price in _prices(done.value)}
    offered = {cents(price) for done in facts.done for price in _offers(done.value)}
    if max(len(listed), len(offered)) > _MOST_STEPS:
        return set(range(_MOST_STEPS + 1))
    return {new - old for new in offered for old in listed if abs(new - old) < _LARGEST_STEP}


def _partial_sums(prices: Iterable[int]) -> set[int]:
    sums = {0}
    for price in prices:
        sums |= {price + other for other in sums}
    return sums


def _follows(amount: int, shown: set[int], steps: set[int]) -> bool:
    """Whether an amount is shown, or made of two shown ones, or of up to three differences."""
    if len(shown) > _MOST_SHOWN or len(steps) > _MOST_STEPS:
        return True
    if amount in shown or any(amount - one in shown or amount + one in shown for one in shown):
        return True
    if any(amount % count == 0 and amount // count in shown for count in range(2, 6)):
        return True
    signed = steps | {-step for step in steps}
    if any(amount - step in signed or amount - step in shown for step in signed):
        return True
    return any(amount - one - other in signed for one in signed for other in signed)
