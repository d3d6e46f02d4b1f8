"""Pieces of answers, for a table of irregular ones: deltas, blocks and items of one call."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tests.wire import Json, Reply, call, chat
from tests.wires.streams import function_call, response_stream, sse

Calls = Sequence[tuple[str, Json]]
"""Names and arguments."""

TOOLS = ("refund", "look")
DANGER: Json = {"sum": 900}
"""What nobody may refund."""
REFUND: Calls = [("refund", DANGER)]
LOOKS: Calls = [("look", {"at": 1}), ("look", {"at": 2})]
TEXT = json.dumps(DANGER)
FIRST, LAST = TEXT[:6], TEXT[6:]
LOOK_1, LOOK_2 = '{"at": 1}', '{"at": 2}'


def written(reply: Reply, before: str, after: str) -> Reply:
    """Return the reply with other text in the place of this one."""
    assert before.encode() in reply.body
    return replace(reply, body=reply.body.replace(before.encode(), after.encode()))


def of_type(reply: Reply, kind: str) -> Reply:
    return replace(reply, headers={"content-type": kind})


# --- chat completions --------------------------------------------------------------------


def delta(given: Json, finish: str | None = None, index: int = 0) -> Json:
    choice = {"index": index, "delta": given, "finish_reason": finish}
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    return {**head, "choices": [choice]}


def part(arguments: object = None, name: object = None, index: object = 0, id: object = "") -> Json:
    """Return a delta of a call; what is `None` (or an empty id) is left out, `...` is null."""
    pairs = {"name": name, "arguments": arguments}
    function = {key: None if v is ... else v for key, v in pairs.items() if v is not None}
    given: Json = {"function": function}
    given |= {"id": id, "type": "function"} if id else {}
    given |= {} if index is None else {"index": index}
    return delta({"tool_calls": [given]})


ROLE = delta({"role": "assistant", "content": None})
END = delta({}, "tool_calls")
STOP = delta({}, "stop")
NAMED = part("", "refund", id="k1")


def said(text: object) -> Json:
    return delta({"content": text})


def streamed(*events: Json, end: Json | None = END, done: bool = True) -> Reply:
    return sse([ROLE, *events, *([end] if end else [])], done=done)


def arguments(*pieces: str) -> Reply:
    return streamed(NAMED, *(part(piece) for piece in pieces))


def plain(text: object) -> Reply:
    return chat(None, calls=[{**call("refund", ""), "function": function(text)}])


def within_message(text: str) -> Reply:
    """Return a stream whose only chunk has a message where others have a delta."""
    (choice,) = json.loads(plain(text).body)["choices"]
    return sse([{**STOP, "choices": [choice]}], done=True)


def function(text: object) -> Json:
    return {"name": "refund", "arguments": text}


# --- messages ----------------------------------------------------------------------------


def opened(name: str = "refund", index: int = 0, given: object = None, id: str = "t1") -> Json:
    begun: Any = {} if given is None else given
    block: Json = {"type": "tool_use", "id": id, "name": name, "input": begun}
    return {"type": "content_block_start", "index": index, "content_block": block}


def piece(text: str, index: int = 0) -> Json:
    kind = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": index, "delta": kind}


def closed(index: int = 0) -> Json:
    return {"type": "content_block_stop", "index": index}


def spoken(text: str, index: int = 0) -> list[Json]:
    start = {"type": "content_block_start", "index": index}
    kind = {"type": "text_delta", "text": text}
    return [
        {**start, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": index, "delta": kind},
        closed(index),
    ]


START: Json = {
    "type": "message_start",
    "message": {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "x",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    },
}
OVER: Json = {"type": "message_stop"}


def reason(why: str) -> Json:
    delta = {"stop_reason": why, "stop_sequence": None}
    return {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}


USED = [reason("tool_use"), OVER]


def told(*events: Json, end: Sequence[Json] = USED, named: bool = True) -> Reply:
    return sse([START, *events, *end], named=named)


def used(*pieces: str) -> list[Json]:
    return [opened(), *(piece(text) for text in pieces), closed()]


# --- responses ---------------------------------------------------------------------------


CALLED = function_call("refund", DANGER, id="k1")
STREAMED = response_stream(CALLED)
QUOTED = json.dumps(TEXT)[1:-1]


def events(reply: Reply) -> list[Json]:
    lines = reply.body.decode().splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def changed(kind: str, **fields: Any) -> Reply:
    """Return the stream with other fields in its events of this kind."""
    return sse(({**e, **fields} if e["type"] == kind else e for e in events(STREAMED)), named=True)


def without(*kinds: str) -> Reply:
    return sse((e for e in events(STREAMED) if e["type"] not in kinds), named=True)


def item(**fields: object) -> Json:
    return {**CALLED, **fields}


ARGUMENTS = "response.function_call_arguments"
DONE = "response.output_item.done"
