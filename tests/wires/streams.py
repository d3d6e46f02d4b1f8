"""Streams as the providers write them, event by event, and the Responses API.

Written from the providers' references, and on purpose without the package's own dialects.
"""

import json
from collections.abc import Iterable, Sequence

from tests.wire import Json, Reply, as_json

_HEADERS = {"content-type": "text/event-stream; charset=utf-8"}


def sse(events: Iterable[Json], *, named: bool = False, done: bool = False) -> Reply:
    parts = [
        (f"event: {event['type']}\n" if named else "") + f"data: {json.dumps(event)}\n\n"
        for event in events
    ]
    if done:
        parts.append("data: [DONE]\n\n")
    return Reply("".join(parts).encode(), 200, _HEADERS)


def truncated(reply: Reply) -> Reply:
    """Return the stream, ended in good order in the middle of what it had to say."""
    events = reply.body.split(b"\n\n")
    return Reply(b"\n\n".join(events[: max(2, len(events) // 2)]) + b"\n\n", 200, reply.headers)


# --- chat completions --------------------------------------------------------------------


def chat_stream(*choices: Sequence[Json]) -> Reply:
    """Return a stream; each choice is a list of deltas, its last one the finish reason."""
    chunks: list[Json] = []
    for index, deltas in enumerate(choices):
        for delta in deltas:
            finish = delta.get("finish_reason")
            said = {} if finish else delta
            choice = {"index": index, "delta": said, "logprobs": None, "finish_reason": finish}
            chunks.append({**_CHUNK, "choices": [choice]})
    chunks.append({**_CHUNK, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}})
    return sse(chunks, done=True)


_CHUNK: Json = {
    "id": "chatcmpl-2",
    "object": "chat.completion.chunk",
    "created": 1_760_000_000,
    "model": "served-model",
    "service_tier": "default",
    "x_vendor": {"kept": True},
}


def spoken(text: str, finish: str = "stop", field: str = "content") -> list[Json]:
    half = len(text) // 2
    begun: Json = {"role": "assistant", "content": "", "refusal": None}
    return [begun, {field: text[:half]}, {field: text[half:]}, {"finish_reason": finish}]


def called(*calls: tuple[str, str, Json]) -> list[Json]:
    """Return deltas of calls, each `(id, name, arguments)`, with arguments in pieces."""
    deltas: list[Json] = [{"role": "assistant", "content": None}]
    for index, (id, name, arguments) in enumerate(calls):
        text = json.dumps(arguments)
        head = {"name": name, "arguments": ""}
        deltas.append(_call_delta(index, id=id, type="function", function=head))
        half = len(text) // 2
        deltas += [
            _call_delta(index, function={"arguments": t}) for t in (text[:half], text[half:])
        ]
    return [*deltas, {"finish_reason": "tool_calls"}]


def legacy(name: str, arguments: Json) -> list[Json]:
    text = json.dumps(arguments)
    return [
        {"role": "assistant", "content": None, "function_call": {"name": name, "arguments": ""}},
        {"function_call": {"arguments": text[:3]}},
        {"function_call": {"arguments": text[3:]}},
        {"finish_reason": "function_call"},
    ]


def _call_delta(index: int, **fields: object) -> Json:
    return {"tool_calls": [{"index": index, **fields}]}


# --- messages ----------------------------------------------------------------------------


def messages_stream(*blocks: Json, stop: str = "end_turn") -> Reply:
    """Return a stream of the Messages API with these content blocks."""
    usage = {"input_tokens": 4, "output_tokens": 1}
    start: Json = {
        "id": "msg_2",
        "type": "message",
        "role": "assistant",
        "model": "served-claude",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage,
    }
    events: list[Json] = [{"type": "message_start", "message": start}, {"type": "ping"}]
    for index, block in enumerate(blocks):
        events += _block_events(index, block)
    delta = {"stop_reason": stop, "stop_sequence": None}
    events.append({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}})
    events.append({"type": "message_stop"})
    return sse(events, named=True)


def _block_events(index: int, block: Json) -> list[Json]:
    if block["type"] == "text":
        empty: Json = {"text": ""}
        text, kind = block["text"], "text"
    else:
        empty = {"input": {}}
        text, kind = json.dumps(block["input"]), "partial_json"
    opened: Json = {**block, **empty}
    delta_type = "text_delta" if kind == "text" else "input_json_delta"
    half = len(text) // 2
    return [
        {"type": "content_block_start", "index": index, "content_block": opened},
        *(
            {
                "type": "content_block_delta",
                "index": index,
                "delta": {"type": delta_type, kind: piece},
            }
            for piece in (text[:half], text[half:])
        ),
        {"type": "content_block_stop", "index": index},
    ]


# --- responses ---------------------------------------------------------------------------


def output_text(text: str, kind: str = "output_text") -> Json:
    field = "refusal" if kind == "refusal" else "text"
    part: Json = {"type": kind, field: text}
    if kind == "output_text":
        part["annotations"] = []
    return {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [part],
    }


def function_call(name: str, arguments: Json, *, id: str = "call_a") -> Json:
    return {
        "id": f"fc_{id}",
        "type": "function_call",
        "status": "completed",
        "call_id": id,
        "name": name,
        "arguments": json.dumps(arguments),
    }


def response_body(*items: Json, id: str = "resp_1", status: str = "completed") -> Json:
    return {
        "id": id,
        "object": "response",
        "created_at": 1_760_000_000,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "served-model",
        "output": list(items),
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "x_vendor": {"kept": True},
        "usage": {
            "input_tokens": 6,
            "input_tokens_details": {"cached_tokens": 2},
            "output_tokens": 3,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 9,
        },
    }


def response(*items: Json, id: str = "resp_1") -> Reply:
    return as_json(response_body(*items, id=id))


def response_stream(*items: Json, id: str = "resp_1") -> Reply:
    begun = {**response_body(id=id, status="in_progress"), "usage": None}
    events: list[Json] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
    ]
    for index, item in enumerate(items):
        events += _item_events(index, item)
    events.append({"type": "response.completed", "response": response_body(*items, id=id)})
    return sse(({**e, "sequence_number": n} for n, e in enumerate(events)), named=True)


def _item_events(index: int, item: Json) -> list[Json]:
    where = {"item_id": item["id"], "output_index": index}
    if item["type"] == "function_call":
        opened: Json = {**item, "arguments": "", "status": "in_progress"}
        kind = "response.function_call_arguments"
        middle: list[Json] = [
            {"type": f"{kind}.delta", **where, "delta": item["arguments"]},
            {"type": f"{kind}.done", **where, "name": item["name"], "arguments": item["arguments"]},
        ]
    else:
        opened = {**item, "content": [], "status": "in_progress"}
        middle = []
        for at, part in enumerate(item["content"]):
            here = {**where, "content_index": at}
            field = "refusal" if part["type"] == "refusal" else "text"
            empty = {**part, field: ""}
            middle += [
                {"type": "response.content_part.added", **here, "part": empty},
                {"type": f"response.{part['type']}.delta", **here, "delta": part[field]},
                {"type": f"response.{part['type']}.done", **here, field: part[field]},
                {"type": "response.content_part.done", **here, "part": part},
            ]
    added: Json = {"type": "response.output_item.added", "output_index": index, "item": opened}
    done: Json = {"type": "response.output_item.done", "output_index": index, "item": item}
    return [added, *middle, done]
