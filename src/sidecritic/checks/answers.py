"""Checks of what the user wanted to know: whether they were told, when a conversation closes."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from sidecritic.checks.base import Answer, Objection
from sidecritic.checks.facts import Facts, Line
from sidecritic.checks.omissions import EndCheck, end_check

TELL = "What the user wants to know is looked up or calculated, and told."

_MONEY_ASKED = re.compile(
    r"\bhow much\b|\b(total|sum|amount|price|cost|balances?|savings?)\b[^.\n]{0,60}\?"
    r"|\b(what|know|tell me|calculate|check)\b[^.?\n]{0,40}"
    r"\b(total|refund|price|cost|difference|balances?|amount|sum|savings?)\b"
)
_COUNT_ASKED = re.compile(r"\bhow many\b|\bnumber of\b[^.\n]{0,40}\?|\btracking (number|id)\b")
_AMOUNT = re.compile(r"\$ ?\d[\d,]*(?:\.\d+)?|\d[\d,]*\.\d\d(?!\d)|\b\d[\d,]* (?:dollars|usd)\b")
_COUNT = re.compile(r"\b\d+\b|\b(one|two|three|four|five|six|seven|eight|nine|ten|no|none)\b")
_MONEY_FIELD = re.compile(r"amount|difference|total|refund|fee", re.IGNORECASE)


@end_check("amount asked for", risk=0.35, policy=TELL)
def amount_asked(facts: Facts) -> Answer:
    """Fire when the user wants to know an amount; surer when no new one was told after that."""
    asked = [line for line in facts.user_lines if _MONEY_ASKED.search(line.lower)]
    if not asked:
        return None
    return Objection(
        "The user wants to know an amount. Look it up or calculate it, and state it.",
        evidence=asked[0].text[:120],
        risk=None if _told_after(facts, asked[0], _AMOUNT) else 0.42,
        messages=tuple(line.position for line in asked),
    )


@end_check("number asked for", risk=0.5, policy=TELL)
def number_asked(facts: Facts) -> Answer:
    """Fire when the user wants to know how many there are; surer when no number was told."""
    asked = [line for line in facts.user_lines if _COUNT_ASKED.search(line.lower)]
    if not asked:
        return None
    return Objection(
        "The user wants to know a number. Count, and state it.",
        evidence=asked[0].text[:120],
        risk=None if _told_after(facts, asked[0], _COUNT) else 0.6,
        messages=tuple(line.position for line in asked),
    )


@end_check("amount of a change not told", risk=0.6, policy=TELL)
def untold_amount(facts: Facts) -> Answer:
    """Fire when the user wants to know amounts, and that of a change was never told."""
    asked = [line for line in facts.user_lines if _MONEY_ASKED.search(line.lower)]
    if not asked:
        return None
    told = _amounts_in(f"{facts.told}\n{facts.draft}")
    for position, amount in _new_amounts(facts):
        if amount and amount not in told:
            return Objection(
                f"The change came to ${amount / 100:.2f}, and the user has not been told. State "
                "the amount of each change, and not their sum alone.",
                evidence=f"{amount / 100:.2f}",
                messages=(asked[0].position, position),
            )
    return None


ANSWERS: tuple[EndCheck, ...] = (amount_asked, number_asked, untold_amount)


def _told_after(facts: Facts, asked: Line, pattern: re.Pattern[str]) -> bool:
    """Whether the agent said something of a kind after a question that was not said before."""
    before = " ".join(line.lower for line in facts.lines if line.position <= asked.position)
    known = {match[0] for match in pattern.finditer(before)}
    after = [line.lower for line in facts.agent_lines if line.position > asked.position]
    return any(
        match[0] not in known
        for text in (*after, facts.draft.lower())
        for match in pattern.finditer(text)
    )


def _new_amounts(facts: Facts) -> Iterator[tuple[int, int]]:
    """Walk over amounts, in cents, that a write returned and no result before it held."""
    known: set[int] = set()
    for done in facts.done:
        found = set(_cents(done.value)) if not done.is_error else set[int]()
        if done.writes and not done.is_error:
            for amount in sorted(found - known):
                yield done.position, amount
        known |= found


def _cents(value: JsonValue) -> Iterator[int]:
    """Walk over the numbers that are amounts by the names of their fields, without signs."""
    if isinstance(value, list):
        for part in value:
            yield from _cents(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, int | float) and _MONEY_FIELD.search(key):
                yield abs(round(part * 100))
            else:
                yield from _cents(part)


def _amounts_in(text: str) -> set[int]:
    return {
        round(float(number) * 100)
        for number in (
            match[0].lstrip("$ ").split(" ")[0].replace(",", "") for match in _AMOUNT.finditer(text)
        )
    }
