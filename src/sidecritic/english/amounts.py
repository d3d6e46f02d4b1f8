"""Money in a text: amounts, limits, and which of several prices the user wants."""

import re
from collections.abc import Iterator

from sidecritic.english.scope import negated

_DOLLARS = r"\d[\d,]{0,14}"
"""Longer ones are no amounts, and to read each from its every digit on takes too long."""
_NUMBER = rf"{_DOLLARS}(?:\.\d{{1,9}})?"

_COMMA = r"\d{1,3}(?:[.\u00a0\u202f]\d{3}){0,4},\d{2}(?!,?\d)"
"""With a comma before the cents, as most of Europe and South America write it."""
_WITH_COMMA = re.compile(_COMMA)
_GROUPING = re.compile("[.\u00a0\u202f]")
_SIGN = "[$\u20ac\u00a3\u00a5\u20b9]"
_CURRENCY = (
    r"(?:dollars?|euros?|pounds?|yen|francs?"
    r"|usd|eur|gbp|jpy|chf|cad|aud|inr|sek|nok|dkk|pln|brl|mxn)"
)
_AMOUNT = re.compile(
    rf"(?<![a-z0-9_.])-?{_SIGN}\s?({_COMMA}|{_NUMBER})(?!\d)"
    rf"|(?<![\w.,])({_COMMA}|{_NUMBER})(?: ?{_SIGN}|[ \u00a0]{_CURRENCY}\b)"
    rf"|\b{_CURRENCY}[ \u00a0]({_COMMA}|{_NUMBER})(?!\d)",
    re.IGNORECASE,
)
_LIMITS = re.compile(
    rf"\$ ?(?P<first>{_NUMBER})[^.$\n]{{0,12}}\b(?:left|credit|limit|budget|maximum)\b"
    r"|\b(?:limit|budget|afford|only has|only have|down to|stay (?:under|below|within)|under|below"
    r"|less than|no more than|at most|up to|maximum of|within|not exceed\w*)\b"
    rf"[^.$\n]{{0,24}}\$ ?(?P<second>{_NUMBER})"
)
_EXTREMES = re.compile(
    r"\b(?:(?P<least>cheapest|least expensive|lowest[- ](?:priced?|cost)|most affordable)"
    r"(?! items?\b)"
    r"|(?P<most>most expensive|priciest|highest[- ](?:priced?|cost)|dearest))\b"
)
_COMPARED = re.compile(
    r"\b(?:the|whichever(?: \w+)?(?: is)?) (?:(?P<more>more expensive|pricier|dearer|costlier"
    r"|higher[- ]priced|most expensive|priciest)|cheaper|less expensive|lower[- ]priced|cheapest"
    r"|least expensive)\b"
)
_ASKED = re.compile(r"\b(what|which)('s| is| are| was)?( the| my| our)? $")


def amounts(text: str) -> Iterator[float]:
    """Walk over the amounts of money in a text, in whatever currency."""
    for match in _AMOUNT.finditer(text):
        number = match[1] or match[2] or match[3]
        if _WITH_COMMA.fullmatch(number):
            number = _GROUPING.sub("", number).replace(",", ".")
        yield float(number.replace(",", ""))


def limits(lower: str) -> Iterator[float]:
    """Walk over the amounts that a text names as the most to be paid."""
    for match in _LIMITS.finditer(lower):
        yield float((match["first"] or match["second"]).replace(",", ""))


def extreme(lower: str) -> int:
    """Return -1 where a text wants the cheapest, 1 where it wants the dearest, else 0."""
    for match in _EXTREMES.finditer(lower):
        if not _ASKED.search(lower[max(0, match.start() - 24) : match.start()]):
            return -1 if match["least"] else 1
    return 0


def compared(lower: str) -> int:
    """Return 1 where a text means the dearer of two things, -1 for the cheaper, else 0."""
    found = (one for one in _COMPARED.finditer(lower) if not negated(lower, one.start()))
    first = next(found, None)
    return 0 if first is None else 1 if first["more"] else -1
