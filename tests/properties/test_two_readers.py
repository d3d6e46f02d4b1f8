"""The law of streams: what leaves, no client reads as a call that the critic did not see whole."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecritic.dialects.base import Dialect, StreamFailed
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.responses import Responses
from tests.wires.readers import READERS, SPEAKERS, SPLITTERS, Ran, ran

Strategy = st.SearchStrategy[Any]
DIALECTS: dict[str, Dialect] = {d.endpoint: d for d in (ChatCompletions(), Messages(), Responses())}

NAMES = st.sampled_from(["look", "refund"])
PIECES = st.sampled_from(
    ["", " ", "{}", '{"a": 1}', '{"a":', " 1}", '{"a": 1, "a": 2}', '{"a": "\u2028data: {}"}']
)
INDEXES = st.sampled_from([0, 0, 1, 2])


def sometimes(value: Strategy) -> Strategy:
    return st.none() | value


def given_only(fields: dict[str, Strategy]) -> Strategy:
    """Return objects without the fields that are drawn as nothing."""
    drawn = st.fixed_dictionaries(fields)
    return drawn.map(lambda each: {k: v for k, v in each.items() if v is not None})


# --- chat completions ----------------------------------------------------------------------

FUNCTION = given_only({"name": sometimes(st.just("") | NAMES), "arguments": sometimes(PIECES)})
ENTRY = given_only(
    {
        "index": sometimes(INDEXES),
        "id": sometimes(st.sampled_from(["", "k1", "k2"])),
        "type": sometimes(st.just("function")),
        "function": FUNCTION,
    }
)
FINISHES = st.sampled_from([None, None, None, "tool_calls"])


CONTENT: Strategy = st.sampled_from(
    [None, None, "a", "b", [{"type": "text", "text": "c"}], [{"type": "thinking", "thinking": []}]]
)


def part(
    entries: list[Any], index: int, finish: str | None, content: Any = None, role: Any = None
) -> Any:
    delta = {"tool_calls": entries, "content": content, "role": role}
    return {"index": index, "delta": delta, "finish_reason": finish}


PARTS = st.builds(
    part,
    st.lists(ENTRY, max_size=2),
    st.sampled_from([0, 0, 0, 1]),
    FINISHES,
    CONTENT,
    st.sampled_from([None, "assistant", "assistant", ""]),
)
CHUNKS: Strategy = st.fixed_dictionaries({"choices": st.lists(PARTS, max_size=2)})

# --- messages ------------------------------------------------------------------------------

INPUTS: Strategy = st.sampled_from([{}, {}, {"a": 3}])
BLOCKS: Strategy = st.fixed_dictionaries(
    {"type": st.just("tool_use"), "id": st.just("t"), "name": NAMES, "input": INPUTS}
) | st.sampled_from([{"type": "text", "text": ""}, {"type": "text", "text": "c"}])


def _json(at: int, text: str) -> Any:
    delta = {"type": "input_json_delta", "partial_json": text}
    return {"type": "content_block_delta", "index": at, "delta": delta}


def _begun(at: int, block: Any) -> Any:
    return {"type": "content_block_start", "index": at, "content_block": block}


def _say(at: int, text: str) -> Any:
    delta = {"type": "text_delta", "text": text}
    return {"type": "content_block_delta", "index": at, "delta": delta}


BLOCK_EVENTS: Strategy = st.one_of(
    st.builds(_begun, INDEXES, BLOCKS),
    st.builds(_json, INDEXES, PIECES),
    st.builds(_say, INDEXES, st.sampled_from(["a", "b"])),
    st.fixed_dictionaries({"type": st.just("content_block_stop"), "index": INDEXES}),
)
STOP: Any = {"type": "message_stop"}
USAGE = {"input_tokens": 1, "output_tokens": 1}
MESSAGE: Any = {"id": "m", "type": "message", "role": "assistant", "model": "x", "content": []}
START: Any = {"type": "message_start", "message": {**MESSAGE, "usage": USAGE}}

# --- responses -----------------------------------------------------------------------------

IDS = st.sampled_from(["fc_1", "fc_2"])


def _function_call(id: str, name: str, text: str) -> Any:
    said = {"call_id": id, "name": name, "arguments": text}
    return {"type": "function_call", "id": id, "status": "completed", **said}


ITEMS = st.builds(_function_call, IDS, NAMES, PIECES)
WHERE = st.fixed_dictionaries({"output_index": INDEXES, "item_id": IDS})


def _item(kind: str, at: int, item: Any) -> Any:
    return {"type": f"response.output_item.{kind}", "output_index": at, "item": item}


def _text(kind: str, where: Any, text: str) -> Any:
    field = "delta" if kind == "delta" else "arguments"
    return {"type": f"response.function_call_arguments.{kind}", **where, field: text}


ITEM_EVENTS = st.builds(_item, st.sampled_from(["added", "done"]), INDEXES, ITEMS) | st.builds(
    _text, st.sampled_from(["delta", "done"]), WHERE, PIECES
)


@st.composite
def perturbed(draw: st.DrawFn, good: Strategy, odd: Strategy) -> list[Any]:
    """Draw a stream that is nearly good: of what is all random, hardly any would be read."""
    events = draw(good)
    for each in draw(st.lists(odd, max_size=2)):
        at = draw(st.integers(0, len(events)))
        events[at : at + draw(st.integers(0, 1))] = [each]
    return events


def chat_of(calls: list[tuple[str, list[str]]]) -> list[Any]:
    events: list[Any] = [{"choices": [part([], 0, None, role="assistant")]}]
    for at, (name, pieces) in enumerate(calls):
        function: Any = {"name": name, "arguments": ""}
        head = {"index": at, "id": f"k{at}", "type": "function", "function": function}
        more = [{"index": at, "function": {"arguments": piece}} for piece in pieces]
        events += [{"choices": [part([entry], 0, None)]} for entry in (head, *more)]
    return [*events, {"choices": [part([], 0, "tool_calls")]}]


def messages_of(calls: list[tuple[str, list[str]]]) -> list[Any]:
    events: list[Any] = []
    for at, (name, pieces) in enumerate(calls):
        block: Any = {"type": "tool_use", "id": f"t{at}", "name": name, "input": {}}
        events.append({"type": "content_block_start", "index": at, "content_block": block})
        events += [_json(at, piece) for piece in pieces]
        events.append({"type": "content_block_stop", "index": at})
    return events


RESPONSE: Any = {"id": "r", "object": "response", "created_at": 1, "model": "x", "output": []}


def responses_of(items: list[Any]) -> list[Any]:
    events: list[Any] = []
    for at, item in enumerate(items):
        where = {"output_index": at, "item_id": item["id"]}
        events.append(_item("added", at, {**item, "arguments": ""}))
        events += [
            _text("delta", where, item["arguments"]),
            _text("done", where, item["arguments"]),
        ]
        events.append(_item("done", at, item))
    begun = {"type": "response.created", "response": RESPONSE}
    return [
        begun,
        *events,
        {"type": "response.completed", "response": {**RESPONSE, "output": items}},
    ]


WHOLE: st.SearchStrategy[list[str]] = st.sampled_from([[], ["{}"], ['{"a":', " 1}"], ['{"a": 1}']])


def in_turns(events: list[Any]) -> list[Any]:
    """Return the events with every block begun before any goes on."""
    order = ["content_block_start", "content_block_delta", "content_block_stop"]
    return sorted(events, key=lambda event: order.index(event["type"]))


CALLED = st.lists(st.tuples(NAMES, WHOLE), max_size=3)
CHAT = perturbed(CALLED.map(chat_of), CHUNKS)
IN_ORDER = CALLED.map(messages_of)
MESSAGES = (perturbed(IN_ORDER, BLOCK_EVENTS) | IN_ORDER.map(in_turns)).map(
    lambda events: [START, *events, STOP]
)
RESPONSES = perturbed(st.lists(ITEMS, max_size=2).map(responses_of), ITEM_EVENTS)


# --- the law -------------------------------------------------------------------------------

STREAMS: dict[str, Strategy] = {
    "chat/completions": CHAT,
    "messages": MESSAGES,
    "responses": RESPONSES,
}
ENDS = st.sampled_from(["\n\n", "\n\n", "\r\n\r\n", "\r\r", "\n"])
BEGINS = st.sampled_from(
    ["", "", "\ufeff", ": hello\n\n", "data:\n\n", "event: ping\ndata: {}\n\n"]
)


@st.composite
def written(draw: st.DrawFn, path: str) -> bytes:
    """Draw a stream as bytes, in one of the ways in which servers write them."""
    names, escapes, end = draw(st.booleans()), draw(st.booleans()), draw(ENDS)
    text = draw(BEGINS)
    for event in draw(STREAMS[path]):
        text += (
            f"event: {event['type']}{end[: len(end) // 2] or end}"
            if names and "type" in event
            else ""
        )
        text += f"data: {json.dumps(event, ensure_ascii=escapes)}{end}"
    return (text + draw(st.sampled_from(["", f"data: [DONE]{end}"]))).encode()


def leaves(dialect: Dialect, raw: bytes) -> tuple[bytes, set[Ran], str] | None:
    """Return what leaves of a stream, and calls and words that were judged, if anything does."""
    try:
        answer, is_plain = dialect.assembled(raw, {})
    except StreamFailed:
        return None
    drafts = dialect.answered(answer).drafts
    calls = [call for draft in drafts for call in draft.action.calls]
    if any(call.arguments is None for call in calls):
        return None  # sent back by the supervisor, whatever the critic is
    judged = {(call.name, json.dumps(call.arguments, sort_keys=True)) for call in calls}
    said = "".join(draft.action.text for draft in drafts)
    return raw if is_plain else dialect.streamed(answer, {}), judged, said


@pytest.mark.parametrize("path", DIALECTS)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_client_runs_or_shows_what_was_not_judged_whole(path: str, data: st.DataObject) -> None:
    raw = data.draw(written(path))
    found = leaves(DIALECTS[path], raw)
    if found is None:
        return
    left, judged, words = found
    for split in SPLITTERS:
        assert path == "responses" or "".join(SPEAKERS[path](split(left))) == words, left
        for reader in READERS[path]:
            assert ran(reader(split(left))) <= judged, (split.__name__, reader, left)
