"""Each fault has the effect that its declared failure mode promises, seen on the wire."""

import sqlite3
from dataclasses import replace
from typing import Any

import httpx2
import pytest

from sidecritic.types import Proposal
from tests.gateway import Asked, Running, approves, gateway, refuses
from tests.wire import (
    HANGS,
    Json,
    Reply,
    call,
    chat,
    failure,
    half,
    refusing_url,
    wire_server,
)
from tests.wires.streams import chat_stream, spoken

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
STREAM: Json = {**HI, "stream": True}
WRITE, TEXT = chat(None, calls=[call("refund", {})]), chat("Hello")


def post(door: Running, body: Json = HI) -> httpx2.Response:
    with httpx2.Client(trust_env=False, timeout=20) as client:
        return client.post(f"{door.root}/v1/chat/completions", json=body)


# --- the critic --------------------------------------------------------------------------

CRITIC_FAULTS: dict[str, Reply | None] = {
    "refuses connections": None,
    "hangs": HANGS,
    "answers 429": failure(429, "slow down"),
    "answers half a JSON": half(chat("PASS")),
}
PASSES, HOLDS, HANDS_OVER, HALTS = "pass", "fallback", "escalate", "halt"


@pytest.mark.parametrize("fault", CRITIC_FAULTS)
@pytest.mark.parametrize("answer", [PASSES, HOLDS, HANDS_OVER, HALTS])
@pytest.mark.parametrize("proposal", ["write", "text"])
def test_a_critic_that_fails_does_what_is_declared_for_writes_and_for_text(
    fault: str, answer: str, proposal: str
) -> None:
    other = HALTS if answer != HALTS else PASSES
    answers = {"writes": answer, "text": other}
    if proposal == "text":
        answers = {"writes": other, "text": answer}
    sent = WRITE if proposal == "write" else TEXT
    reply = CRITIC_FAULTS[fault]
    with wire_server(reply or TEXT) as judge, wire_server(sent) as upstream:
        url = judge.base_url if reply else refusing_url()
        with gateway(
            upstream.root,
            critic="llm:openai:judge",
            critic_base_url=url,
            critic_timeout=0.3 if fault == "hangs" else 20,
            on_critic_failure=answers,
        ) as door:
            response = post(door)
            (row,) = door.settled()
    assert row["verdict"] == "none", "a failure is no verdict"
    assert row["status"] == ("timeout" if fault == "hangs" else "error")
    if answer == PASSES:
        assert response.content == sent.body
        assert response.headers["x-sidecritic"] == "unapproved"
        assert (row["fate"], row["approved"]) == ("released", False)
    elif answer == HALTS:
        assert response.status_code == 403
    else:
        said = response.json()["choices"][0]["message"]
        assert ("colleague" if answer == HANDS_OVER else "sorry") in said["content"]
        assert "tool_calls" not in said
        assert row["fate"] == "withheld"


def test_by_default_writes_are_held_and_text_passes_with_a_flag() -> None:
    def breaks(proposal: Proposal) -> None:
        raise RuntimeError("broken")

    with (
        wire_server([WRITE, TEXT]) as upstream,
        gateway(upstream.root, critic=Asked(breaks)) as door,
    ):
        assert "refund" not in post(door).text
        assert post(door).content == TEXT.body


def test_in_shadow_a_critic_that_fails_changes_nothing() -> None:
    def breaks(proposal: Proposal) -> None:
        raise RuntimeError("broken")

    with (
        wire_server(WRITE) as upstream,
        gateway(upstream.root, critic=Asked(breaks), mode="shadow") as door,
    ):
        assert post(door).content == WRITE.body
        assert [r["status"] for r in door.settled()] == ["error"]


# --- the upstream ------------------------------------------------------------------------

BROKEN_STREAM = replace(chat_stream(spoken("Hello, this is half")), breaks_off=True)


@pytest.mark.parametrize("mode", ["enforce", "shadow", "off"])
def test_an_upstream_that_hangs_ends_with_one_error_and_no_question(mode: str) -> None:
    critic = approves()
    with (
        wire_server(HANGS) as upstream,
        gateway(upstream.root, critic=critic, mode=mode, upstream={"idle_timeout": 0.2}) as door,
    ):
        response = post(door)
        assert (response.status_code, response.json()["error"]["code"]) == (
            502,
            "upstream_unavailable",
        )
        door.settled()
    assert critic.seen == []


@pytest.mark.parametrize("mode", ["enforce", "shadow", "off"])
def test_an_upstream_that_is_not_there_ends_with_one_error(mode: str) -> None:
    with gateway(refusing_url().removesuffix("/v1"), mode=mode) as door:
        assert post(door).status_code == 502


@pytest.mark.parametrize("mode", ["shadow", "off"])
def test_a_reset_in_mid_stream_reaches_the_client_as_a_reset(mode: str) -> None:
    critic = approves()
    with (
        wire_server(BROKEN_STREAM) as upstream,
        gateway(upstream.root, critic=critic, mode=mode) as door,
        pytest.raises(httpx2.RemoteProtocolError),
    ):
        post(door, STREAM)
    assert critic.seen == []


def test_while_enforcing_a_reset_in_mid_stream_lets_nothing_through() -> None:
    critic = approves()
    with wire_server(BROKEN_STREAM) as upstream, gateway(upstream.root, critic=critic) as door:
        response = post(door, STREAM)
    assert response.status_code == 502
    assert "Hello" not in response.text
    assert critic.seen == []


def test_an_upstream_that_fails_in_a_hidden_round_trip_passes_its_own_error_on() -> None:
    busy = failure(429, "busy", retry_after="3")
    with (
        wire_server([WRITE, busy]) as upstream,
        gateway(upstream.root, critic=refuses("refund")) as door,
    ):
        response = post(door)
        assert (response.status_code, response.content) == (429, busy.body)
        assert response.headers["retry-after"] == "3"
        assert [r["fate"] for r in door.settled()] == ["withheld"]


def test_an_answer_over_the_limit_is_not_released_unjudged() -> None:
    large = chat("x" * 5000)
    with wire_server(large) as upstream:
        with gateway(upstream.root, limits={"answer_bytes": 1000}) as door:
            assert post(door).status_code == 403
        with gateway(upstream.root, limits={"answer_bytes": 1000}, mode="shadow") as door:
            assert post(door).content == large.body


# --- the database ------------------------------------------------------------------------


@pytest.mark.parametrize(("on_failure", "status"), [("closed", 503), ("open", 200)])
def test_a_full_disk_holds_the_answer_back_or_not_as_declared(on_failure: str, status: int) -> None:
    def fill(connection: Any) -> None:
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    with (
        wire_server(TEXT) as upstream,
        gateway(upstream.root, store={"on_failure": on_failure}) as door,
    ):
        door.on_loop(door.server.store.run(fill))
        codes = [post(door).status_code for _ in range(40)]
    assert codes[0] == 200, "there was a little room left"
    assert codes[-1] == status


@pytest.mark.parametrize(("on_failure", "status"), [("closed", 503), ("open", 200)])
def test_a_locked_database_holds_the_answer_back_or_not_as_declared(
    on_failure: str, status: int
) -> None:
    with (
        wire_server(TEXT) as upstream,
        gateway(upstream.root, store={"on_failure": on_failure, "busy": 0.2}) as door,
    ):
        other = sqlite3.connect(door.folder / "decisions.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        response = post(door)
        ready = httpx2.get(f"{door.root}/healthz", trust_env=False).status_code
        other.rollback()
        assert (response.status_code, ready) == (status, 200)
        assert post(door).status_code == 200, "it recovers by itself"
        other.close()


def test_in_shadow_a_locked_database_changes_nothing() -> None:
    store = {"busy": 0.2}
    with (
        wire_server(TEXT) as upstream,
        gateway(upstream.root, mode="shadow", store=store) as door,
    ):
        other = sqlite3.connect(door.folder / "decisions.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert post(door).content == TEXT.body
        other.rollback()
        other.close()
