"""A critic that fails says why and where: in the log, the row, a metric and `on_decision`."""

import logging
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openai import OpenAI

from sidecritic import Case, LLMCritic, Objection, Pack, PolicyCritic, call_check
from sidecritic.assembly.gateway import GatewayMaker
from sidecritic.critics.base import FunctionCritic
from sidecritic.gateway.inprocess.supervise import Options, supervise
from sidecritic.gateway.server.probe import probe_critics
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.models.openai import OpenAIChat
from sidecritic.types import Proposal
from tests.gateway import Asked, gateway, post, settings_for
from tests.wire import HANGS, Json, call, chat, failure, refusing_url, wire_server

HI: Json = {"model": "m", "messages": [{"role": "user", "content": "my secret word"}]}
SURE = chat('{"verdict": "Yes", "confidence": 90}')
WRITE = chat(None, calls=[call("refund", {})])
CHAT = "v1/chat/completions"


def breaks(proposal: Proposal) -> None:
    raise KeyError("my secret word")


FAULTS: dict[str, tuple[Any, str, str]] = {
    "is not there": (None, "unavailable", "connection failed"),
    "hangs": (HANGS, "timeout", "no verdict within"),
    "answers 401": (failure(401, "my secret word"), "rejected", "HTTP 401"),
    "answers 500": (failure(500), "unavailable", "HTTP 500"),
    "says nothing": (chat("perhaps"), "unreadable", "gave no verdict"),
    "breaks": (Asked(breaks), "exception", "critic 'asked': KeyError at test_failures.py:"),
}


@pytest.mark.parametrize("mode", ["enforce", "shadow"])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_critic_that_fails_says_why_and_where(
    fault: str, mode: str, caplog: pytest.LogCaptureFixture
) -> None:
    given, reason, place = FAULTS[fault]
    critic: Json = {"critic": given}
    reply = WRITE if given is None or isinstance(given, Asked) else given
    with wire_server(WRITE) as upstream, wire_server(reply) as judge:
        if not isinstance(given, Asked):
            url = judge.base_url if given else refusing_url()
            limit = 0.3 if given is HANGS else 20
            critic = {"critic_base_url": url, "critic_timeout": limit}
            critic["critic"] = "llm:openai:judge"
        caplog.set_level(logging.WARNING, "sidecritic.gateway")
        with gateway(upstream.root, mode=mode, **critic) as door:
            told = post(door, CHAT, HI).headers.get("x-sidecritic-failure", "")
            (row,) = door.settled()
            metrics = httpx2.get(f"{door.root}/metrics", trust_env=False).text
    assert row["category"].startswith(f"{reason}: ")
    assert place in row["category"]
    assert "secret word" not in row["category"]
    who = "asked" if isinstance(given, Asked) else "llm:judge"
    assert told.startswith(f"{reason}: {who}") if mode == "enforce" else told == ""
    assert "http" not in told, "addresses of the operator's servers are not for clients"
    said = [r.__dict__["what"] for r in caplog.records if r.message.startswith("critic failed: ")]
    assert said == [row["category"]]
    counted = f'sidecritic_critic_failures_total{{reason="{reason}",route="openai"}} 1.0'
    assert counted in metrics


def test_in_process_each_decision_says_why_its_critic_failed() -> None:
    seen: list[DecisionRecord] = []
    with wire_server(WRITE) as upstream:
        own = OpenAI(base_url=upstream.base_url, api_key="k", max_retries=0)
        options = Options(on_decision=seen.append)
        with supervise(own, critic=FunctionCritic(breaks, name="mine"), options=options) as client:
            client.chat.completions.create(model="m", messages=HI["messages"])
    (decision,) = seen
    assert decision.failure == "exception"
    assert re.fullmatch(
        r"exception: critic 'mine': KeyError at test_failures\.py:\d+", decision.category
    )


async def test_critics_are_tried_before_a_client_waits_for_them(tmp_path: Path) -> None:
    with wire_server(failure(401)) as judge:
        given = {"critic": "llm:openai:judge", "critic_base_url": judge.base_url}
        maker = GatewayMaker(tmp_path, {})
        setup = maker.setup(settings_for("http://127.0.0.1:9", tmp_path, **given))
        lines = [line async for line in probe_critics(setup)]
        answers = replace(
            setup.routes[0], critic=FunctionCritic(lambda proposal: None, name="mine")
        )
        none = maker.setup(settings_for("http://127.0.0.1:9", tmp_path, mode="shadow")).routes[0]
        lines += [line async for line in probe_critics(replace(setup, routes=(answers, none)))]
        await maker.aclose()
    failed = "warning: route {}: critic llm:judge does not answer: rejected: critic 'llm:judge'"
    assert lines[0].startswith(failed.format("openai"))
    assert "HTTP 401" in lines[0]
    assert lines[1].startswith(failed.format("anthropic"))
    assert lines[2:] == ["route openai: critic mine answers (ok, 0.00 s)"]


def test_a_check_that_fails_as_evidence_of_an_llm_critic_is_named_too() -> None:
    with wire_server(WRITE) as upstream, wire_server(SURE) as judge:
        model = OpenAIChat("judge", base_url=judge.base_url, api_key="k")
        critic = LLMCritic(model, evidence=Pack.of("p", odd))
        with gateway(upstream.root, critic=critic) as door:
            post(door, CHAT, HI)
            (row,) = door.settled()
            door.on_loop(model.aclose())
    assert (row["verdict"], row["status"]) == ("approve", "ok")
    assert row["broken"].startswith("odd: KeyError at test_failures.py:")


@call_check("odd", policy="Never.", risk=0.9)
def odd(case: Case) -> Objection | None:
    raise KeyError("my secret word")


def test_a_check_that_fails_is_named_with_its_place_and_costs_no_other(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.WARNING, "sidecritic.gateway")
    critic = PolicyCritic(Pack.of("p", odd))
    with wire_server(WRITE) as upstream, gateway(upstream.root, critic=critic) as door:
        answer = post(door, CHAT, HI)
        (row,) = door.settled()
        metrics = httpx2.get(f"{door.root}/metrics", trust_env=False).text
    assert (row["verdict"], row["status"], row["category"]) == ("approve", "ok", "")
    assert re.fullmatch(r"odd: KeyError at test_failures\.py:\d+", row["broken"])
    assert answer.headers["x-sidecritic-failure"] == row["broken"]
    assert f"check failed: {row['broken']}" in [r.message for r in caplog.records]
    place = row["broken"].removeprefix("odd: ")
    labels = f'check="odd",error="{place}",route="openai"'
    assert f"sidecritic_check_failures_total{{{labels}}} 1.0" in metrics
    assert "secret word" not in caplog.text
