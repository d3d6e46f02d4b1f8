"""Who may come in, what is refused at the door, what passes unread, and what is held."""

import asyncio
import json
import threading
from hashlib import sha256

import httpx2
import pytest
from openai import AuthenticationError, OpenAI, RateLimitError

from sidecritic.types import Proposal
from tests.gateway import Asked, Running, approves, code, gateway, post, refuses
from tests.wire import Json, as_json, chat, messages, text_block, wire_server
from tests.wires.streams import (
    response,
)

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
SHOP = {"name": "shop", "key_sha256": sha256(b"shop-key-123").hexdigest()}
BANK = {"name": "bank", "key_sha256": sha256(b"bank-key-456").hexdigest(), "concurrency": 1}


# --- keys --------------------------------------------------------------------------------


def test_an_unknown_key_is_refused_and_nothing_goes_upstream() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, clients=[SHOP, BANK]) as door:
        with pytest.raises(AuthenticationError):
            ask(door, "wrong")
        with pytest.raises(AuthenticationError):
            ask(door, "")
        assert upstream.received == []
        assert ask(door, "shop-key-123") == "Hello"
        assert {row["tenant"] for row in door.settled()} == {"shop"}


def ask(door: Running, key: str) -> str:
    with OpenAI(base_url=f"{door.root}/v1", api_key=key or "-", max_retries=0) as client:
        answer = client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Hi"}]
        )
    return answer.choices[0].message.content or ""


@pytest.mark.parametrize(
    ("upstream_settings", "expected"),
    [
        ({}, None),
        ({"key_env": "UPSTREAM_KEY"}, "Bearer sk-upstream-0123456789"),
        ({"forward_client_key": True}, "Bearer shop-key-123"),
    ],
    ids=["neither", "its own", "the client's"],
)
def test_the_upstream_gets_the_clients_key_only_when_so_configured(
    upstream_settings: Json, expected: str | None
) -> None:
    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, clients=[SHOP], upstream=upstream_settings) as door,
    ):
        ask(door, "shop-key-123")
        assert upstream.received[0].headers.get("authorization") == expected


def test_headers_that_are_nobodys_business_stay_here() -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        post(
            door,
            "v1/chat/completions",
            HI,
            cookie="a=b",
            x_forwarded_for="1.2.3.4",
            openai_beta="x",
        )
        received = upstream.received[0].headers
    assert "cookie" not in received
    assert "x-forwarded-for" not in received
    assert received["openai-beta"] == "x"


# --- limits ------------------------------------------------------------------------------


def test_a_body_over_the_limit_is_refused_whether_announced_or_not() -> None:
    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, limits={"body_bytes": 1000}) as door,
        httpx2.Client(trust_env=False) as client,
    ):
        large = json.dumps({**HI, "pad": "x" * 1000}).encode()
        url = f"{door.root}/v1/chat/completions"
        assert client.post(url, content=large).status_code == 413
        pieces = (large[at : at + 100] for at in range(0, len(large), 100))
        assert client.post(url, content=pieces).status_code == 413
        assert upstream.received == []


@pytest.mark.parametrize(
    ("body", "status", "expected"),
    [
        (b'{"a":' + b"[" * 100 + b"]" * 100 + b"}", 400, "too_deep"),
        (b'{"a":' + b"[" * 100_000, 400, "too_deep"),
        (b"[1]", 400, "invalid_json"),
        (b"{", 400, "invalid_json"),
        (b"\xff\xfe", 400, "invalid_json"),
    ],
)
def test_what_is_no_sound_object_is_refused(body: bytes, status: int, expected: str) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root) as door:
        response = post(door, "v1/chat/completions", body)
        assert (response.status_code, code(response)) == (status, expected)
        assert upstream.received == []


def test_each_key_has_its_own_limits_with_429() -> None:
    paced = {**SHOP, "per_minute": 2}
    with wire_server(chat()) as upstream, gateway(upstream.root, clients=[paced, BANK]) as door:
        ask(door, "shop-key-123")
        ask(door, "shop-key-123")
        with pytest.raises(RateLimitError) as refused:
            ask(door, "shop-key-123")
        assert int(refused.value.response.headers["retry-after"]) > 0
        assert ask(door, "bank-key-456") == "Hello"


def test_more_requests_at_a_time_than_a_key_may_have_get_429() -> None:
    begun, release = threading.Event(), threading.Event()

    async def waits(proposal: Proposal) -> None:
        begun.set()
        await asyncio.to_thread(release.wait, 20)

    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, clients=[BANK], critic=Asked(waits)) as door,
    ):
        first = threading.Thread(target=ask, args=(door, "bank-key-456"))
        first.start()
        begun.wait(20)
        with pytest.raises(RateLimitError):
            ask(door, "bank-key-456")
        release.set()
        first.join()
        assert ask(door, "bank-key-456") == "Hello"


def test_a_request_may_not_take_longer_than_the_operator_allows() -> None:
    async def forever(proposal: Proposal) -> None:
        await asyncio.Event().wait()

    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, critic=Asked(forever), limits={"seconds": 0.3}) as door,
    ):
        response = post(door, "v1/chat/completions", HI)
    assert (response.status_code, code(response)) == (504, "timeout")


def test_hidden_round_trips_end_when_the_tokens_of_a_request_are_spent() -> None:
    with (
        wire_server([chat("deleted"), chat("kept")]) as upstream,
        gateway(upstream.root, critic=refuses("deleted"), limits={"tokens": 10}) as door,
    ):
        response = post(door, "v1/chat/completions", HI)
        assert len(upstream.received) == 1
    assert "sorry" in response.json()["choices"][0]["message"]["content"]


# --- paths and shapes --------------------------------------------------------------------


def test_models_and_other_harmless_paths_are_proxied() -> None:
    with (
        wire_server(as_json({"data": [{"id": "m"}]})) as upstream,
        gateway(upstream.root) as door,
    ):
        response = post(door, "v1/embeddings?x=1", {"input": "a"})
        assert response.json() == {"data": [{"id": "m"}]}
        assert upstream.received[0].path == "/v1/embeddings?x=1"


@pytest.mark.parametrize(
    "path", ["v1/completions", "v1/batches", "v1/responses/resp_1/cancel", "v1/messages/batches"]
)
def test_a_path_that_could_carry_an_action_past_the_critic_is_blocked_or_passed_by_setting(
    path: str,
) -> None:
    with wire_server(chat()) as upstream:
        with gateway(upstream.root) as door:
            assert post(door, path, HI).status_code == 404
            assert upstream.received == []
        with gateway(upstream.root, unknown="pass") as door:
            assert post(door, path, HI).status_code == 200
        with gateway(upstream.root, mode="shadow") as door:
            assert post(door, path, HI).status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "v1//chat/completions",
        "v1/../chat/completions",
        "v1/%2e%2e/x",
        "v1/models%2f..",
        "v1/@evil.example/x",
        "v1/models\\x",
    ],
)
def test_paths_that_could_be_read_in_two_ways_are_refused(path: str) -> None:
    with wire_server(chat()) as upstream, gateway(upstream.root, mode="off") as door:
        host, _, port = door.root.removeprefix("http://").partition(":")
        import socket

        with socket.create_connection((host, int(port))) as line:
            line.sendall(f"POST /{path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n".encode())
            assert line.recv(100).split()[1] == b"404"
        assert upstream.received == []


HOSTED: list[tuple[str, Json]] = [
    ("v1/chat/completions", {**HI, "web_search_options": {"a": 1}}),
    ("v1/chat/completions", {**HI, "messages": [{"role": "user", "content": [{"type": "video"}]}]}),
    ("v1/chat/completions", {**HI, "tools": [{"type": "hosted_shell"}]}),
    ("v1/messages", {**HI, "tools": [{"type": "web_search_20250305", "name": "web_search"}]}),
    ("v1/messages", {**HI, "mcp_servers": [{"url": "x"}]}),
    ("v1/responses", {"model": "m", "input": "Hi", "background": True}),
    ("v1/responses", {"model": "m", "input": "Hi", "tools": [{"type": "code_interpreter"}]}),
    ("v1/responses", {"model": "m", "input": "Hi", "conversation": "conv_1"}),
    ("v1/responses", {"model": "m", "input": "Hi", "previous_response_id": "resp_0"}),
]


@pytest.mark.parametrize(("path", "body"), HOSTED)
def test_a_shape_that_cannot_be_supervised_is_blocked_or_passed_by_setting(
    path: str, body: Json
) -> None:
    answers = {"chat": chat(), "messages": messages(text_block("Hi")), "responses": response()}
    kind = path.removeprefix("v1/").split("/")[0]
    with wire_server(answers[kind]) as upstream:
        with gateway(upstream.root) as door:
            refused = post(door, path, body)
            assert refused.status_code == 400
            assert "unknown_shape" in refused.text
            assert upstream.received == []
        with gateway(upstream.root, unknown="pass") as door:
            assert post(door, path, body).status_code == 200
            assert door.settled()[0]["unknown"] != ""


def test_an_answer_of_unknown_shape_is_blocked_or_passed_by_setting() -> None:
    odd = response({"type": "web_search_call", "id": "ws", "status": "completed"})
    body = {"model": "m", "input": "Hi"}
    with wire_server(odd) as upstream:
        with gateway(upstream.root) as door:
            blocked = post(door, "v1/responses", body)
            assert (blocked.status_code, code(blocked)) == (403, "unknown_shape")
        with gateway(upstream.root, unknown="pass", critic=approves()) as door:
            assert post(door, "v1/responses", body).content == odd.body
