"""Server-sent events, as model providers write them.

Source: "Server-sent events" in the HTML standard, section 9.2.6.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sidecritic.gateway.dialects.base import Body, StreamFailed
from sidecritic.gateway.reading import read_json

KEEP_ALIVE = b": waiting for the answer\n\n"
"""A comment: every conforming parser skips it, and no parser of data lines sees it."""

DONE = b"data: [DONE]\n\n"


class Sent(NamedTuple):
    name: str
    """Of the event; empty when none is given."""
    data: str


def events(raw: bytes) -> Iterator[Sent]:
    """Take a whole stream apart, to the last event, whose blank line some leave out."""
    text = raw.decode(errors="replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    name, data = "", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Sent(name, "\n".join(data))
            name, data = "", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
    if data:
        yield Sent(name, "\n".join(data))


def objects(raw: bytes) -> Iterator[Body]:
    """Walk over the JSON objects of a stream, `[DONE]` left out.

    Raises:
        StreamFailed: an event holds something else.
    """
    for sent in events(raw):
        if sent.data.strip() == "[DONE]":
            continue
        try:
            read = read_json(sent.data.encode())
        except ValueError as cause:
            raise StreamFailed("an event of the stream is no JSON") from cause
        if read.body is None:
            raise StreamFailed("an event of the stream is no JSON object")
        if read.repeats:
            raise StreamFailed("an event of the stream repeats a key in an object")
        yield read.body


def data_event(value: Mapping[str, object], *, name: str = "") -> bytes:
    """Return one event that carries the object."""
    head = f"event: {name}\n" if name else ""
    return f"{head}data: {json.dumps(value, ensure_ascii=False)}\n\n".encode()


def named_events(values: Iterable[Mapping[str, object]]) -> bytes:
    """Return events whose names are the `type` of their objects, as two providers want it."""
    return b"".join(data_event(value, name=str(value.get("type", ""))) for value in values)
