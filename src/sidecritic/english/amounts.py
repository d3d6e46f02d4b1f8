"""Money in a text: amounts, and which of two prices the user wants."""

import re
from collections.abc import Iterator

from sidecritic.english.scope import negated

_DOLLARS = r"\d[\d,]{0,14}"
"""Longer ones are no amounts, and to read each from its every digit on takes too long."""
_NUMBER = rf"{_DOLLARS}(?:\.\d{{1,9}})?"

_AMOUNT = re.compile(rf"(?<![\w.])-?\$\s?({_NUMBER})(?!\d)|\b({_NUMBER}) (?:dollars|usd)\b")
_COMPARED = re.compile(
    r"\b(?:the|whichever(?: \w+)?(?: is)?) (?:(?P<more>more expensive|pricier|dearer|costlier"
    r"|higher[- ]priced|most expensive|priciest)|cheaper|less expensive|lower[- ]priced|cheapest"
    r"|least expensive)\b"
)


def amounts(text: str) -> Iterator[float]:
    """Walk over the amounts of money in a text, in dollars."""
    for match in _AMOUNT.finditer(text):
        yield float((match[1] or match[2]).replace(",", ""))


def compared(lower: str) -> int:
    """Return 1 where a text means the dearer of two things, -1 for the cheaper, else 0."""
    found = (one for one in _COMPARED.finditer(lower) if not negated(lower, one.start()))
    first = next(found, None)
    return 0 if first is None else 1 if first["more"] else -1
