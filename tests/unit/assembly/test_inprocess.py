"""`supervise` and `Oversight` with the gateway's names: checked at once, shared by all loops."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from openai import AsyncOpenAI, OpenAI

from sidecritic import (
    ConfigError,
    FunctionCritic,
    Options,
    Oversight,
    PolicyCritic,
    Proposal,
    ToolRule,
    critic_by_name,
    supervise,
)
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.seats.loop_thread import LoopThread
from sidecritic.seats.shared_critic import SharedCritic
from sidecritic.types import Assistant
from tests.gateway import approves
from tests.wire import call, chat, wire_server

USER: Any = [{"role": "user", "content": "Refund B2"}]
REFUND = chat(None, calls=[call("refund", {})])
CAREFUL = chat('{"verdict": "Yes", "confidence": 90}')
PROPOSAL = Proposal(
    task_id="", turn=0, attempt=0, action=Assistant(text="Hi"), history=(), policy="", tools=()
)


def plain(url: str) -> OpenAI:
    return OpenAI(base_url=url, api_key="k", max_retries=0)


def test_one_llm_critic_serves_clients_of_several_threads_and_loops() -> None:
    seen: list[DecisionRecord] = []
    options = Options(on_decision=seen.append)
    with wire_server(REFUND) as actor, wire_server(CAREFUL) as judge:
        critic = critic_by_name("llm:openai:judge", base_url=judge.base_url)
        assert isinstance(critic, SharedCritic)

        def ask() -> None:
            own = plain(actor.base_url)
            with supervise(own, critic=critic, options=options) as client:
                client.chat.completions.create(model="m", messages=USER)

        async def ask_on_a_loop() -> None:
            own = AsyncOpenAI(base_url=actor.base_url, api_key="k", max_retries=0)
            async with supervise(own, critic=critic, options=options) as client:
                await client.chat.completions.create(model="m", messages=USER)

        threads = [Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for _ in range(2):
            asyncio.run(ask_on_a_loop())
        critic.close()
        assert len(judge.received) >= 4
    assert [(d.verdict, d.failure, d.origin.critic) for d in seen] == [
        ("approve", "", "llm:judge")
    ] * 4


def test_whoever_asks_a_shared_critic_judges_on_one_loop() -> None:
    loops: list[object] = []
    closed: list[object] = []

    async def judge(proposal: Proposal) -> None:
        loops.append(asyncio.get_running_loop())

    async def close() -> None:
        closed.append(asyncio.get_running_loop())

    critic = SharedCritic(FunctionCritic(judge), close)
    for _ in range(2):
        asyncio.run(critic.judge(PROPOSAL))
        thread = LoopThread("another")
        assert thread.run(critic.judge(PROPOSAL)).verdict.kind == "approve"
        asyncio.run(critic.warm(PROPOSAL))
        thread.close()
    critic.close()
    critic.close()
    assert len(loops) == 4
    assert closed == loops[:1]
    assert set(loops) == {loops[0]}


async def test_a_verdict_that_nobody_waits_for_any_more_is_given_up() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()
    here = asyncio.get_running_loop()

    async def judge(proposal: Proposal) -> None:
        here.call_soon_threadsafe(begun.set)
        try:
            await asyncio.Event().wait()
        finally:
            here.call_soon_threadsafe(ended.set)

    critic = SharedCritic(FunctionCritic(judge), AsyncExitStack().aclose)
    waiting = asyncio.create_task(critic.judge(PROPOSAL))
    await begun.wait()
    waiting.cancel()
    await asyncio.wait_for(ended.wait(), 10)


def test_clients_that_give_one_name_share_one_critic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    one, two = (Oversight("llm:openai:judge").critic for _ in range(2))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-two")
    assert one is two
    assert Oversight("llm:openai:judge").critic is not one


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a name that is not known": ({"critic": "polcy"}, "unknown critic 'polcy'; did you mean"),
    "a model without a key": ({"critic": "llm:openai:m"}, "no API key for openai"),
    "an ellipsis": ({"critic": ...}, "critic is Ellipsis; give a name"),
    "nothing": ({"critic": None}, "critic is None; give a name"),
    "a class": ({"critic": PolicyCritic}, "critic is the class PolicyCritic; make one"),
    "a function": ({"critic": breakpoint}, "critic is a function; give FunctionCritic"),
    "no policy": ({"policy": 3}, "policy is 3; give prose, or the Path"),
    "no such policy": ({"policy": "absent.md"}, r"cannot read the policy absent\.md"),
    "no such path": ({"policy": Path("absent")}, "cannot read the policy absent"),
    "tools of no form": ({"tools": 3}, "tools is 3; write"),
    "no such file of tools": ({"tools": "absent.json"}, r"cannot read tools absent\.json"),
    "an unknown effect": ({"tools": {"get": "red"}}, "tools: 'get': effect"),
    "names without effects": ({"tools": ["get"]}, "tools: 'get': "),
    "a gate that is not known": ({"gate": "al"}, "gate"),
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("where", ["supervise", "Oversight"])
def test_what_cannot_be_used_is_said_at_once(
    wrong: str, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    given, problem = WRONG[wrong]
    with plain("http://127.0.0.1:9") as client:

        def supervised(**more: Any) -> Any:
            return supervise(client, **more)

        make: Any = supervised if where == "supervise" else Oversight
        with pytest.raises(ConfigError, match=problem):
            make(**{"critic": "none", **given})


def test_policy_and_tools_mean_the_same_for_a_client_and_for_an_agent(tmp_path: Path) -> None:
    file = tmp_path / "policy.md"
    file.write_text("Refund nobody.")
    rules = (ToolRule(match="get_*", effect="read"), ToolRule(match="refund", effect="write"))
    listed = tmp_path / "tools.json"
    tools = [{"name": "get_order", "effect": "read"}, {"name": "refund"}, {"name": "x"}]
    listed.write_text(json.dumps([{"type": "function", **tool} for tool in tools]))
    forms: list[Any] = [{"get_*": "read", "refund": "write"}, rules, [*rules], listed, str(listed)]
    offered: Any = [{"type": "function", "function": {"name": "get_order"}}]
    for tools in forms:
        made = Oversight("none", file, tools=tools)
        of_file = (ToolRule(match="get_order", effect="read"),)
        assert made.policy == "Refund nobody."
        assert made.tools == (rules if tools not in (listed, str(listed)) else of_file)
        assert replace(made, gate="all").tools == made.tools
        critic = approves()
        with wire_server(chat(None, calls=[call("get_order", {})])) as actor:
            own = plain(actor.base_url)
            with supervise(own, critic=critic, policy=file, tools=tools, gate="all") as client:
                client.chat.completions.create(model="m", messages=USER, tools=offered)
        assert [tool.effect for tool in critic.seen[0].tools] == ["read"]
        assert critic.seen[0].policy == "Refund nobody."
