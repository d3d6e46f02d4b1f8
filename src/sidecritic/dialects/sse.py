"""Server-sent events, as model providers write them.

Source: "Server-sent events" in the HTML standard, section 9.2.6.
"""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from sidecritic.dialects.base import Ambiguous, Body, StreamFailed
from sidecritic.dialects.strict_json import read_json
from sidecritic.values import text_of

KEEP_ALIVE = b": waiting for the answer\n\n"
"""A comment: every conforming parser skips it, and no parser of data lines sees it."""

DONE = b"data: [DONE]\n\n"

_PINGS = ("ping", "keepalive")
_LINE = re.compile(r":.*|(data|event)(:.*)?")
"""Lines that no client takes for more than they are: an `id` is an empty event to one of them."""
_OTHER_BREAKS = re.compile("\r(?!\n)|[\v\f\x1c-\x1e\x85\u2028\u2029]")
"""Where only some clients see the end of a line."""


class Event(NamedTuple):
    name: str
    """Empty when none is given."""
    body: Body


class Stream(NamedTuple):
    events: tuple[Event, ...]
    is_done: bool
    """Whether it says `[DONE]`."""
    is_plain: bool
    """Whether every client finds the same events in it, however it looks for them."""


def objects(raw: bytes) -> Iterator[Body]:
    """Walk over the JSON objects of a stream, `[DONE]` left out.

    Raises:
        StreamFailed: an event holds something else.
    """
    return (event.body for event in read_stream(raw).events)


def read_stream(raw: bytes) -> Stream:
    """Split a whole stream into events, each of them an object.

    Events that say nothing are left out. Some servers omit the blank line after the last one.

    Raises:
        StreamFailed: an event holds something else, or follows the end.
    """
    text = raw.removeprefix(BOM_UTF8).decode(errors="replace")
    is_plain = not raw.startswith(BOM_UTF8) and not _OTHER_BREAKS.search(text)
    is_plain = is_plain and "\ufffd" not in text  # some clients stop at an invalid byte
    found: list[Event] = []
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    is_done, name, data, said = False, "", list[str](), ""
    for line in (*text.split("\n"), ""):
        if line:
            field, _, value = line.partition(":")
            is_plain = is_plain and _LINE.fullmatch(line) is not None
            if field == "event":
                name = value.removeprefix(" ")
            elif field == "data":
                data.append(value.removeprefix(" "))
            continue
        if data:
            said = "\n".join(data).strip()
            # Some clients take each line for an event, and some read nothing as JSON.
            is_plain = is_plain and data == [said] and said != ""
            if said and is_done and said != "[DONE]":
                raise Ambiguous("the stream continues after its end")
            is_done = is_done or said == "[DONE]"  # some proxies add theirs
            if said not in ("", "[DONE]"):
                event = Event(name, _object(said))
                is_plain = is_plain and (name not in _PINGS or "type" in event.body)
                found += [] if _is_ping(event) else [event]
        is_plain = is_plain and not (name and not data)
        name, data = "", []
    is_cut = said not in ("", "[DONE]") and not text.endswith("\n\n")
    return Stream(tuple(found), is_done, is_plain and not is_cut)


def _is_ping(event: Event) -> bool:
    """Whether no client reads anything in it, whether it goes by names or by types."""
    named = {event.name, text_of(event.body, "type")} - {""}
    return bool(named) and named.issubset(_PINGS) and not event.body.keys() & {"choices", "error"}


def _object(data: str) -> Body:
    try:
        read = read_json(data.encode())
    except ValueError as cause:
        raise StreamFailed("an event of the stream is not JSON") from cause
    if read.body is None:
        raise StreamFailed("an event of the stream is not a JSON object")
    if read.repeats:
        raise Ambiguous("an event of the stream repeats a key in an object")
    return read.body


def numbered(event: Body, key: str) -> int:
    """Return the index that an event is about; 0 where it does not say.

    Raises:
        Ambiguous: clients may read it differently.
    """
    number = event.get(key)
    number = 0 if number is None else number
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise Ambiguous(f"{key} of an event of the stream is not an index")
    return number


def data_event(value: Mapping[str, object], *, name: str = "") -> bytes:
    """Return one event that carries the object."""
    head = f"event: {name}\n" if name else ""
    # Escaped, because some clients split lines at characters that JSON may hold.
    return f"{head}data: {json.dumps(value)}\n\n".encode()


def named_events(values: Iterable[Mapping[str, object]]) -> bytes:
    """Return events named by the `type` of their objects, as two providers name them."""
    return b"".join(data_event(value, name=str(value.get("type", ""))) for value in values)
