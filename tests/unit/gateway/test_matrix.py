"""Conformance: endpoint × stream × shape × mode, on the wire.

In each cell the critic is asked exactly once for each proposal, and what an approving critic
lets through is, byte for byte, what the upstream sent.
"""

from collections.abc import Generator
from dataclasses import dataclass

import httpx2
import pytest

from tests.gateway import Asked, Running, approves, gateway
from tests.wire import Json, Received, Reply, WireServer, text_block, wire_server
from tests.wires.shapes import CELLS, SHAPES, Shape, cell_name
from tests.wires.streams import messages_stream, sse

EVERY_CELL = pytest.mark.parametrize(("endpoint", "shape", "stream"), CELLS, ids=cell_name)
ENDPOINTS = {endpoint: shapes("Hello") for endpoint, shapes in SHAPES.items()}


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
            **({"n": 2} if shape == "n = 2" else {}),
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
    return shape.reply(stream=received.body["stream"])


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
    return found, found.reply(stream=stream)


@EVERY_CELL
def test_in_shadow_the_bytes_are_the_upstreams_and_the_critic_is_asked_once_per_proposal(
    shadowing: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    expected, reply = sent(endpoint, shape, stream=stream)
    response, body = shadowing.ask(endpoint, shape, stream=stream)
    assert (response.status_code, body) == (reply.status, reply.body)
    assert response.headers["content-type"] == reply.headers["content-type"]
    assert shadowing.asked() == expected.proposals


@EVERY_CELL
def test_off_passes_the_bytes_and_asks_nobody(
    idle: Bench, endpoint: str, shape: str, stream: bool
) -> None:
    _, reply = sent(endpoint, shape, stream=stream)
    response, body = idle.ask(endpoint, shape, stream=stream)
    assert (response.status_code, body) == (reply.status, reply.body)
    assert idle.asked() == 0


@EVERY_CELL
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
