"""Reading JSON of unknown shape without ever failing.

Tool results and arguments come from outside: what is absent or of another shape reads as
empty, so that a check stays silent instead of breaking.
"""

import json
import re
from collections.abc import Iterator, Mapping
from math import isfinite

from pydantic import JsonValue, TypeAdapter
from pydantic_core import from_json

JsonObject = dict[str, JsonValue]

_OBJECT: TypeAdapter[JsonObject] = TypeAdapter(JsonObject)


def parse_object(text: str) -> JsonObject | None:
    """Return the JSON object that `text` holds; `None` when it holds anything else.

    Bounded in depth and strict about numbers and surrogates, so that what is returned can
    always be written as JSON again.
    """
    try:
        value = _OBJECT.validate_python(from_json(text, allow_inf_nan=False))
        json.dumps(value, allow_nan=False)  # 1e999 is read as infinity
        return value
    except ValueError:
        return None


def text_of(record: Mapping[str, JsonValue], key: str) -> str:
    """Return a text or number field as text; empty when it is absent or of another shape."""
    value = record.get(key)
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int | float) else ""


def number_of(record: Mapping[str, JsonValue], key: str) -> float:
    """Return a number field; 0 when it is absent, of another shape, or larger than any float."""
    value = record.get(key)
    try:
        number = float(value) if isinstance(value, int | float) else 0.0
    except OverflowError:
        return 0.0
    return number if isfinite(number) else 0.0


def texts_of(record: Mapping[str, JsonValue], key: str) -> tuple[str, ...]:
    """Return a list of texts; empty when it is absent or of another shape."""
    value = record.get(key)
    return tuple(str(part) for part in value) if isinstance(value, list) else ()


def objects_of(record: Mapping[str, JsonValue], key: str) -> tuple[JsonObject, ...]:
    """Return a list of objects; empty when it is absent or of another shape."""
    value = record.get(key)
    if not isinstance(value, list):
        return ()
    return tuple([part for part in value if isinstance(part, dict)])


def object_of(record: Mapping[str, JsonValue], key: str) -> JsonObject:
    """Return an object field; empty when it is absent or of another shape."""
    value = record.get(key)
    return value if isinstance(value, dict) else {}


def scalars(value: JsonValue) -> Iterator[str]:
    """Walk over the leaves of a JSON value, as text."""
    match value:
        case dict():
            for part in value.values():
                yield from scalars(part)
        case list():
            for part in value:
                yield from scalars(part)
        case None:
            return
        case _:
            yield str(value)


def texts_in(value: JsonValue) -> Iterator[str]:
    """Walk over the texts among the leaves of a JSON value."""
    match value:
        case dict():
            for part in value.values():
                yield from texts_in(part)
        case list():
            for part in value:
                yield from texts_in(part)
        case str():
            yield value
        case _:
            return


_ID_KEY = re.compile(
    r"(?:.*[a-z0-9])?(?:_(?:id|uuid|guid)|Id|ID|Uuid|UUID|Guid|GUID)|_?(?:id|uuid|guid)_?|ID|UUID"
)


def is_id_key(key: str) -> bool:
    """Whether a field of that name holds the id of something."""
    return bool(_ID_KEY.fullmatch(key))
