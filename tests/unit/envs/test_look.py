"""Look-ups of a critic never write, and nobody else notices them."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import log

import pytest
from pydantic import JsonValue

from sidecritic.critics.llm import LLMCritic
from sidecritic.envs.shop import Shop
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.episode import briefing_for, run_episode
from sidecritic.models.scripted import FunctionModel
from sidecritic.ports import Benchmark, Environment
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Judged, env_view
from sidecritic.types import (
    UNVERIFIED,
    Assistant,
    Completion,
    Request,
    TokenLogprob,
    ToolCall,
    ToolResult,
)
from tests.parties import EchoWorld, conversation

ENVS = ("tau2:retail", "tau2:airline", "tau2:telecom", "tau2:mock", "shop")
GOODBYE = FunctionModel(lambda _: "That is done. Anything else?", name="actor")
Arguments = dict[str, JsonValue]


@dataclass
class Silent:
    """A user that remembers what it heard and ends the conversation at the second word."""

    heard: list[Request] = field(default_factory=list[Request])
    name: str = "user"
    simulated: bool = True

    async def complete(self, request: Request) -> Completion:
        self.heard.append(request)
        said = "Hello, please help me." if len(self.heard) == 1 else "Thanks. ###STOP###"
        return Completion(message=Assistant(text=said), finish="stop", model=self.name)


def benchmark(env: str) -> Benchmark:
    return Shop() if env == "shop" else Tau2(env.removeprefix("tau2:"))


def split(env: str) -> str:
    return "base" if env == "tau2:mock" else "test"


def real_arguments(env: str) -> Mapping[str, Arguments]:
    """Return arguments with which tools do run, from the references of the tasks."""
    found: dict[str, Arguments] = {}
    chosen = benchmark(env)
    if isinstance(chosen, Tau2):
        for task in chosen.tasks(split(env)):
            for action in chosen.case(task).gold.reference:
                if action.ok:
                    found.setdefault(action.name, action.arguments)
    return found


async def opened(env: str, user: Silent) -> Environment:
    chosen = benchmark(env)
    environment = chosen.environment(chosen.tasks(split(env))[0], user)
    await environment.start()
    return environment


def attempts(environment: Environment, known: Mapping[str, Arguments]) -> Iterator[ToolCall]:
    """Yield every call that might write: each tool not declared read, without and with sense."""
    for tool in environment.tools:
        if tool.effect != "read":
            for arguments in ({}, known.get(tool.name, {})):
                yield ToolCall(id="w", name=tool.name, arguments=arguments, raw="")
    for name in ("drop_tables", "", "__class__", "execute", "get_order_details\x00"):
        yield ToolCall(id="w", name=name, arguments={}, raw="")


@pytest.mark.parametrize("env", ENVS)
async def test_no_look_up_writes_and_nobody_sees_that_one_was_tried(env: str) -> None:
    user = Silent()
    environment = await opened(env, user)
    before, heard = await environment.outcome(), len(user.heard)
    look = environment.snapshot().look(1000)
    tried = list(attempts(environment, real_arguments(env)))
    for call in tried:
        result = await look.call(call.name, call.arguments or {})
        assert result.is_error, call.name
        assert "not a tool that only reads" in result.text
    for tool in environment.tools:
        if tool.effect == "read":
            # Without arguments most reads fail; what is asked is who notices.
            await look.call(tool.name, {})
    assert any(known in [c.name for c in tried] for known in _writes(environment))
    assert await environment.outcome() == before
    assert len(user.heard) == heard


@pytest.mark.parametrize("env", ENVS)
async def test_an_llm_critic_that_wants_to_write_leaves_no_trace(env: str) -> None:
    known = real_arguments(env)

    async def played(lookups: int) -> tuple[list[Event], Silent]:
        user, events = Silent(), list[Event]()
        chosen = benchmark(env)
        environment = chosen.environment(chosen.tasks(split(env))[0], user)
        wanted = [c for c in attempts(environment, known) if c.name]
        wanted += [ToolCall(id="r", name=t.name, arguments={}, raw="") for t in environment.tools]
        critic = LLMCritic(_wants(wanted if lookups else []), lookups=lookups)
        supervisor = Supervisor(GOODBYE, critic, gate="all")
        await run_episode(environment, supervisor, events, task_id="t")
        return events, user

    (with_looks, their_user), (without, other_user) = await played(500), await played(0)
    assert env_view(with_looks) == env_view(without)
    assert with_looks[-1] == without[-1], "the grade"
    assert their_user.heard == other_user.heard
    (judged,) = {e.judgement.rationale for e in with_looks if isinstance(e, Judged)}
    assert "drop_tables({}) was not made" in judged


class Breaks(EchoWorld):
    """A world whose reads raise, as a tool with a bug does."""

    def execute(self, call: ToolCall) -> ToolResult:
        raise KeyError("a bug in a tool")

    def fork(self) -> "Breaks":
        return Breaks()


async def test_a_read_that_raises_is_an_error_result_and_changes_nothing() -> None:
    environment = conversation(Breaks())
    await environment.start()
    before = await environment.outcome()
    result = await environment.snapshot().look(3).call("get", {})
    assert result.is_error
    assert "a bug in a tool" in result.text
    assert await environment.outcome() == before


class Down:
    async def call(self, name: str, arguments: Arguments) -> ToolResult:
        raise ConnectionError("records are down")


async def test_a_look_that_raises_does_not_take_the_verdict_along() -> None:
    critic = LLMCritic(_wants([ToolCall(id="r", name="get", arguments={}, raw="")]), lookups=1)
    supervisor = Supervisor(GOODBYE, critic, gate="all")
    events: list[Event] = []
    await supervisor.decide(0, events, briefing_for(conversation()), look=Down)
    judged = next(event.judgement for event in events if isinstance(event, Judged))
    assert judged.category == UNVERIFIED, "the actor may have more luck"
    assert "records are down" in judged.rationale


def _writes(environment: Environment) -> list[str]:
    return [tool.name for tool in environment.tools if tool.effect != "read"]


def _wants(calls: list[ToolCall]) -> FunctionModel:
    """Return a critic model that wants all of these looked up, and then approves."""
    wanted = [{"fact": "all", "tool": c.name, "arguments": json.dumps(c.arguments)} for c in calls]

    def answer(request: Request) -> Completion:
        if request.sampling.max_tokens != 1:
            said = Assistant(text=json.dumps({"lookups": wanted}))
            return Completion(message=said, finish="stop", model="m")
        look = 0.1 if '"looked_up"' in request.messages[-1].text else 0.8
        top = {"Yes": log(0.9 - look), "No": log(0.1), "Look": log(look)}
        token = TokenLogprob(token="Yes", logprob=log(0.9 - look), top=top)
        said = Assistant(text="Yes")
        return Completion(message=said, finish="length", model="m", logprobs=(token,))

    return FunctionModel(answer, name="m")
