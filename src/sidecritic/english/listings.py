"""Reading what an agent lists: `label: value` lines, and ids of a make."""

import re
from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from sidecritic.english.text import mentions
from sidecritic.types import ToolCall
from sidecritic.values import JsonObject, scalars, text_of

_LINE = re.compile(
    r"^[ \t]*+(?:[-*•]++|\d{1,9}[.)])?[ \t]*+\**+([A-Za-z][\w #/()-]{1,38}?)\**+[ \t]*+:"
    r"[ \t]*+\**+[ \t]*+(\S.*)$",
    re.MULTILINE,
)
_WORDS = re.compile(r"[_\W]+")
_TOKEN = re.compile(r"#?\w+(?:-\w+)*")
_ID = re.compile(r"^(?=(?:\D*\d){3})#?[\w-]+$")
_DATE = re.compile(r"^\d{4}-\d\d-\d\d")
_DATES = re.compile(r"\b\d{4}-\d\d-\d\d\b")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_NUMBERS = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?")

Listed = Mapping[str, tuple[str, ...]]


def words_of(name: str) -> str:
    """Return a tool's or an argument's name as words."""
    return _WORDS.sub(" ", name).strip().lower()


def labelled(text: str) -> Listed:
    """Return the `label: value` lines of a text, labels as words."""
    found: dict[str, tuple[str, ...]] = {}
    for match in _LINE.finditer(text):
        label = words_of(match[1])
        found[label] = (*found.get(label, ()), match[2].rstrip(" \t*"))
    return found


def is_id(value: str) -> bool:
    """Whether a value looks like an id: one word with at least three digits, and no date."""
    return bool(_ID.match(value)) and not _DATE.match(value)


def ids_in(text: str) -> frozenset[str]:
    """Return the words of a text that look like ids."""
    return frozenset(token for token in tokens(text) if is_id(token))


def tokens(text: str) -> Iterator[str]:
    """Walk over the words of a text; `#12` and `2024-05-15` are one word each."""
    for match in _TOKEN.finditer(text):
        yield match[0]


def agrees(listed: str, value: JsonValue) -> bool:
    """Whether a listed value and an argument can be the same.

    Lists and records are compared by the ids, dates, fields and names in them, each as far as
    the listing gives them; words shorter than four letters may be abbreviations of what was
    listed, such as `IL`.
    """
    if isinstance(value, list | dict):
        return _names_the_parts(listed, value)
    wanted = "" if value is None else str(value).strip().lower()
    if wanted.isalpha() and len(wanted) < 4:
        return True
    # `next_day` is listed as Next Day.
    spoken = listed.lower().replace("_", " ")
    return mentions(spoken, wanted.replace("_", " ")) if wanted else True


def listing(call: ToolCall) -> str:
    """Return the arguments of a call as a short listing, for feedback."""
    parts = (f"{words_of(key)} {short(value)}" for key, value in (call.arguments or {}).items())
    text = ", ".join(parts)
    return text if len(text) <= 240 else text[:237] + "..."


def short(value: JsonValue) -> str:
    """Return a value as text of at most 80 characters."""
    text = value if isinstance(value, str) else ", ".join(scalars(value))
    text = text or "empty"
    return text if len(text) <= 80 else text[:77] + "..."


def _names_the_parts(listed: str, value: JsonValue) -> bool:
    """Whether nothing that a listing says of the parts of a list or record is another."""
    leaves = tuple(scalars(value))
    named, meant = ids_in(listed), frozenset(leaf for leaf in leaves if is_id(leaf))
    if named and meant and named != meant:
        return False
    dates, days = set(_DATES.findall(listed)), {leaf for leaf in leaves if _DATES.fullmatch(leaf)}
    if len(dates) == len(days) and dates != days:
        return False
    records = tuple(_records(value))
    return _fields_agree(listed, records) and not any(
        _surname_differs(listed, record) for record in records
    )


def _records(value: JsonValue) -> Iterator[JsonObject]:
    """Walk over the records of a list, or yield the one that a value is."""
    for part in value if isinstance(value, list) else (value,):
        if isinstance(part, dict):
            yield part


def _fields_agree(listed: str, records: Sequence[JsonObject]) -> bool:
    """Whether `last name Silva` names every record's value of a field that it names for all."""
    for key in {key for record in records for key in record}:
        label = re.escape(words_of(key))
        named = re.findall(rf"\b{label}\b[ :]+([^,;\n]+)", listed.lower())
        values = [text_of(record, key) for record in records]
        if len(named) == len(values) and not all(
            any(_is_same(text, value) for text in named) for value in values
        ):
            return False
    return True


def _is_same(text: str, value: str) -> bool:
    """Whether a text names a value, numbers by what they amount to."""
    if _NUMBER.fullmatch(value):
        numbers = (found.replace(",", "") for found in _NUMBERS.findall(text))
        return float(value) in map(float, numbers)
    return mentions(text, value) if value else True


def _surname_differs(listed: str, record: JsonObject) -> bool:
    """Whether the listing gives somebody's first name with another last name."""
    first, last = text_of(record, "first_name"), text_of(record, "last_name")
    if not first or not last or mentions(listed.lower(), last):
        return False
    return bool(re.search(rf"\b{re.escape(first)} (?!and\b)[A-Z][a-z]+", listed))
