"""Read JSON that others may read differently.

Of a repeated key in an object some parsers take the first value, and some the last. If the critic
sees one of them, and a server or client acts on the other, that is an attack.
"""

import json
from typing import NamedTuple

import jiter
from pydantic import JsonValue

from sidecritic.values import JsonObject

REPEATED = "a key that is repeated in an object"


class Read(NamedTuple):
    value: JsonValue
    repeats: bool
    """Whether an object in it has a key twice."""

    @property
    def body(self) -> JsonObject | None:
        return self.value if isinstance(self.value, dict) else None


def read_json(content: bytes) -> Read:
    """Return a JSON value.

    Raises:
        ValueError: it is not JSON.
    """
    try:
        value = jiter.from_json(content, allow_inf_nan=False, catch_duplicate_keys=True)
    except ValueError:
        return Read(jiter.from_json(content, allow_inf_nan=False), True)
    return Read(value, False)


def read_object(content: bytes) -> tuple[JsonObject | None, bool]:
    """Return the JSON object that `content` holds, if any, and whether a key is repeated."""
    try:
        found = read_json(content)
    except ValueError:
        return None, False
    return found.body, found.repeats


def read_leniently(content: bytes) -> JsonObject | None:
    """Return the object that providers read where a strict parser reads none.

    NaN and infinities are null, and halves of characters are question marks.
    """
    try:
        value = json.loads(content.decode(errors="replace"), parse_constant=lambda _: None)
        return read_object(json.dumps(value, ensure_ascii=False).encode(errors="replace"))[0]
    except (ValueError, RecursionError):
        return None
