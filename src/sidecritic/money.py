"""Amounts of money in the arguments of a call, and numbers as the world writes them in a talk.

One home for both: a call that says `amount_cents: 1999` and a user who says "$19.99", "19,99 €" or
"١٩٫٩٩" mean the same. What a field holds is told by its schema first, then by its name, then by a
currency beside it. An id is never an amount, and a number that a schema gives another unit is none
in cents.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal, get_args
from unicodedata import decimal, normalize

from pydantic import JsonValue

from sidecritic.handover import in_words
from sidecritic.values import JsonObject, is_id_key, object_of, text_of

Numbers = frozenset[Decimal]

_TWO, _THREE_PLACES = 2, 3
_NONE = re.compile("BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|VND|VUV|XAF|XOF|XPF")
_THREE = re.compile("BHD|IQD|JOD|KWD|LYD|OMR|TND")
"""Currencies that have not two decimal places. Source: ISO 4217."""
_THOUSANDTHS = re.compile(r"\b(fils|baisa|millimes?)\b")
_MINOR = re.compile(
    r"\b(cents?|minor|sub ?units?|smallest (currency )?units?|pence|penn(y|ies)|pais[ae]|rappen"
    r"|centimes?|c[eé]ntimos?|centavos?|centesimi|öre|øre|groszy?|kopecks?|fils|baisa|millimes?)\b"
)
"""How interfaces call the smallest unit of a currency."""
_MAJOR = re.compile(
    r"\bmajor\b|\bnot (in |as )?(cents|minor)|\b(dollars|euros?|pounds|francs|yen|rupees|dinars)\b"
    r"|\bdecimal\b|\bper ?cent(age)?s?\b|%"
)
_CODE = re.compile(r"[A-Za-z]{3}")
_LEAST_GUESSED = 10
"""Below it, the hundredth of any number stands in a talk by chance."""
_MOST = 15
"""Digits of an amount."""

_SEPARATED = re.compile(r"(?<![\d.,'])\d{1,15}(?:[.,']\d{1,9}){0,5}(?![\d])")
_SPACED = re.compile(r"(?<![\d.,'] )(?<![\d.,'])\d{1,3}(?: \d{3}){1,4}(?:[.,]\d{1,3})?(?![\d])")
_MARKS = str.maketrans({"٫": ".", "٬": "'", "’": "'", "\u02bc": "'", "、": ","})
_GROUP = 3


# --- in a talk -----------------------------------------------------------------------------


@lru_cache(maxsize=1024)
def numbers_in(text: str) -> Numbers:
    """Return all that the numbers of a text may mean, without their signs.

    "1.999" is 1999 to some and 1.999 to others, so that it is both.
    """
    plain = _in_ascii(text)
    found = {read for token in _SEPARATED.findall(plain) for read in _readings(token)}
    for token in _SPACED.findall(plain):
        found.update(_readings(token.replace(" ", "'")))
    return frozenset(found)


def _in_ascii(text: str) -> str:
    """Return a text with digits and marks of other scripts and widths as ASCII has them."""
    if text.isascii():
        return text
    text = normalize("NFKC", text.translate(_MARKS))
    return "".join(c if c.isascii() or not c.isdecimal() else str(decimal(c)) for c in text)


def _readings(token: str) -> Iterator[Decimal]:
    marks = [c for c in token if not c.isdigit()]
    first, *rest = re.split(r"[.,']", token)
    whole = Decimal("".join([first, *rest]))
    if not marks:
        yield whole
        return
    is_grouped = _is_grouped(first, rest)
    last = marks[-1]
    if marks.count(last) == len(marks):
        if is_grouped:
            yield whole
        if len(marks) == 1 and last != "'":
            yield whole.scaleb(-len(rest[-1]))
    elif last not in marks[:-1] and last != "'" and _is_grouped(first, rest[:-1]):
        yield whole.scaleb(-len(rest[-1]))


def _is_grouped(first: str, rest: list[str]) -> bool:
    """Whether digits stand in groups: of three, or of two before the last three, as in India."""
    inner = {len(group) for group in rest[:-1]}
    fits = len(first) <= _GROUP and first[0] != "0" and len(rest[-1]) == _GROUP
    return fits and len(inner) <= 1 and inner <= {_GROUP, _TWO}


# --- in a call or a record -----------------------------------------------------------------

Unit = Literal["minor", "major", "unknown"]
UNITS: tuple[Unit, ...] = get_args(Unit)


@dataclass(frozen=True, slots=True)
class Amount:
    """What a number of a call may be worth."""

    text: str
    """The number as it stands in the call."""
    worth: Numbers
    """In units of its currency, without a sign; empty for what is no amount, such as an id."""
    unit: Unit = "unknown"


def amounts_of(
    value: JsonObject, schema: JsonObject | None = None, *, guesses: bool = False
) -> Iterator[Amount]:
    """Walk over the numbers of arguments, or of a record, and what each may be worth.

    Where neither name nor schema tells the unit, a whole number with a currency beside it may be
    in either; `guesses` says the same of all other whole numbers.
    """
    yield from _Reader(guesses).in_object(value, schema or {}, "")


def worth_of(
    value: JsonObject, schema: JsonObject | None = None, units: Collection[Unit] = UNITS
) -> Mapping[str, Numbers]:
    """Return what the numbers of arguments are worth, by how they are written.

    Those that another field holds as something else, or in another unit, are left out.
    """
    found: dict[str, Numbers] = {}
    for amount in amounts_of(value, schema):
        worth = amount.worth if amount.unit in units else frozenset[Decimal]()
        known = found.get(amount.text, worth)
        found[amount.text] = known | worth if known and worth else frozenset()
    return {text: worth for text, worth in found.items() if worth}


def means(listed: str, key: str, value: JsonValue, schema: JsonObject | None = None) -> bool:
    """Whether a text names an amount that a field holds, however both write it."""
    worth = worth_of({key: value}, schema)
    return bool(worth) and all(each & numbers_in(listed) for each in worth.values())


@dataclass(frozen=True, slots=True)
class _Reader:
    guesses: bool

    def in_object(self, value: JsonObject, schema: JsonObject, currency: str) -> Iterator[Amount]:
        named = (text_of(value, key) for key in value if "currency" in in_words(key).split())
        currency = next((code.upper() for code in named if _CODE.fullmatch(code)), currency)
        fields = object_of(schema, "properties")
        for key, part in value.items():
            yield from self._in_field(key, part, object_of(fields, key), currency)

    def _in_field(
        self, key: str, part: JsonValue, schema: JsonObject, currency: str
    ) -> Iterator[Amount]:
        match part:
            case bool() | None:
                return
            case dict():
                yield from self.in_object(part, schema, currency)
            case list():
                for each in part:
                    of_each = object_of(schema, "items") or schema
                    yield from self._in_field(key, each, of_each, currency)
            case int() | float() | str():
                number = _number(part)
                if number is not None:
                    unit = _unit(key, schema)
                    counts = not is_id_key(key) and (not isinstance(part, str) or unit == "minor")
                    worth = self._worth(number, unit, currency, key) if counts else ()
                    yield Amount(_written(part), frozenset(worth), unit)

    def _worth(self, number: Decimal, unit: Unit, currency: str, key: str) -> Iterator[Decimal]:
        """Walk over what a number may be worth, in each unit that its field may have."""
        places = _places(currency, key)
        minor = abs(number).scaleb(-places)
        if unit != "minor":
            yield abs(number)
        is_whole = number == number.to_integral()
        may_be = unit == "unknown" and is_whole and minor >= _LEAST_GUESSED
        if unit == "minor" or (may_be and (self.guesses or currency)):
            yield minor


def _places(currency: str, key: str) -> int:
    if _NONE.fullmatch(currency):
        return 0
    is_unnamed = not currency and _THOUSANDTHS.search(in_words(key))
    return _THREE_PLACES if is_unnamed or _THREE.fullmatch(currency) else _TWO


def _unit(key: str, schema: JsonObject) -> Unit:
    said = " ".join(text_of(schema, name) for name in ("title", "description", "unit", "format"))
    said = said.casefold()
    if _MAJOR.search(said):
        return "major"
    if _MINOR.search(said) or _MINOR.search(in_words(key)):
        return "minor"
    return "unknown"


def _number(part: str | float) -> Decimal | None:
    text = str(part)
    if isinstance(part, str) and not re.fullmatch(r"-?\d{1,15}", text, re.ASCII):
        return None
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() and abs(number) < Decimal(10) ** _MOST else None


def _written(part: str | float) -> str:
    if isinstance(part, float) and part.is_integer():
        part = int(part)
    return str(part)
