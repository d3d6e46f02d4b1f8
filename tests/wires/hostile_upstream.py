"""Answers that no provider should give, as hypothesis draws them.

Most begin as good answers of the endpoint that is asked, because what is nearly right gets
furthest: a field has another type, an event is twice there, the stream ends in mid-word.
"""

import gzip
import json
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, cast

from hypothesis import strategies as st

from tests.wire import Reply, call, chat, messages, text_block, use_block
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
)

Strategy = st.SearchStrategy[Any]
Bytes = st.SearchStrategy[bytes]

EVENTS: Mapping[str, str] = MappingProxyType({"content-type": "text/event-stream"})
JSON: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})
REFUND = {"order_id": "#1", "item_ids": ["i"], "payment_method_id": "p"}
"""Arguments of a call that the shop's pack refuses, so that the model is asked again."""

GOOD: Mapping[str, Sequence[Reply]] = MappingProxyType(
    {
        "chat/completions": (
            chat("Hi"),
            chat_stream(spoken("Hi")),
            chat(None, calls=[call("refund_items", REFUND), call("get", {}, id="b")]),
            chat_stream(called(("c1", "refund_items", REFUND))),
            chat_stream(spoken("one"), spoken("two")),
        ),
        "messages": (
            messages(text_block("Hi")),
            messages_stream(text_block("Hi")),
            messages(use_block("refund_items", REFUND), stop="tool_use"),
            messages_stream(text_block("So"), use_block("refund_items", REFUND), stop="tool_use"),
        ),
        "responses": (
            response(output_text("Hi")),
            response_stream(output_text("Hi")),
            response(function_call("refund_items", REFUND)),
            response_stream(output_text("So"), function_call("refund_items", REFUND)),
        ),
    }
)

# --- values ------------------------------------------------------------------------------

ODD_VALUES = (
    *(b"null", b"true", b"-1", b"0.5", b"1e999", b"-1e308", b"NaN", b'""', b'"1"', b"[]", b"{}"),
    *(b"9" * 30, b"9" * 5000, b"9223372036854775808", b'"\\ud800"', b'"\\u0000"', b'"\xff"'),
    *(b"[null]", b"[[]]", b'{"":{"":[]}}', b"[" * 300 + b"]" * 300, b'{"a":1,"a":2}'),
    *(b'"' + b"x" * 70_000 + b'"', b'["text",{"type":"text"},7]'),
)
_MARK = "\u2603"


def replaced(text: bytes, picks: Sequence[int], odd: bytes) -> bytes:
    """Return a JSON text with the value at the end of a walk replaced."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    parent: Any = {"": value}
    key: Any = ""
    for pick in picks:
        inner = parent[key]
        keys = list(cast("dict[str, Any]", inner)) if isinstance(inner, dict) else []
        if isinstance(inner, list):
            keys = list(range(len(cast("list[Any]", inner))))
        if not keys:
            break
        parent, key = cast("Any", inner), keys[pick % len(keys)]
    parent[key] = _MARK
    whole = value if key != "" else _MARK
    return json.dumps(whole).encode().replace(json.dumps(_MARK).encode(), odd)


WALKS = st.lists(st.integers(0, 11), min_size=1, max_size=6)


def _altered_event(body: bytes, at: int, picks: Sequence[int], odd: bytes) -> bytes:
    events = body.split(b"\n\n")
    head, _, data = events[at % len(events)].rpartition(b"data: ")
    events[at % len(events)] = head + b"data: " + replaced(data, picks, odd)
    return b"\n\n".join(events)


# --- streams -----------------------------------------------------------------------------

GARBAGE: Bytes = st.binary(max_size=60) | st.sampled_from(
    [
        *(
            b"data: [DONE]\n\n",
            b"data: {}\n\n",
            b"data: []\n\n",
            b"data:\n\n",
            b"data\n\n",
            b"\n\n",
        ),
        *(b"event: ping\n\n", b'event: error\ndata: {"error":{"message":"x"}}\n\n', b": c\n\n"),
        *(b'data: {"error":null}\n\n', b'data: {"type":"error"}\n\n', b"id: 1\nretry: 0\n\n"),
        *(b'data: {"type":"response.failed","response":[]}\n\n', b'data: {"choices":{}}\n\n'),
        *(b'data: {"choices":[{"index":1e9,"delta":[]}]}\n\n', b"\xef\xbb\xbf", b"\r", b"\0"),
        *(b'data: {"type":"content_block_stop","index":99}\n\n', b"data: " + b"x" * 300_000),
    ]
)

Change = Callable[[bytes, int, bytes], bytes]


def _spliced(body: bytes, at: int, garbage: bytes) -> bytes:
    events = body.split(b"\n\n")
    at %= len(events)
    return b"\n\n".join([*events[:at], garbage.removesuffix(b"\n\n"), *events[at:]])


def _without(body: bytes, at: int, _: bytes) -> bytes:
    events = body.split(b"\n\n")
    del events[at % len(events)]
    return b"\n\n".join(events)


def _twice(body: bytes, at: int, _: bytes) -> bytes:
    events = body.split(b"\n\n")
    at %= len(events)
    return b"\n\n".join(events[: at + 1] + events[at:])


def _cut(body: bytes, at: int, _: bytes) -> bytes:
    return body[: at * 37 % (len(body) + 1)]


CHANGES: Sequence[Change] = (
    _spliced,
    _without,
    _twice,
    _cut,
    lambda body, at, garbage: body[: at * 37] + garbage + body[at * 37 :],
    lambda body, at, garbage: body.replace(b"\n", b"\r\n"),
    lambda body, at, garbage: body.replace(b"\n", b"\r"),
    lambda body, at, garbage: body.replace(b"\n\n", b"\n"),
    lambda body, at, garbage: body.rstrip(b"\n"),
    lambda body, at, garbage: body.replace(b"data: ", b"data:"),
    lambda body, at, garbage: body.replace(b"{", b'{"type": 1, ', 1 + at % 5),
    lambda body, at, garbage: b"\xef\xbb\xbf" + body,
    lambda body, at, garbage: b"",
    lambda body, at, garbage: garbage,
)

# --- whole answers -----------------------------------------------------------------------

STATUSES = st.just(200) | st.sampled_from(
    [
        201,
        202,
        204,
        205,
        206,
        300,
        301,
        304,
        307,
        400,
        404,
        418,
        429,
        499,
        500,
        503,
        529,
        599,
        600,
        999,
    ]
)
HEADERS = st.sampled_from(
    [
        *({"content-type": kind} for kind in ("text/html", "", "TEXT/EVENT-STREAM", "\xff;;=")),
        *({"content-encoding": c} for c in ("gzip", "deflate", "br", "GZIP", "gzip, gzip", "x")),
        {"location": "http://127.0.0.1:1/"},
        {"retry-after": "\xff"},
        {"x-sidecritic": "approved", "x-sidecritic-request": "y"},
        {"set-cookie": "a=b", "connection": "x-secret", "x-secret": "1"},
        {"transfer-encoding": "identity"},
    ]
)
PACKED: Sequence[tuple[str, Callable[[bytes], bytes]]] = (
    ("gzip", gzip.compress),
    ("deflate", zlib.compress),
    ("gzip", lambda body: gzip.compress(body) + b"x"),
    ("gzip", lambda body: gzip.compress(body)[:-5]),
    ("gzip", lambda body: gzip.compress(body + b" " * 5_000_000)),
    ("deflate", gzip.compress),
)


@st.composite
def replies(draw: st.DrawFn, path: str) -> Reply:
    """Draw one answer to a request at this path: good, nearly good, or nothing of the kind."""
    other = st.sampled_from(sorted(GOOD)) if draw(st.integers(0, 9)) == 0 else st.just(path)
    good = draw(st.sampled_from(GOOD[draw(other)]))
    body, headers = good.body, dict(good.headers)
    is_stream = headers["content-type"].startswith("text/event-stream")
    for _ in range(draw(st.integers(0, 2))):
        if draw(st.booleans()):
            picks, odd = draw(WALKS), draw(st.sampled_from(ODD_VALUES))
            at = draw(st.integers(0, 30))
            body = _altered_event(body, at, picks, odd) if is_stream else replaced(body, picks, odd)
        else:
            body = draw(st.sampled_from(CHANGES))(body, draw(st.integers(0, 60)), draw(GARBAGE))
    if draw(st.integers(0, 5)) == 0:
        headers |= draw(HEADERS)
    if draw(st.integers(0, 7)) == 0:
        coding, pack = draw(st.sampled_from(PACKED))
        body, headers = pack(body), {**headers, "content-encoding": coding}
    status = draw(STATUSES) if draw(st.integers(0, 4)) == 0 else 200
    made = replace(good, body=body, headers=headers, status=status)
    broken = draw(st.integers(0, 19))
    return replace(
        made, breaks_off=broken == 0, piece=97 if broken == 1 and len(body) < 5000 else 0
    )
