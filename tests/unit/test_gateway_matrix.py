"""Conformance: endpoint × stream × shape × mode, on the wire.

In each cell the critic is asked exactly once for each proposal, and what an approving critic
lets through is, byte for byte, what the upstream sent.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass

import httpx2
import pytest

from tests.gateway import Asked, Running, approves, gateway
from tests.wire import (
    Json,
    Received,
    Reply,
    WireServer,
    as_json,
    call,
    chat,
    completion,
    failure,
    half,
    messages,
    text_block,
    use_block,
    wire_server,
)
from tests.wire_streams import (
    called,
    chat_stream,
    function_call,
    legacy,
    messages_stream,
    output_text,
    response,
    response_stream,
    spoken,
    sse,
    truncated,
)


@dataclass(frozen=True)
class Shape:
    """What the upstream answers, plain and as a stream, and how many proposals that is."""

    plain: Reply
    stream: Reply
    proposals: int


def choice(index: int, text: str) -> Json:
    message = {"role": "assistant", "content": text}
    return {"index": index, "message": message, "finish_reason": "stop"}


ODD = as_json({"error": {"message": "no", "type": "x"}}, status=429, retry_after="7")
ONE = {"order": 1, "note": "ünïcode"}
LEGACY = {"name": "put", "arguments": '{"order": 1}'}

CHAT: Mapping[str, Shape] = {
    "text": Shape(chat("Hello", x_field=None), chat_stream(spoken("Hello")), 1),
    "one call": Shape(
        chat(None, calls=[call("put", ONE)]), chat_stream(called(("c1", "put", ONE))), 1
    ),
    "parallel calls": Shape(
        chat(None, calls=[call("put", ONE), call("get", {}, id="b")]),
        chat_stream(called(("c1", "put", ONE), ("c2", "get", {}))),
        1,
    ),
    "n = 2": Shape(
        completion([choice(0, "a"), choice(1, "b")]),
        chat_stream(spoken("aa"), spoken("bb")),
        2,
    ),
    "legacy call": Shape(
        chat(None, finish="function_call", function_call=LEGACY),
        chat_stream(legacy("put", ONE)),
        1,
    ),
    "error": Shape(ODD, ODD, 0),
    "truncated": Shape(half(chat("Hello")), truncated(chat_stream(spoken("Hello"))), 0),
    "refusal": Shape(
        chat(None, refusal="I can't."), chat_stream(spoken("I can't.", field="refusal")), 1
    ),
}

MESSAGES: Mapping[str, Shape] = {
    "text": Shape(messages(text_block("Hello")), messages_stream(text_block("Hello")), 1),
    "one call": Shape(
        messages(use_block("put", ONE), stop="tool_use"),
        messages_stream(use_block("put", ONE), stop="tool_use"),
        1,
    ),
    "parallel calls": Shape(
        messages(text_block("Both."), use_block("put", ONE), use_block("get", {}, id="b")),
        messages_stream(text_block("Both."), use_block("put", ONE), use_block("get", {}, id="b")),
        1,
    ),
    "error": Shape(failure(529, "overloaded"), failure(529, "overloaded"), 0),
    "truncated": Shape(
        half(messages(text_block("Hello"))), truncated(messages_stream(text_block("Hello"))), 0
    ),
    "refusal": Shape(
        messages(text_block("No."), stop="refusal"),
        messages_stream(text_block("No."), stop="refusal"),
        1,
    ),
}

RESPONSES: Mapping[str, Shape] = {
    "text": Shape(response(output_text("Hello")), response_stream(output_text("Hello")), 1),
    "one call": Shape(
        response(function_call("put", ONE)), response_stream(function_call("put", ONE)), 1
    ),
    "parallel calls": Shape(
        response(function_call("put", ONE), function_call("get", {}, id="b")),
        response_stream(function_call("put", ONE), function_call("get", {}, id="b")),
        1,
    ),
    "error": Shape(ODD, ODD, 0),
    "truncated": Shape(
        half(response(output_text("Hello"))),
        truncated(response_stream(output_text("Hello"))),
        0,
    ),
    "refusal": Shape(
        response(output_text("No.", "refusal")), response_stream(output_text("No.", "refusal")), 1
    ),
}

ENDPOINTS = {"chat/completions": CHAT, "messages": MESSAGES, "responses": RESPONSES}
CELLS = [
    pytest.param(
        endpoint, shape, stream, id=f"{endpoint}-{shape}-{'stream' if stream else 'plain'}"
    )
    for endpoint, shapes in ENDPOINTS.items()
    for shape in shapes
    for stream in (False, True)
]


@dataclass
class Bench:
    upstream: WireServer
    door: Running
    critic: Asked

    def ask(self, endpoint: str, shape: str, *, stream: bool) -> tuple[httpx2.Response, bytes]:
        self.critic.seen.clear()
        body: Json = {
            "model": f"{shape}",
            "stream": stream,
            "messages": [{"role": "user", "content": "Hi"}],
            "x_unknown": [1, {"deep": None}],
        }
        if endpoint == "responses":
            body["input"] = body.pop("messages")
        with httpx2.Client(trust_env=False) as client:
            response = client.post(f"{self.door.root}/v1/{endpoint}", json=body)
        assert self.upstream.received[-1].body == body, "unknown fields reach the upstream"
        return response, response.content

    def asked(self) -> int:
        self.door.settled()
        return len(self.critic.seen)


def replay(received: Received) -> Reply:
    shape = ENDPOINTS[received.path.removeprefix("/v1/")][received.body["model"]]
    return shape.stream if received.body["stream"] else shape.plain


def bench(mode: str) -> Generator[Bench]:
    critic = approves()
    with wire_server(replay) as upstream, gateway(upstream.root, critic=critic, mode=mode) as door:
        yield Bench(upstream, door, critic)


@pytest.fixture(scope="module")
def enforcing() -> Generator[Bench]:
    yield from bench("enforce")


@pytest.fixture(scope="module")
def shadowing() -> Generator[Bench]:
    yield from bench("shadow")


@pytest.fixture(scope="module")
def idle() -> Generator[Bench]:
    yield from bench("off")


def sent(endpoint: str, shape: str, *, stream: bool) -> tuple[Shape, Reply]:
    found = ENDPOINTS[endpoint][shape]
    return found, found.stream if stream else found.plain


@pytest.mark.parametrize(("endpoint", "shape", "stream"), CELLS)
def test_in_shadow_the_bytes_are_the_upstreams_and_the_critic_is_asked_once_per_proposal(
    shadowing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    expected, reply = sent(endpoint, shape, stream=stream)
    response, body = shadowing.ask(endpoint, shape, stream=stream)
    assert (response.status_code, body) == (reply.status, reply.body)
    assert response.headers["content-type"] == reply.headers["content-type"]
    assert shadowing.asked() == expected.proposals


@pytest.mark.parametrize(("endpoint", "shape", "stream"), CELLS)
def test_off_passes_the_bytes_and_asks_nobody(
    idle: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    _, reply = sent(endpoint, shape, stream=stream)
    response, body = idle.ask(endpoint, shape, stream=stream)
    assert (response.status_code, body) == (reply.status, reply.body)
    assert idle.asked() == 0


@pytest.mark.parametrize(("endpoint", "shape", "stream"), CELLS)
def test_enforcing_passes_what_is_approved_byte_for_byte_after_one_question_per_proposal(
    enforcing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    expected, reply = sent(endpoint, shape, stream=stream)
    response, body = enforcing.ask(endpoint, shape, stream=stream)
    assert enforcing.asked() == expected.proposals
    if shape == "truncated":
        assert response.status_code == 502
        assert b"Hel" not in body, "nothing of an answer that never ended may leave"
    else:
        assert (response.status_code, body) == (reply.status, reply.body)


def test_an_error_inside_a_stream_passes_without_what_came_before_it() -> None:
    event = {"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}
    begun = messages_stream(text_block("secret plan")).body.split(b"event: message_delta")[0]
    broken = Reply(
        begun + sse([event], named=True).body, 200, {"content-type": "text/event-stream"}
    )
    with wire_server(broken) as upstream, gateway(upstream.root, critic=approves()) as door:
        body = {"model": "m", "stream": True, "messages": [{"role": "user", "content": "Hi"}]}
        response = httpx2.post(f"{door.root}/v1/messages", json=body, trust_env=False)
    assert response.status_code == 200
    assert response.content == sse([event], named=True).body
