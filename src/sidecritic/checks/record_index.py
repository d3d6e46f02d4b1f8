"""The records that tools returned, by kind and id, however they are wrapped."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Protocol

from pydantic import JsonValue

from sidecritic.values import JsonObject, is_id_key

Records = Mapping[str, Mapping[str, JsonObject]]

MOST_RECORDS = 2_000
"""Of one result."""

_FAILURES = ("error", "errors")
_FLAGS = ("ok", "success", "successful")
_ERROR_LINE = re.compile(r"\s*[\w.]{0,40}(?:error|exception)\b", re.IGNORECASE)


class Returned(Protocol):
    """A call that was executed."""

    @property
    def value(self) -> JsonValue: ...
    @property
    def arguments(self) -> JsonObject: ...
    @property
    def is_error(self) -> bool: ...


def id_of(record: Mapping[str, JsonValue]) -> tuple[str, str] | None:
    """Return the first field of a record that holds an id: name and id."""
    for key, value in record.items():
        if is_id_key(key) and (text := _as_id(value)):
            return key, text
    return None


def ids_of(record: Mapping[str, JsonValue]) -> Iterator[tuple[str, str]]:
    """Walk over the fields of a record that hold ids, lists of ids included."""
    for key, value in record.items():
        if is_id_key(key.removesuffix("s")):
            for part in value if isinstance(value, list) else (value,):
                if text := _as_id(part):
                    yield key, text


def records_of(results: Iterable[Returned]) -> Records:
    """Return the latest state of every record, by the name of its id and by the id.

    A result that carries no id of its own is the record that the call's arguments name. One
    that was returned by itself counts before one that stood in another.
    """
    found: dict[str, dict[str, JsonObject]] = {}
    inner: dict[str, dict[str, JsonObject]] = {}
    for done in results:
        if done.is_error:
            continue
        if isinstance(done.value, dict):
            for kind, identity in _names(done.value, done.arguments):
                known = found.setdefault(kind, {})
                # What is listed by the id of a record does not stand in for the record.
                if id_of(done.value) is not None or id_of(known.get(identity, {})) is None:
                    known[identity] = done.value
        for record in islice(_within(done.value), MOST_RECORDS):
            if (named := id_of(record)) is not None:
                inner.setdefault(named[0], {})[named[1]] = record
    kinds = dict.fromkeys((*found, *inner))
    return {kind: {**inner.get(kind, {}), **found.get(kind, {})} for kind in kinds}


def _names(record: JsonObject, arguments: JsonObject) -> Iterator[tuple[str, str]]:
    own = id_of(record)
    if own is None:
        yield id_of(arguments) or ("", "")
        return
    yield own
    # The call may name the kind of what returns with a bare `id`.
    for key, named in ids_of(arguments):
        if key != own[0] and named == own[1]:
            yield key, named


def has_failed(done: Returned) -> bool:
    """Whether a call failed, as far as its result says so in a form that machines read."""
    if done.is_error:
        return True
    match done.value:
        case dict() as value:
            told = any(value.get(key) for key in _FAILURES)
            return told or any(value.get(key) is False for key in _FLAGS)
        case str() as text:
            return bool(_ERROR_LINE.match(text))
        case _:
            return False


def _as_id(value: JsonValue) -> str:
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, str | int) else ""


def _within(value: JsonValue) -> Iterator[JsonObject]:
    """Walk over the records in lists and wrappers; what stands in a record is a part of it."""
    match value:
        case dict() if id_of(value) is None:
            parts = list(value.values())
        case list():
            parts = value
        case _:
            return
    for part in parts:
        if isinstance(part, dict) and id_of(part) is not None:
            yield part
        else:
            yield from _within(part)
