"""Whether an answer is well formed, read by the providers' references and by nothing of ours.

    (said,) = heard("messages", body, stream=True)
    assert said == Said("Hello", ())

A stream is checked event by event: what must begin, what must follow, what must end.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.wire import Json


class Said(NamedTuple):
    """One choice of an answer."""

    text: str
    calls: tuple[tuple[str, Any], ...]
    """Name and arguments."""


class Event(NamedTuple):
    name: str
    data: Json


DONE = Event("", {"[DONE]": True})


def heard(endpoint: str, body: bytes, *, stream: bool) -> list[Said]:
    """Return what an answer says, one entry for each choice; it must be well formed."""
    if not stream:
        return _PLAIN[endpoint](json.loads(body))
    return _STREAMS[endpoint](events_of(body))


def events_of(body: bytes) -> list[Event]:
    """Take a stream apart; comments are left out, anything else is an event of known fields."""
    assert body.endswith(b"\n\n"), "the last event is ended as well"
    found: list[Event] = []
    for block in body.decode().removesuffix("\n\n").split("\n\n"):
        lines = [line for line in block.split("\n") if not line.startswith(":")]
        if not lines:
            continue
        fields = dict(line.split(": ", 1) for line in lines)
        assert len(fields) == len(lines)
        assert set(fields) <= {"event", "data"}
        if fields["data"] == "[DONE]":
            found.append(DONE)
        else:
            found.append(Event(fields.get("event", ""), json.loads(fields["data"])))
    return found


# --- chat completions --------------------------------------------------------------------


def _plain_chat(answer: Json) -> list[Said]:
    assert answer["object"] == "chat.completion"
    said: list[Said] = []
    for at, choice in enumerate(answer["choices"]):
        assert choice["index"] == at
        said.append(_said_in_chat(choice["message"], choice["finish_reason"]))
    return said


def _said_in_chat(message: Json, finish: str) -> Said:
    assert message["role"] == "assistant"
    written: list[Json] = message.get("tool_calls") or []
    made: list[Json] = [c["function"] for c in written]
    legacy: Json | None = message.get("function_call")
    kind = "tool_calls" if made else "function_call" if legacy else "stop"
    assert finish == kind, "the reason to finish is what the message holds"
    calls = [*made, legacy] if legacy else made
    read = tuple((c["name"], json.loads(c["arguments"])) for c in calls)
    return Said((message.get("content") or "") + (message.get("refusal") or ""), read)


def _chat_stream(events: Sequence[Event]) -> list[Said]:
    assert events[-1] == DONE
    assert DONE not in events[:-1]
    chunks = [event.data for event in events[:-1]]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk["id"] for chunk in chunks}) == 1
    messages: dict[int, Json] = {}
    finishes: dict[int, str] = {}
    for chunk in chunks:
        if not chunk["choices"]:
            assert set(finishes) == set(messages), "usage comes when every choice is finished"
        for part in chunk["choices"]:
            at = part["index"]
            assert at not in finishes, "nothing comes after the end of a choice"
            _add(messages.setdefault(at, {}), part["delta"])
            if part["finish_reason"] is not None:
                finishes[at] = part["finish_reason"]
    assert sorted(messages) == list(range(len(messages)))
    return [_said_in_chat(messages[at], finishes[at]) for at in sorted(messages)]


def _add(message: Json, delta: Json) -> None:
    assert ("role" in delta) == (not message), "a message begins with its role, once"
    if "role" in delta:
        message.update(role=delta["role"], content="", refusal="", tool_calls=[])
    for field in ("content", "refusal"):
        message[field] += delta.get(field) or ""
    calls: list[Json] = delta.get("tool_calls") or []
    for call in calls:
        made: list[Json] = message["tool_calls"]
        if call["index"] == len(made):
            assert call["id"]
            assert call["type"] == "function"
            made.append({"function": {"name": call["function"]["name"], "arguments": ""}})
        assert call["index"] == len(made) - 1, "one call after the other"
        made[-1]["function"]["arguments"] += call["function"]["arguments"]
    if legacy := delta.get("function_call"):
        held = message.setdefault("function_call", {"name": legacy.get("name"), "arguments": ""})
        held["arguments"] += legacy["arguments"]


# --- messages ----------------------------------------------------------------------------


def _plain_message(answer: Json) -> list[Said]:
    assert (answer["type"], answer["role"]) == ("message", "assistant")
    blocks = answer["content"]
    calls = tuple((b["name"], b["input"]) for b in blocks if b["type"] == "tool_use")
    assert (answer["stop_reason"] == "tool_use") == bool(calls)
    return [Said("".join(b["text"] for b in blocks if b["type"] == "text"), calls)]


def _message_stream(events: Sequence[Event]) -> list[Said]:
    assert all(event.name == event.data["type"] for event in events)
    sent = [event.data for event in events if event.name != "ping"]
    start, *middle, delta, stop = sent
    kinds = (start["type"], delta["type"], stop["type"])
    assert kinds == ("message_start", "message_delta", "message_stop")
    message = start["message"]
    assert (message["content"], message["stop_reason"]) == ([], None)
    assert "usage" in message
    assert "usage" in delta
    blocks: list[Json] = []
    while middle:
        middle = _take_block(middle, blocks)
    return _plain_message({**message, "content": blocks, **delta["delta"]})


def _take_block(events: Sequence[Json], blocks: list[Json]) -> list[Json]:
    """Take the next block off the events: begun, given in deltas, ended."""
    opened, *rest = events
    assert (opened["type"], opened["index"]) == ("content_block_start", len(blocks))
    block: Json = dict(opened["content_block"])
    field, piece = ("text", "text") if block["type"] == "text" else ("input", "partial_json")
    assert not block[field], "a block begins empty"
    end = next(at for at, event in enumerate(rest) if event["type"] == "content_block_stop")
    written = ""
    for event in rest[:end]:
        assert (event["type"], event["index"]) == ("content_block_delta", len(blocks))
        written += event["delta"][piece]
    assert rest[end]["index"] == len(blocks)
    block[field] = written if field == "text" else json.loads(written or "{}")
    blocks.append(block)
    return rest[end + 1 :]


# --- responses ---------------------------------------------------------------------------


def _plain_response(answer: Json) -> list[Said]:
    assert (answer["object"], answer["status"]) == ("response", "completed")
    text, calls = "", list[tuple[str, Any]]()
    for item in answer["output"]:
        assert item["status"] == "completed"
        if item["type"] == "function_call":
            assert item["call_id"]
            calls.append((item["name"], json.loads(item["arguments"])))
        else:
            assert (item["type"], item["role"]) == ("message", "assistant")
            text += "".join(part.get("text") or part["refusal"] for part in item["content"])
    return [Said(text, tuple(calls))]


def _response_stream(events: Sequence[Event]) -> list[Said]:
    assert all(event.name == event.data["type"] for event in events)
    sent = [event.data for event in events]
    assert [event["sequence_number"] for event in sent] == list(range(len(sent)))
    created, running, *middle, ended = sent
    assert (created["type"], running["type"]) == ("response.created", "response.in_progress")
    assert ended["type"] == "response.completed"
    for begun in (created, running):
        assert (begun["response"]["status"], begun["response"]["output"]) == ("in_progress", [])
    assert len({event["response"]["id"] for event in (created, running, ended)}) == 1
    items: list[Json] = []
    while middle:
        middle = _take_item(middle, items)
    assert items == ended["response"]["output"], "the end says what the items said"
    return _plain_response(ended["response"])


def _take_item(events: Sequence[Json], items: list[Json]) -> list[Json]:
    """Take the next item off the events: added, given in deltas, done."""
    added, *rest = events
    assert (added["type"], added["output_index"]) == ("response.output_item.added", len(items))
    assert added["item"]["status"] == "in_progress"
    end = next(at for at, e in enumerate(rest) if e["type"] == "response.output_item.done")
    done, inner = rest[end], rest[:end]
    item: Json = done["item"]
    assert done["output_index"] == len(items)
    assert added["item"]["id"] == item["id"]
    assert all(e["item_id"] == item["id"] for e in inner)
    assert all(e["output_index"] == len(items) for e in inner)
    if item["type"] == "function_call":
        assert added["item"]["arguments"] == ""
        assert _given(inner, "response.function_call_arguments") == item["arguments"]
    else:
        assert added["item"]["content"] == []
        _require_parts(inner, item["content"])
    items.append(item)
    return rest[end + 1 :]


def _require_parts(events: Sequence[Json], parts: Sequence[Json]) -> None:
    for at, part in enumerate(parts):
        opened, *middle, closed = [e for e in events if e["content_index"] == at]
        assert opened["type"] == "response.content_part.added"
        assert (closed["type"], closed["part"]) == ("response.content_part.done", part)
        field = "refusal" if part["type"] == "refusal" else "text"
        assert opened["part"][field] == ""
        assert _given(middle, f"response.{part['type']}") == part[field]
    assert {e["content_index"] for e in events} == set(range(len(parts)))


def _given(events: Sequence[Json], kind: str) -> str:
    """Return what deltas amount to, which their end repeats."""
    *deltas, done = events
    assert {e["type"] for e in deltas} <= {f"{kind}.delta"}
    assert done["type"] == f"{kind}.done"
    written = "".join(e["delta"] for e in deltas)
    assert written in (done.get("arguments"), done.get("text"), done.get("refusal"))
    return written


_PLAIN = {
    "chat/completions": _plain_chat,
    "messages": _plain_message,
    "responses": _plain_response,
}
_STREAMS = {
    "chat/completions": _chat_stream,
    "messages": _message_stream,
    "responses": _response_stream,
}
