"""Checks of what the user wanted to know: whether they were told, when a conversation closes."""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from sidecritic.checks.base import Answer, Objection
from sidecritic.checks.facts import Facts
from sidecritic.checks.omissions import EndCheck, end_check

TELL = "What the user wants to know is looked up or calculated, and told."

_MONEY_ASKED = re.compile(
    r"\bhow much\b|\b(total|sum|amount|price|cost|balances?|savings?)\b[^.\n]{0,60}\?"
    r"|\b(what|know|tell me|calculate|check)\b[^.?\n]{0,40}"
    r"\b(total|refund|price|cost|difference|balances?|amount|sum|savings?)\b"
)
_AMOUNT = re.compile(r"\$ ?\d[\d,]*(?:\.\d+)?|\d[\d,]*\.\d\d(?!\d)|\b\d[\d,]* (?:dollars|usd)\b")
_MONEY_FIELD = re.compile(r"amount|difference|total|refund|fee", re.IGNORECASE)


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


ANSWERS: tuple[EndCheck, ...] = (untold_amount,)


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
