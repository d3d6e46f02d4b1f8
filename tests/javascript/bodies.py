"""Answers in one piece that are nearly what a provider gives, as hypothesis draws them."""

import json
from typing import Any

from hypothesis import strategies as st

Strategy = st.SearchStrategy[Any]

NAMES = st.sampled_from(["look", "refund", ""])
GIVEN: Strategy = st.sampled_from(
    ["", "{}", '{"a": 1}', '{"a": 1, "a": 2}', '{"a":', "[]", "null", {"a": 1}, {}, None]
)
"""Arguments as texts, and as values where a text belongs."""
WORDS: Strategy = st.sampled_from([None, "", "a", [{"type": "text", "text": "b"}]])
IDS: Strategy = st.sampled_from(["k1", "k2", "", None])
MISSING = object()


def fields(**drawn: Strategy) -> Strategy:
    """Return objects, some without a field that is drawn."""
    each = {key: st.just(MISSING) | value | value | value for key, value in drawn.items()}
    return st.fixed_dictionaries(each).map(
        lambda found: {key: value for key, value in found.items() if value is not MISSING}
    )


def _one(value: object) -> Strategy:
    return st.just(value)


# --- chat completions ----------------------------------------------------------------------

FUNCTION = fields(name=NAMES, arguments=GIVEN)
ENTRY = fields(id=IDS, type=st.sampled_from(["function", "custom"]), function=FUNCTION)
MESSAGE = st.fixed_dictionaries(
    {"role": _one("assistant"), "content": WORDS},
    optional={
        "tool_calls": st.lists(ENTRY, max_size=3) | _one(None),
        "function_call": FUNCTION,
        "refusal": st.sampled_from([None, "c"]),
    },
)
CHOICE = st.fixed_dictionaries(
    {
        "index": st.sampled_from([0, 0, 0, 1]),
        "message": MESSAGE,
        "finish_reason": st.sampled_from(["tool_calls", "tool_calls", "stop", "length", None]),
    }
)
CHAT = st.lists(CHOICE, min_size=1, max_size=2).map(
    lambda choices: {
        "id": "c",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": choices,
    }
)

# --- messages ------------------------------------------------------------------------------

BLOCK = (
    fields(type=_one("tool_use"), id=IDS, name=NAMES, input=GIVEN)
    | fields(type=_one("text"), text=st.sampled_from(["", "a"]))
    | fields(type=_one("server_tool_use"), id=IDS, name=NAMES, input=GIVEN)
)


def _message(content: Any, reason: Any) -> Any:
    return {
        "id": "m",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": content,
        "stop_reason": reason,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


MESSAGES: Strategy = st.builds(
    _message,
    st.lists(BLOCK, max_size=3),
    st.sampled_from(["tool_use", "tool_use", "end_turn", "max_tokens", None]),
)

# --- responses -----------------------------------------------------------------------------

SPOKEN = fields(type=_one("output_text"), text=st.sampled_from(["", "a"]), annotations=_one([]))
STATUSES = st.sampled_from(["completed", "completed", "in_progress", "incomplete"])
ITEM = fields(
    type=_one("function_call"),
    id=IDS,
    call_id=IDS,
    name=NAMES,
    arguments=GIVEN,
    status=STATUSES,
) | fields(
    type=_one("message"),
    id=IDS,
    role=_one("assistant"),
    status=STATUSES,
    content=st.lists(SPOKEN, max_size=2),
)


def _response(output: Any, status: Any) -> Any:
    nothing = dict.fromkeys(["error", "incomplete_details", "instructions"])
    return {
        "id": "r",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "status": status,
        "output": output,
        **nothing,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "metadata": {},
        "temperature": 1,
        "top_p": 1,
    }


RESPONSES: Strategy = st.builds(_response, st.lists(ITEM, max_size=3), STATUSES)

SHAPES: dict[str, Strategy] = {"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES}
TWICE: dict[str, str] = {
    "name": '"look"',
    "arguments": '"{}"',
    "input": "{}",
    "tool_calls": "[]",
    "content": "[]",
    "output": "[]",
}
"""Keys, each with a value that it might have besides."""


@st.composite
def written(draw: st.DrawFn, api: str) -> bytes:
    """Draw a body as bytes; in some of them a key stands twice, with another value first."""
    text = json.dumps(draw(SHAPES[api]))
    for key in draw(st.lists(st.sampled_from(sorted(TWICE)), max_size=1)):
        text = text.replace(f'"{key}": ', f'"{key}": {TWICE[key]}, "{key}": ', 1)
    return text.encode()
