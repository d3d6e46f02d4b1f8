"""Bytes that two parsers may read in two ways, and work that must not grow with the square."""

import json
import sys
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.merging import Growing
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.parts import call_of
from sidecritic.dialects.responses import Responses
from sidecritic.dialects.strict_json import read_object
from tests.gateway import Running, approves, gateway
from tests.wire import Reply, chat, messages, text_block, use_block, wire_server
from tests.wires.streams import (
    called,
    chat_stream,
    function_call,
    messages_stream,
    response,
    response_stream,
    spoken,
)


def post(door: Running, body: bytes, path: str = "chat/completions") -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(f"{door.root}/v1/{path}", content=body)


# --- repeated keys -----------------------------------------------------------------------

TWICE = [
    b'{"model": "m", "messages": [], "messages": [{"role": "user", "content": "Hi"}]}',
    b'{"model": "m", "messages": [{"role": "user", "content": "Hi", "role": "system"}]}',
    b'{"model": "m", "messages": [{"role": "user", "content": "a", "conte\\u006et": "b"}]}',
]


@pytest.mark.parametrize("body", TWICE, ids=["at the top", "inside", "written in another way"])
@pytest.mark.parametrize("path", ["chat/completions", "messages", "responses"])
def test_a_request_that_repeats_a_key_is_refused_while_enforcing(body: bytes, path: str) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        refused = post(door, body, path)
        assert refused.status_code == 400
        assert "repeated" in refused.text
        assert upstream.received == []


def test_where_the_operator_lets_it_pass_or_nothing_is_enforced_it_is_marked() -> None:
    with wire_server(chat()) as upstream:
        settings: list[Any] = [{"unknown": "pass"}, {"mode": "shadow"}]
        for given in settings:
            with gateway(upstream.root, critic=approves(), **given) as door:
                assert post(door, TWICE[0]).content == chat().body
                (row,) = door.settled()
                assert "repeated" in row["unknown"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("chat/completions", Reply(chat().body.replace(b'"index": 0', b'"index": 0, "index": 0'))),
        ("messages", Reply(messages(text_block("a")).body.replace(b'"id"', b'"id": "", "id"', 1))),
        ("responses", Reply(response().body.replace(b'"id"', b'"id": "", "id"', 1))),
    ],
)
def test_an_answer_that_repeats_a_key_is_not_released_unmarked(path: str, answer: Reply) -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}'
    with wire_server(answer) as upstream:
        with gateway(upstream.root) as door:
            assert post(door, body, path).status_code == 403
        with gateway(upstream.root, unknown="pass", critic=approves()) as door:
            assert post(door, body, path).content == answer.body


def test_a_stream_that_repeats_a_key_is_not_released() -> None:
    stream = chat_stream(spoken("Hello"))
    odd = stream.body.replace(b'"index": 0', b'"index": 0, "index": 1')
    twice = Reply(odd, 200, stream.headers)
    body = b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}'
    with wire_server(twice) as upstream, gateway(upstream.root) as door:
        assert post(door, body).status_code == 403


@pytest.mark.parametrize(
    "raw",
    ['{"order": "A", "order": "B"}', '{"a": {"x": 1, "x": 2}}', '{"order": "A", "orde\\u0072": 1}'],
)
def test_arguments_that_repeat_a_key_are_no_object_that_a_critic_could_approve(raw: str) -> None:
    made = call_of("c", "cancel", raw)
    assert (made.arguments, made.raw) == (None, raw)


@pytest.mark.parametrize("text", ['{"a": {"x": 1}, "b": {"x": 1}}', '[{"a": 1}, {"a": 1}]', "{}"])
def test_the_same_key_in_different_objects_is_no_repetition(text: str) -> None:
    assert read_object(text.encode())[1] is False


@pytest.mark.parametrize("number", [b"1e999", b"-5", b"99999999999999999999", b'"many"', b"1.5"])
@pytest.mark.parametrize("mode", ["enforce", "shadow"])
def test_numbers_that_no_count_can_be_stop_nothing(number: bytes, mode: str) -> None:
    odd = chat().body.replace(b'"prompt_tokens": 12', b'"prompt_tokens": ' + number)
    body = b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}]}'
    with wire_server(Reply(odd)) as upstream, gateway(upstream.root, mode=mode) as door:
        assert post(door, body).content == odd
        (row,) = door.settled()
    assert 0 <= row["actor_input_tokens"] < 2**31


# --- work --------------------------------------------------------------------------------


class Piece(str):
    """A text that counts how often anything is put together with it."""

    joined = 0

    def __add__(self, other: str) -> str:
        Piece.joined += 1
        return str.__add__(self, other)

    def __radd__(self, other: str) -> str:
        Piece.joined += 1
        return other + str(self)


def test_texts_of_a_stream_are_joined_once_and_not_with_each_delta() -> None:
    grown = Growing()
    Piece.joined = 0
    for number in range(200):
        function: Any = {"arguments": Piece(f"{number},")}
        grown.add({"content": Piece("x"), "tool_calls": [{"index": 0, "function": function}]})
    whole: Any = grown.whole()
    assert whole["content"] == "x" * 200
    assert whole["tool_calls"][0]["function"]["arguments"].startswith("0,1,2,")
    assert Piece.joined == 0


def steps(work: Callable[[], object]) -> int:
    """Return how many calls the work makes, of Python's functions and of C's."""
    seen = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal seen
        seen += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


def chat_calls(number: int) -> bytes:
    return chat_stream(called(*((f"c{n}", "get", {"n": n}) for n in range(number)))).body


def messages_calls(number: int) -> bytes:
    blocks = (use_block("get", {"n": n}, id=f"t{n}") for n in range(number))
    return messages_stream(*blocks).body


def responses_calls(number: int) -> bytes:
    return response_stream(*(function_call("get", {"n": n}) for n in range(number))).body


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        (ChatCompletions(), chat_calls),
        (Messages(), messages_calls),
        (Responses(), responses_calls),
    ],
    ids=["chat", "messages", "responses"],
)
def test_a_stream_of_twice_the_length_takes_twice_the_steps(dialect: Any, stream: Any) -> None:
    once, twice = stream(100), stream(200)
    assert steps(lambda: dialect.assembled(twice, {})) < 2.2 * steps(
        lambda: dialect.assembled(once, {})
    )


def test_the_parts_of_a_stream_add_up_as_the_providers_sdk_does() -> None:
    grown = Growing()
    for delta in (
        {"role": "assistant", "content": None, "id": "x"},
        {"role": "assistant", "content": "He", "id": "x", "extra": {"a": "1", "n": 1}},
        {"content": "llo", "extra": {"a": "2", "n": 2}, "list": [{"index": 1, "t": "b"}, 5]},
        {"list": [{"index": 0, "t": "a"}, {"index": 1, "t": "c"}], "content": None},
    ):
        grown.add(delta)  # pyright: ignore[reportArgumentType]
    assert grown.whole() == {
        "role": "assistant",
        "content": "Hello",
        "id": "x",
        "extra": {"a": "12", "n": 2},
        "list": [{"index": 1, "t": "bc"}, 5, {"index": 0, "t": "a"}],
    }
    assert json.dumps(grown.whole())
