"""Server-sent events, as model providers write them.

Source: "Server-sent events" in the HTML standard, section 9.2.6.
"""

import json
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sidecritic.dialects.base import Body, StreamFailed
from sidecritic.dialects.strict_json import read_json

KEEP_ALIVE = b": waiting for the answer\n\n"
"""A comment: every conforming parser skips it, and no parser of data lines sees it."""

DONE = b"data: [DONE]\n\n"


class Event(NamedTuple):
    name: str
    """Of the event; empty when none is given."""
    data: str
    is_cut: bool = False
    """Whether the blank line is missing that ends it, without which many never read it."""


class ObjectEvent(NamedTuple):
    name: str
    body: Body
    is_cut: bool


def events(raw: bytes) -> Iterator[Event]:
    """Split a whole stream into events; some servers omit the blank line after the last."""
    text = raw.decode(errors="replace")
    *lines, rest = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    name, data = "", list[str]()
    for line in (*lines, rest) if rest else lines:
        if not line:
            if data:
                yield Event(name, "\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if data:
        yield Event(name, "\n".join(data), is_cut=True)


def objects(raw: bytes) -> Iterator[Body]:
    """Walk over the JSON objects of a stream, `[DONE]` left out.

    Raises:
        StreamFailed: an event holds something else.
    """
    return (event.body for event in named_objects(raw))


def named_objects(raw: bytes) -> Iterator[ObjectEvent]:
    """Do the same, with what else an event says.

    Raises:
        StreamFailed: an event holds something else, or only some clients would read it.
    """
    if raw.startswith(BOM_UTF8):
        raise StreamFailed("the stream begins with a byte order mark")
    is_done = False
    for event in events(raw):
        if event.data.strip() == "[DONE]":
            is_done = True  # some proxies add theirs
            continue
        if is_done:
            raise StreamFailed("the stream continues after its end")
        try:
            read = read_json(event.data.encode())
        except ValueError as cause:
            raise StreamFailed("an event of the stream is not JSON") from cause
        if read.body is None:
            raise StreamFailed("an event of the stream is not a JSON object")
        if read.repeats:
            raise StreamFailed("an event of the stream repeats a key in an object")
        yield ObjectEvent(event.name, read.body, event.is_cut)


def numbered(event: Body, key: str) -> int:
    """Return the index that an event is about; 0 where it does not say.

    Raises:
        StreamFailed: clients may read it differently.
    """
    number = event.get(key, 0)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise StreamFailed(f"{key} of an event of the stream is not an index")
    return number


def data_event(value: Mapping[str, object], *, name: str = "") -> bytes:
    """Return one event that carries the object."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def named_events(values: Iterable[Mapping[str, object]]) -> bytes:
    """Return events named by the `type` of their objects, as two providers name them."""
    return b"".join(data_event(value, name=str(value.get("type", ""))) for value in values)
