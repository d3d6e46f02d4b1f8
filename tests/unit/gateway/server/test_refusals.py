"""What the gateway answers in place of an upstream, and what clients make of it."""

from dataclasses import replace

import anthropic
import httpx2
import openai
import pytest

from sidecritic.gateway.wire.refusals import HttpError
from tests.gateway import approves, code, gateway, post, refuses
from tests.wire import Json, Reply, chat, failure, messages, text_block, wire_server
from tests.wires.streams import chat_stream, response, spoken

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
CHAT = "v1/chat/completions"


# --- redirects ---------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_while_enforcing_a_redirect_does_not_lead_a_client_past_the_gateway(status: int) -> None:
    with wire_server(chat("past the gateway")) as elsewhere:
        place = {"location": f"{elsewhere.base_url}/chat/completions"}
        moved = Reply(b"{}", status, {"content-type": "application/json", **place})
        with wire_server(moved) as upstream, gateway(upstream.root) as door:
            held = post(door, CHAT, HI)
            with gateway(upstream.root, mode="shadow") as shadow:
                passed = post(shadow, CHAT, HI)
            listed = httpx2.get(f"{door.root}/v1/models", trust_env=False)
    assert (held.status_code, code(held)) == (502, "upstream_unavailable")
    assert "location" not in held.headers
    assert listed.status_code == 502
    assert (passed.status_code, passed.headers["location"]) == (status, place["location"])


# --- refusals that nobody repeats --------------------------------------------------------

UNKNOWN = response({"type": "web_search_call", "id": "ws", "status": "completed"})


@pytest.mark.parametrize("odd", [UNKNOWN, chat("x" * 9_000)])
def test_an_answer_that_may_not_leave_is_asked_for_once(odd: Reply) -> None:
    with (
        wire_server(odd) as upstream,
        gateway(upstream.root, limits={"answer_bytes": 5_000}) as door,
        openai.OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=2) as client,
        pytest.raises(openai.PermissionDeniedError) as refused,
    ):
        client.responses.create(model="m", input="Hi")
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.received) == 1


def test_an_action_that_ends_the_conversation_is_asked_for_once() -> None:
    with (
        wire_server(messages(text_block("deleted"))) as upstream,
        gateway(
            upstream.root,
            critic=refuses("deleted"),
            max_revisions=0,
            on_exhausted={"text": "halt"},
        ) as door,
        anthropic.Anthropic(base_url=door.root, api_key="k", max_retries=2) as client,
        pytest.raises(anthropic.PermissionDeniedError),
    ):
        client.messages.create(model="m", max_tokens=9, messages=[{"role": "user", "content": "a"}])
    assert len(upstream.received) == 1


def test_an_upstream_that_fails_may_be_asked_again() -> None:
    broken = replace(chat_stream(spoken("Hello, this is half")), breaks_off=True)
    with wire_server([broken, Reply(b"no json")]) as upstream, gateway(upstream.root) as door:
        for stream in (True, False):
            failed = post(door, CHAT, {**HI, "stream": stream})
            assert failed.status_code == 502
            assert "x-should-retry" not in failed.headers


def test_a_held_stream_names_its_request() -> None:
    with (
        wire_server(replace(failure(500), hangs=True)) as upstream,
        gateway(
            upstream.root,
            critic=approves(),
            limits={"keep_alive": 0.05},
            upstream={"idle_timeout": 0.3},
        ) as door,
    ):
        held = post(door, CHAT, {**HI, "stream": True})
        assert held.status_code == 200
        assert len(held.headers["x-sidecritic-request"]) == 32
        assert "upstream_unavailable" in held.text


def test_nobody_is_told_to_come_back_too_early() -> None:
    refusal = HttpError(429, "rate_limit_exceeded", "too fast", retry_after=1.4)
    assert dict(refusal.headers)["retry-after"] == "2"
