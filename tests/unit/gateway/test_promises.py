"""What the gateway promises beside judging: budgets, stored answers, records, history, headers."""

import asyncio
import io
import json
import logging
import sqlite3
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any

import httpx2
import pytest
from openai import AsyncOpenAI, OpenAI
from sqlalchemy import insert

from sidecritic import ConfigError, supervise
from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.dialects.parts import call_of
from sidecritic.gateway.modes import mode_of
from sidecritic.gateway.settings import RouteSettings, ToolRule
from sidecritic.gateway.store.database import open_engine
from sidecritic.gateway.store.queries import StoreQueries
from sidecritic.gateway.store.reviews import ReviewCase
from sidecritic.gateway.store.tables import CASES
from sidecritic.gateway.telemetry.logs import log_to
from sidecritic.redaction import redactor_of
from sidecritic.types import (
    Assistant,
    Judgement,
    Proposal,
    Replace,
    Revise,
    Usage,
)
from tests.gateway import Asked, Running, approves, gateway, post, refuses, settings_for
from tests.wire import Json, Received, Reply, as_json, call, chat, completion, wire_server
from tests.wires.streams import function_call, output_text, response

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "Refund B2"}]}
ITEM: Json = {"model": "m", "input": "Refund B2"}
CHAT, RESPONSES = "v1/chat/completions", "v1/responses"


def said(content: str) -> Json:
    return {"index": 0, "message": {"role": "assistant", "content": content}} | (
        {"finish_reason": "stop"}
    )


# --- the token budget ----------------------------------------------------------------------


def silent(*texts: str) -> Reply:
    """Return an answer that states no usage."""
    whole = json.loads(completion([said(t) | {"index": n} for n, t in enumerate(texts)]).body)
    return as_json({k: v for k, v in whole.items() if k != "usage"})


def test_an_answer_without_usage_counts_by_its_length() -> None:
    with (
        wire_server(silent("never " * 100)) as upstream,
        gateway(upstream.root, critic=refuses("never"), limits={"tokens": 100}) as door,
    ):
        answer = post(door, CHAT, HI)
        assert answer.headers["x-sidecritic"] == "fallback"
        assert len(upstream.received) == 1, "no further draft was asked for"


def test_the_critics_tokens_count_too() -> None:
    class Costly(Asked):
        async def judge(self, proposal: Proposal) -> Judgement:
            usage = Usage(input_tokens=500, output_tokens=1)
            return Judgement(verdict=Revise(feedback="No."), critic="costly", usage=usage)

    with (
        wire_server(chat("never")) as upstream,
        gateway(
            upstream.root, critic=Costly(lambda proposal: None), limits={"tokens": 400}
        ) as door,
    ):
        assert post(door, CHAT, HI).headers["x-sidecritic"] == "fallback"
        assert len(upstream.received) == 1


def test_all_choices_of_an_answer_share_one_budget() -> None:
    """Each choice asks again until all of them together have used the tokens."""
    usage = {"prompt_tokens": 50, "completion_tokens": 10, "total_tokens": 60}
    two = json.loads(completion([said("never"), {**said("never"), "index": 1}]).body)
    with (
        wire_server(as_json({**two, "usage": usage})) as upstream,
        gateway(
            upstream.root, critic=refuses("never"), limits={"tokens": 100}, max_revisions=9
        ) as door,
    ):
        post(door, CHAT, {**HI, "n": 2})
        # 60 for the first answer, 60 for each further one: the third finds nothing left.
        assert len(upstream.received) == 3


# --- going on from what the supervisor said ------------------------------------------------


def test_a_client_goes_on_from_a_fallback_by_its_id() -> None:
    answers = [response(function_call("never", {}), id=f"resp_{n}") for n in range(4)]
    answers.append(response(output_text("All right."), id="resp_end"))
    with (
        wire_server(answers) as upstream,
        gateway(upstream.root, critic=refuses("never"), max_revisions=3) as door,
    ):
        first = post(door, RESPONSES, {**ITEM, "previous_response_id": ""}).json()
        assert first["id"] == "resp_0_held"
        text = first["output"][0]["content"][0]["text"]
        further = {"model": "m", "input": "And now?", "previous_response_id": first["id"]}
        second = post(door, RESPONSES, further)
        assert (second.status_code, second.json()["id"]) == (200, "resp_end")
        told = upstream.received[-1].body
    assert "previous_response_id" not in told
    assert [item["role"] for item in told["input"]] == ["user", "assistant", "user"]
    assert told["input"][1]["content"][0]["text"] == text
    assert not any("id" in item for item in told["input"])
    assert "never" not in json.dumps(told)


def test_what_lay_before_a_replaced_answer_is_still_gone_on_from_by_its_own_id() -> None:
    def judge(proposal: Proposal) -> Replace | None:
        if not any(c.name == "delete" for c in proposal.action.calls):
            return None
        return Replace(
            reason="better", action=Assistant(calls=(call_of("c9", "shop.refund", "{}"),))
        )

    answers = [
        response(output_text("Hello"), id="resp_1"),
        response(function_call("delete", {}), id="resp_2"),
        response(output_text("Done."), id="resp_3"),
    ]
    critic = Asked(judge)
    with wire_server(answers) as upstream, gateway(upstream.root, critic=critic) as door:
        post(door, RESPONSES, ITEM)
        second = {"model": "m", "input": "Refund it", "previous_response_id": "resp_1"}
        held = post(door, RESPONSES, second).json()
        call_id = held["output"][0]["call_id"]
        result = {"type": "function_call_output", "call_id": call_id, "output": "refunded"}
        third = {"model": "m", "input": [result], "previous_response_id": held["id"]}
        assert post(door, RESPONSES, third).status_code == 200
        told = upstream.received[-1].body
    assert told["previous_response_id"] == "resp_1"
    assert [item.get("type", "message") for item in told["input"]] == [
        "message",
        "function_call",
        "function_call_output",
    ]
    assert [m.role for m in critic.seen[-1].history] == ["user", "assistant"] * 2 + ["tool"]


@pytest.mark.parametrize(
    "kept",
    [
        {"previous_response_id": "resp_1"},
        {"conversation": "conv_1"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
        {"input": [{"id": "msg_1"}]},
    ],
    ids=["answer", "conversation", "reference", "bare reference"],
)
@pytest.mark.parametrize("mode", ["off", "shadow", "enforce"])
def test_tenants_of_one_key_reach_nothing_that_the_provider_keeps(mode: str, kept: Json) -> None:
    clients = [{"name": n, "key_sha256": sha256(n.encode()).hexdigest()} for n in ("shop", "bank")]
    with (
        wire_server(response(output_text("of the shop"))) as upstream,
        gateway(
            upstream.root, mode=mode, unknown="pass", clients=clients, critic=approves()
        ) as door,
    ):
        got = post(door, RESPONSES, {**ITEM, **kept}, authorization="Bearer bank")
        assert (got.status_code, "of the shop" in got.text) == (404, False)
        assert not upstream.received
        assert post(door, RESPONSES, ITEM, authorization="Bearer bank").status_code == 200


# --- what has no answer has a record -------------------------------------------------------


def test_a_draft_whose_client_leaves_has_a_record() -> None:
    judging = Event()

    async def slow(proposal: Proposal) -> None:
        judging.set()
        await asyncio.sleep(30)

    with (
        wire_server(chat(None, calls=[call("refund", {})])) as upstream,
        gateway(upstream.root, critic=Asked(slow), critic_timeout=60) as door,
    ):
        leave_when(door, judging)
        (row,) = settled_rows(door)
    assert (row["fate"], row["verdict"], row["status"]) == ("withheld", "none", "abandoned")
    assert (row["tools"], row["link"], row["source"]) == ("refund", "", "")


def test_a_draft_that_was_refused_before_its_client_left_says_so() -> None:
    asked = Event()

    def answer(received: Received) -> Reply:
        if len(received.body["messages"]) == 1:
            return chat(None, calls=[call("delete", {})])
        asked.set()
        return Reply(b"", hangs=True)

    with wire_server(answer) as upstream, gateway(upstream.root, critic=refuses("delete")) as door:
        leave_when(door, asked)
        (row,) = settled_rows(door)
    assert (row["fate"], row["verdict"], row["status"]) == ("withheld", "revise", "ok")


def leave_when(door: Running, happened: Event) -> None:
    async def main() -> None:
        async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
            asking = asyncio.create_task(client.post(f"{door.root}/{CHAT}", json=HI))
            assert await asyncio.to_thread(happened.wait, 20)
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    asyncio.run(main())


def settled_rows(door: Running) -> list[dict[str, Any]]:
    until = time.monotonic() + 10
    while not door.rows() and time.monotonic() < until:
        door.on_loop(asyncio.sleep(0.02))
    return door.settled()


# --- what is released ----------------------------------------------------------------------


@pytest.mark.parametrize("critic", [approves(), refuses("wrong")], ids=["approved", "fallback"])
def test_a_decided_answer_is_kept_by_no_cache(critic: Asked) -> None:
    headers = {"cache-control": "public, max-age=99", "etag": '"1"', "x-request-id": "r1"}
    body = chat("wrong")
    cached = Reply(body.body, headers={**body.headers, **headers})
    with wire_server(cached) as upstream, gateway(upstream.root, critic=critic) as door:
        answer = post(door, CHAT, HI)
    assert answer.headers["cache-control"] == "private, no-store"
    assert "etag" not in answer.headers
    assert answer.headers["x-request-id"] == "r1"


def test_a_client_that_offers_functions_only_gets_a_function_call() -> None:
    def judge(proposal: Proposal) -> Replace:
        return Replace(reason="better", action=Assistant(calls=(call_of("c9", "refund", "{}"),)))

    functions = [{"name": "refund", "parameters": {"type": "object"}}]
    with (
        wire_server(chat("Hello")) as upstream,
        gateway(upstream.root, critic=Asked(judge)) as door,
    ):
        choice = post(door, CHAT, {**HI, "functions": functions}).json()["choices"][0]
    assert choice["message"]["function_call"]["name"] == "refund"
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"


@pytest.mark.parametrize(("gate", "mode"), [("all", "enforce"), ("writes+final", "off")])
def test_words_beside_a_call_that_is_off_are_judged_where_all_words_are(
    gate: Any, mode: str
) -> None:
    settings = RouteSettings(
        upstream="x", mode="enforce", gate=gate, tools=(ToolRule(match="look", mode="off"),)
    )
    look = call_of("c1", "look", "{}")
    assert mode_of(Assistant(calls=(look,), text="You get your money back."), settings) == mode
    assert mode_of(Assistant(calls=(look,)), settings) == "off"


# --- operations ----------------------------------------------------------------------------


def test_a_server_that_can_read_and_not_write_is_not_ready() -> None:
    store = {"busy": 0.2}
    with wire_server(chat()) as upstream, gateway(upstream.root, store=store) as door:
        other = sqlite3.connect(door.folder / "decisions.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")  # readers go on, writers wait in vain
        with httpx2.Client(trust_env=False, timeout=20) as client:
            assert client.get(f"{door.root}/readyz").status_code == 503
            other.rollback()
            other.close()
            assert client.get(f"{door.root}/readyz").status_code == 200
            assert client.get(f"{door.root}/readyz").status_code == 200


async def test_connections_outlive_a_reload_that_leaves_their_server_as_it_is(
    tmp_path: Path,
) -> None:
    maker = GatewayMaker(tmp_path, {})
    first = maker.setup(settings_for("http://127.0.0.1:9", tmp_path))
    same = maker.setup(settings_for("http://127.0.0.1:9", tmp_path, max_revisions=1))
    other = maker.setup(settings_for("http://127.0.0.1:8", tmp_path))
    assert [r.upstream for r in same.routes] == [r.upstream for r in first.routes]
    assert same.routes[0].upstream is first.routes[0].upstream
    assert other.routes[0].upstream is not first.routes[0].upstream
    await maker.aclose()


def test_every_line_of_the_log_is_an_object_and_others_say_nothing_that_was_said() -> None:
    root, stream = logging.getLogger(), io.BytesIO()
    kept, level = root.handlers[:], root.level
    try:
        sink = log_to(stream.write)
        logging.getLogger("sidecritic.gateway").info("request", extra={"status": 200})
        logging.getLogger("sqlalchemy.pool").warning("failed for %s", "sk-canary-0123456789")
        logging.getLogger("asyncio").error("task failed\ntask: sk-canary-0123456789")
        sink.close()
    finally:
        root.handlers[:] = kept
        root.setLevel(level)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["logger"] for line in lines] == [
        "sidecritic.gateway",
        "sqlalchemy.pool",
        "asyncio",
    ]
    assert b"canary" not in stream.getvalue()


def test_what_a_reviewer_says_is_kept_without_what_no_database_holds(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'd.db'}", pooled=False)
    desk = StoreQueries(engine, redactor_of(()))
    case = ReviewCase(
        id="c",
        decision="d",
        digest="x",
        tenant="t",
        route="r",
        tools="",
        reason="",
        at=1,
        expires=9,
    )

    with engine.begin() as connection:
        connection.execute(insert(CASES), [case.model_dump()])
    ruled = desk.rule("c", approve=False, feedback="No\0t this", by="An\0n", now=2)
    assert (ruled["feedback"], ruled["reviewer"]) == ("No\ufffdt this", "An\ufffdn")


# --- in process ----------------------------------------------------------------------------


def counted(seen: list[str]) -> Callable[[httpx2.Request], None]:
    return lambda request: seen.append(request.headers["x-proxy-token"])


def test_a_supervised_client_sends_through_its_own_http_client() -> None:
    seen: list[str] = []
    own = httpx2.Client(
        headers={"x-proxy-token": "t"}, event_hooks={"request": [counted(seen)]}, trust_env=False
    )
    answers = [chat("never"), chat("Yes."), as_json({"data": []})]
    with wire_server(answers) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0, http_client=own)
        with supervise(plain, critic=refuses("never"), gate="all") as client:
            got = client.chat.completions.create(model="m", messages=HI["messages"])
            client.models.list()
        assert got.choices[0].message.content == "Yes."
        assert [r.headers["x-proxy-token"] for r in upstream.received] == ["t", "t", "t"]
    assert seen == ["t", "t", "t"], "hidden round trips and passed requests as well"
    assert own.is_closed


async def test_an_async_client_sends_through_its_own_http_client_too() -> None:
    seen: list[str] = []

    async def hook(request: httpx2.Request) -> None:
        seen.append(request.headers["x-proxy-token"])

    own = httpx2.AsyncClient(
        headers={"x-proxy-token": "t"}, event_hooks={"request": [hook]}, trust_env=False
    )
    with wire_server([chat("never"), chat("Yes.")]) as upstream:
        plain = AsyncOpenAI(base_url=upstream.base_url, api_key="k", max_retries=0, http_client=own)
        async with supervise(plain, critic=refuses("never"), gate="all") as client:
            await client.chat.completions.create(model="m", messages=HI["messages"])
    assert seen == ["t", "t"]


def test_the_name_of_a_policy_file_may_hold_blanks(tmp_path: Path) -> None:
    (file := tmp_path / "my policy.md").write_text("Be kind.")
    critic = approves()
    with wire_server(chat("Yes.")) as upstream:
        plain = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        with supervise(plain, critic=critic, policy=str(file), gate="all") as client:
            client.chat.completions.create(model="m", messages=HI["messages"])
        assert critic.seen[0].policy == "Be kind."
        with pytest.raises(ConfigError, match=r"no such policy\.md"):
            supervise(plain, critic=critic, policy="no such policy.md")
