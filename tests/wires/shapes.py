"""What models answer, one shape for each cell of the conformance matrix, around a word.

SHAPES["messages"]("Hello")["parallel calls"].stream
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tests.wire import (
    Json,
    Reply,
    as_json,
    call,
    chat,
    completion,
    failure,
    half,
    messages,
    text_block,
    use_block,
)
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    legacy,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
    truncated,
)


@dataclass(frozen=True)
class Shape:
    """What the upstream answers, plain and as a stream, and how many proposals that is."""

    plain: Reply
    stream: Reply
    proposals: int

    def reply(self, *, stream: bool) -> Reply:
        return self.stream if stream else self.plain


Shapes = Mapping[str, Shape]

ODD = as_json({"error": {"message": "no", "type": "x"}}, status=429, retry_after="7")


def two_choices(first: str, second: str) -> Shape:
    """Return an answer with `n = 2`."""
    written = [
        {"index": at, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        for at, text in enumerate((first, second))
    ]
    return Shape(completion(written), chat_stream(spoken(first), spoken(second)), 2)


def _one(word: str) -> Json:
    return {"order": 1, "note": f"{word} ünïcode"}


def _chat(word: str) -> Shapes:
    one = _one(word)
    old = {"name": "put", "arguments": f'{{"order": 1, "note": "{word}"}}'}
    return {
        "text": Shape(chat(word, x_field=None), chat_stream(spoken(word)), 1),
        "one call": Shape(
            chat(None, calls=[call("put", one)]), chat_stream(called(("c1", "put", one))), 1
        ),
        "parallel calls": Shape(
            chat(None, calls=[call("put", one), call("get", {}, id="b")]),
            chat_stream(called(("c1", "put", one), ("c2", "get", {}))),
            1,
        ),
        "n = 2": two_choices(f"{word} a", f"{word} b"),
        "legacy call": Shape(
            chat(None, finish="function_call", function_call=old),
            chat_stream(legacy("put", {"order": 1, "note": word})),
            1,
        ),
        "error": Shape(ODD, ODD, 0),
        "truncated": Shape(half(chat(word)), truncated(chat_stream(spoken(word))), 0),
        "refusal": Shape(
            chat(None, refusal=f"{word}: I can't."),
            chat_stream(spoken(f"{word}: I can't.", field="refusal")),
            1,
        ),
    }


def _messages(word: str) -> Shapes:
    text, one = text_block(word), use_block("put", _one(word))
    both = (text, one, use_block("get", {}, id="b"))
    busy = failure(529, "overloaded")
    return {
        "text": Shape(messages(text), messages_stream(text), 1),
        "one call": Shape(messages(one, stop="tool_use"), messages_stream(one, stop="tool_use"), 1),
        "parallel calls": Shape(
            messages(*both, stop="tool_use"), messages_stream(*both, stop="tool_use"), 1
        ),
        "error": Shape(busy, busy, 0),
        "truncated": Shape(half(messages(text)), truncated(messages_stream(text)), 0),
        "refusal": Shape(messages(text, stop="refusal"), messages_stream(text, stop="refusal"), 1),
    }


def _responses(word: str) -> Shapes:
    text, one = output_text(word), function_call("put", _one(word))
    both = (one, function_call("get", {}, id="b"))
    refused = output_text(word, "refusal")
    return {
        "text": Shape(response(text), response_stream(text), 1),
        "one call": Shape(response(one), response_stream(one), 1),
        "parallel calls": Shape(response(*both), response_stream(*both), 1),
        "error": Shape(ODD, ODD, 0),
        "truncated": Shape(half(response(text)), truncated(response_stream(text)), 0),
        "refusal": Shape(response(refused), response_stream(refused), 1),
    }


SHAPES: Mapping[str, Callable[[str], Shapes]] = MappingProxyType(
    {"chat/completions": _chat, "messages": _messages, "responses": _responses}
)
"""By endpoint."""

CELLS = [
    (endpoint, shape, stream)
    for endpoint, shapes in SHAPES.items()
    for shape in shapes("")
    for stream in (False, True)
]


def cell_name(value: object) -> str:
    """Name a part of a cell for pytest."""
    return ("stream" if value else "plain") if isinstance(value, bool) else str(value)
