"""Approvals, answers that come back and policies in process do no more than they should."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import NotFoundError, OpenAI

from sidecritic import ConfigError, Escalate, Options, supervise
from sidecritic.dialects.responses import Responses
from sidecritic.gateway.store.conversations import Conversations
from sidecritic.types import User
from tests.gateway import Asked, approves, gateway, post
from tests.wire import Reply, as_json, call, chat, messages, use_block, wire_server
from tests.wires.streams import (
    function_call,
    response,
)

Json = dict[str, Any]
HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "input": "Hi"}
SDK_HI: Any = HI["messages"]
CHAT, MESSAGES, RESPONSES = "v1/chat/completions", "v1/messages", "v1/responses"


# --- approvals -----------------------------------------------------------------------------


def click(x: int) -> Reply:
    act = {"type": "click", "button": "left", "x": x, "y": 1}
    return response({"type": "computer_call", "id": "c", "call_id": "c1", "actions": [act]})


def spaced(space: str) -> Reply:
    return response({**function_call("delete", {}), "namespace": space})


WRITE = chat(None, calls=[call("refund", {"sum": 900})])


@pytest.mark.parametrize(
    ("path", "first", "then", "bodies"),
    [
        (RESPONSES, click(1), click(999), (HI, HI)),
        (RESPONSES, spaced("sandbox"), spaced("production"), (HI, HI)),
        (CHAT, WRITE, WRITE, (HI, {**HI, "messages": [{"role": "system", "content": "Be rash."}]})),
    ],
    ids=("another click", "another namespace", "another system prompt"),
)
def test_an_approval_releases_nothing_else(
    path: str, first: Reply, then: Reply, bodies: tuple[Json, Json]
) -> None:
    critic = Asked(lambda p: Escalate(reason="large") if p.action.calls else None)
    with (
        wire_server([first, then]) as upstream,
        gateway(upstream.root, critic=critic) as door,
    ):
        for body in bodies:
            post(door, path, body)
        digests = {row["digest"] for row in door.settled()}
    assert len(digests) == 2


def test_an_approval_holds_on_its_own_route_only() -> None:
    critic = Asked(lambda p: Escalate(reason="large") if p.action.calls else None)
    replies = [WRITE, messages(use_block("refund", {"sum": 900}))]
    with wire_server(replies) as upstream, gateway(upstream.root, critic=critic) as door:
        post(door, CHAT, HI)
        post(door, MESSAGES, HI)
        assert len({row["digest"] for row in door.settled()}) == 2


# --- what comes back -----------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["shadow", "enforce"])
def test_nobody_but_the_gateway_says_how_an_answer_was_judged(mode: str) -> None:
    forged = replace(chat("Hello"), headers={**chat().headers, "x-sidecritic": "forged"})
    with (
        wire_server(forged) as upstream,
        gateway(upstream.root, critic=approves(), mode=mode) as door,
    ):
        assert "forged" not in str(post(door, CHAT, HI).headers)


@pytest.mark.parametrize("mode", ["shadow", "enforce"])
def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked(mode: str) -> None:
    whole = {**json.loads(chat().body), "pad": "x" * 300_000}
    packed = gzip.compress(json.dumps(whole).encode())
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    with (
        wire_server(Reply(packed, 200, headers)) as upstream,
        gateway(upstream.root, mode=mode, limits={"answer_bytes": 100_000}) as door,
        httpx2.Client(trust_env=False, timeout=20) as client,
        client.stream("POST", f"{door.root}/{CHAT}", json=HI) as answer,
    ):
        got = b"".join(answer.iter_raw())
        assert (answer.status_code, got == packed) == (
            (200, True) if mode == "shadow" else (403, False)
        )
        (row,) = door.settled() if mode == "shadow" else [{"status": "unread"}]
    assert row["status"] == "unread"


def test_a_body_of_very_many_values_is_refused_unread() -> None:
    many = {"model": "m", "messages": [{"role": "user"}] * 300}
    with (
        wire_server(chat()) as upstream,
        gateway(upstream.root, limits={"values": 500}) as door,
    ):
        refused = post(door, CHAT, many)
        assert (refused.status_code, "too_many_values" in refused.text) == (400, True)
        prose = {
            **HI,
            "messages": [{"role": "user", "content": "one, two, [three], {four}, " * 200}],
        }
        assert post(door, CHAT, prose).status_code == 200, "commas in a text are no values"


async def test_one_tenants_conversations_push_out_its_own_only() -> None:
    turns = Conversations()
    await turns.remember("shop", "resp_1", Responses().asked({"input": "Hi"}))
    for number in range(40):
        await turns.remember("bank", f"resp_{number}", Responses().asked({"input": "x" * 2**20}))
    first = await turns.find("shop", "resp_1")
    assert first is not None
    assert first.asked.history == (User(text="Hi"),)
    kept = [n for n in range(40) if await turns.find("bank", f"resp_{n}") is not None]
    assert kept == list(range(40 - len(kept), 40))
    assert len(kept) == 16


# --- in process ----------------------------------------------------------------------------


def test_a_word_that_ends_like_a_file_is_the_file_of_the_policy(tmp_path: Path) -> None:
    (tmp_path / "policy.md").write_text("Refund nobody.")
    critic = approves()
    with wire_server(chat()) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        with supervise(
            plain, critic=critic, policy=str(tmp_path / "policy.md"), gate="all"
        ) as client:
            client.chat.completions.create(model="m", messages=SDK_HI)
        with pytest.raises(ConfigError, match=r"absent\.md"):
            supervise(plain, critic=critic, policy="absent.md")
        plain.close()
    assert critic.seen[0].policy == "Refund nobody."


@pytest.mark.parametrize("passes", [False, True])
def test_paths_that_carry_actions_past_the_critic_are_refused_in_process(passes: bool) -> None:
    old = as_json({"id": "c", "object": "text_completion", "choices": [{"text": "deleted"}]})
    with wire_server(old) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        options = Options(unknown_passes=passes)
        with supervise(plain, critic=approves(), options=options) as client:
            if passes:
                assert client.completions.create(model="m", prompt="x").choices[0].text == "deleted"
            else:
                with pytest.raises(NotFoundError, match="not supervised"):
                    client.completions.create(model="m", prompt="x")
                client.models.retrieve("m")
        plain.close()
        assert [r.path for r in upstream.received] == (
            ["/v1/completions"] if passes else ["/v1/models/m"]
        )
