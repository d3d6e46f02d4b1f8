"""Amounts of money in a text."""

import re
from collections.abc import Iterator

_AMOUNT = re.compile(
    r"(?<![\w.])-?\$\s?(\d[\d,]*(?:\.\d+)?)|\b(\d[\d,]*(?:\.\d+)?) (?:dollars|usd)\b"
)
_CENTS = re.compile(r"(?<![\w.#-])\d[\d,]*\.\d\d(?!\d|\.\d|%)")


def amounts(text: str) -> Iterator[float]:
    """Walk over the amounts of money in a text, in dollars."""
    for match in _AMOUNT.finditer(text):
        yield float((match[1] or match[2]).replace(",", ""))


def stated(text: str) -> Iterator[float]:
    """Walk over the amounts of a text that have cents, with or without a dollar sign."""
    for match in _CENTS.finditer(text):
        yield float(match[0].replace(",", ""))


def cents(amount: float) -> int:
    return round(amount * 100)
