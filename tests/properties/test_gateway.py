"""Laws of the gateway: bounded reading, faithful dialects, and no failure of its own making."""

import json
import os
from collections.abc import Callable, Generator
from datetime import timedelta
from time import thread_time
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sidecritic.dialects.base import Dialect, Rejected
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.strict_json import read_object
from sidecritic.gateway.wire.http import is_deeper_than
from sidecritic.redaction import Redactor
from sidecritic.trace import rejection
from sidecritic.types import Assistant, Revise, ToolCall, ToolResult, User
from tests.gateway import Running, approves, gateway
from tests.wire import Received, Reply, chat, messages, text_block, wire_server
from tests.wires.streams import (
    chat_stream,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
)

DIALECTS: list[Dialect] = [ChatCompletions(), Messages(), Responses()]
EVERY = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda d: d.endpoint)

TEXT = st.text(max_size=12)
SCALARS = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | TEXT
KEYS = st.sampled_from(
    [
        *("role", "content", "type", "text", "messages", "input", "tools", "function", "name"),
        *("arguments", "id", "call_id", "tool_calls", "tool_use_id", "stream", "n", "choices"),
        *("message", "output", "delta", "index", "function_call", "system"),
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4)
)
BODIES = st.dictionaries(KEYS | TEXT, VALUES, max_size=6)


@EVERY
@given(body=BODIES)
def test_no_body_whatever_makes_a_dialect_fail(dialect: Dialect, body: Any) -> None:
    dialect.asked(body)
    dialect.answered(body)
    json.dumps(dialect.again(body, ()))


@given(raw=st.binary(max_size=200), depth=st.integers(4, 20))
def test_nesting_is_told_without_parsing(raw: bytes, depth: int) -> None:
    is_deeper_than(raw, depth)
    nested = b"[" * depth + b"]" * depth
    assert not is_deeper_than(b'{"a": "[[[[' + b"\\\\" + b'"}', depth)
    assert not is_deeper_than(nested, depth)
    assert is_deeper_than(b"[" + nested + b"]", depth)


def cpu_seconds(work: Callable[[], object]) -> float:
    """Return what the work takes at best; other processes do not count."""
    took: list[float] = []
    for _ in range(3):
        begun = thread_time()
        work()
        took.append(thread_time() - begun)
    return min(took)


HOSTILE = [b'\\"', b'"', b"\\", b'{"a":"\\"', b'["\\']


@pytest.mark.parametrize("hostile", HOSTILE)
def test_eight_times_as_many_hostile_quotes_cost_nothing_like_their_square(hostile: bytes) -> None:
    few, many = (b'"' + hostile * n + b"[" * 70 for n in (10_000, 80_000))
    base = cpu_seconds(lambda: is_deeper_than(few, 64))
    # One pass is 8 times the work, the square 64 times; small enough to fail and not to hang.
    assert cpu_seconds(lambda: is_deeper_than(many, 64)) < 24 * max(base, 0.0005)


@pytest.mark.parametrize(
    "hostile", ["a-", "password", "sk-", 'password="', "-----BEGIN A KEY-----"]
)
def test_eight_times_as_many_hostile_names_cost_nothing_like_their_square(hostile: str) -> None:
    few, many = (hostile * n + "password" * (n // 8) for n in (500, 4_000))
    base = cpu_seconds(lambda: Redactor().text(few))
    assert cpu_seconds(lambda: Redactor().text(many)) < 24 * max(base, 0.0005)


Calls = list[tuple[str, dict[str, int | str]]]


def _a_call(name: str, value: int | str) -> tuple[str, dict[str, int | str]]:
    return name, {"v": value}


NUMBERS: st.SearchStrategy[int | str] = st.integers(0, 9)
CALLS: st.SearchStrategy[Calls] = st.lists(
    st.builds(_a_call, st.sampled_from(["get", "put"]), NUMBERS | TEXT), max_size=3
)


def made_of(calls: Calls) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(id=f"c{n}", name=name, arguments={**arguments}, raw=json.dumps(arguments))
        for n, (name, arguments) in enumerate(calls)
    )


@EVERY
@given(text=TEXT, calls=CALLS)
def test_an_action_survives_being_written_read_streamed_and_put_together(
    dialect: Dialect, text: str, calls: Calls
) -> None:
    made = made_of(calls)
    action = Assistant(text=text, calls=made)
    empty: Any = {"id": "x", "model": "m", "choices": [], "content": [], "output": []}
    answer = dialect.rewritten(empty, [action], {})
    read = dialect.answered(answer).drafts[0].action
    assert (read.text, [(c.name, c.arguments) for c in read.calls]) == (
        text,
        [(c.name, c.arguments) for c in made],
    )
    streamed = (
        dialect.answered(dialect.assembled(dialect.streamed(answer, {}), {}).answer)
        .drafts[0]
        .action
    )
    assert streamed == read


@EVERY
@given(text=st.text(min_size=1, max_size=9).filter(str.strip), calls=CALLS)
def test_a_hidden_round_trip_answers_each_call_once_and_reads_as_the_supervisors_chat(
    dialect: Dialect, text: str, calls: Calls
) -> None:
    made = made_of(calls)
    action = Assistant(text=text, calls=made)
    empty: Any = {"id": "x", "model": "m", "choices": [], "content": [], "output": []}
    draft = dialect.answered(dialect.rewritten(empty, [action], {})).drafts[0]
    shown, *told = rejection(draft.action, Revise(feedback="No."))
    assert isinstance(shown, Assistant)
    answers = tuple(m for m in told if isinstance(m, User | ToolResult))
    key = "input" if dialect.endpoint == "responses" else "messages"
    body: Any = {"model": "m", key: [{"role": "user", "content": "Hi"}]}
    grown = dialect.asked(dialect.again(body, [Rejected(draft.raw, shown, answers)])).history
    assert [type(m) for m in grown] == [User, Assistant, *(type(m) for m in told)]
    assert [getattr(m, "text", "") for m in grown[2:]] == [m.text for m in answers]
    ids = [c.id for m in grown if isinstance(m, Assistant) for c in m.calls]
    assert ids == [m.call_id for m in grown if isinstance(m, ToolResult)]


# --- the whole of it ---------------------------------------------------------------------


def healthy(received: Received) -> Reply:
    stream = received.body.get("stream") is True
    if "messages" in received.path:
        return (messages_stream if stream else messages)(text_block("Hi"))
    if "responses" in received.path:
        return (response_stream if stream else response)(output_text("Hi"))
    return chat_stream(spoken("Hi")) if stream else chat("Hi")


@pytest.fixture(scope="module")
def door() -> Generator[Running]:
    with wire_server(healthy) as upstream, gateway(upstream.root, critic=approves()) as running:
        yield running


EXAMPLES = int(os.environ.get("GATEWAY_FUZZ_EXAMPLES", "60"))
"""Five minutes of it: about 20,000."""
PATHS = st.sampled_from(["chat/completions", "messages", "responses"])


@settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(path=PATHS, body=BODIES, stream=st.booleans(), raw=st.none() | st.binary(max_size=99))
def test_a_healthy_upstream_never_ends_in_an_error_of_the_gateways_own(
    door: Running, path: str, body: Any, stream: bool, raw: bytes | None
) -> None:
    sent = raw if raw is not None else json.dumps({**body, "stream": stream}).encode()
    with httpx2.Client(trust_env=False, timeout=15) as client:
        answer = client.post(f"{door.root}/v1/{path}", content=sent)
    assert answer.status_code < 500, answer.text
    if answer.status_code == 200:
        assert read_object(sent)[0] is not None
