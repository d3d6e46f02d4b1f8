"""What a verdict of a local LLM critic costs, and what of it remains visible beside the actor.

    python -m benchmarks.warmup [--json] [--repeats N] [--clock cpu]

A real llama.cpp server (SmolLM2-135M, Q4_0, one thread) judges a write at the end of a trajectory
of about 3,000 tokens, policy and tools included: cold, after its prefix was read ahead, and in an
episode whose actor takes 2 s per turn, driven by the `Supervisor`. The actor is a script, so this
says nothing about verdicts. Seconds of a shared machine vary; their ratio counts.

On a machine that others keep busy, 2 s of an actor are little time for the server. With
`--clock cpu` every second is one of its own CPU time, as on a core that it has for itself; an
actor's turn also ends when the server has nothing left to read.

Whether anything is read twice shows in the CPU time of the server: all of an episode, warm-ups and
verdict, takes little more than the cold verdict alone.
"""

import argparse
import asyncio
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from benchmarks.llama_server import MODEL, Server, llama_server
from sidecritic.critics.llm import LLMCritic, Wire
from sidecritic.critics.prompt import prompt_of, verdict_chat
from sidecritic.envs.shop import Shop
from sidecritic.models.openai import OpenAIChat
from sidecritic.models.scripted import FunctionModel
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Observed, Proposed, actor_view
from sidecritic.types import (
    Assistant,
    Briefing,
    Judgement,
    Message,
    Observation,
    Proposal,
    Request,
    Sampling,
    ToolCall,
    ToolResult,
    User,
)

ACTOR_S = 2.0
IDLE_S = 0.5
"""A server that computes nothing for so long has nothing to do."""
ORDERS = 13
TOUCHED = 3400
"""Tokens, some more than a prompt has."""
TARGET = 0.15


class WallClock:
    def now(self) -> float:
        return perf_counter()

    async def pass_by(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(frozen=True)
class CpuClock:
    """Time as the server lives it: seconds that it has computed."""

    server: Server

    def now(self) -> float:
        return self.server.cpu_s()

    async def pass_by(self, seconds: float) -> None:
        end, before = self.now() + seconds, -1.0
        while before < self.now() < end:
            before = self.now()
            await asyncio.sleep(IDLE_S)


@dataclass
class Script:
    """An actor that takes its time: looks up one order after the other, then refunds the last."""

    actions: Sequence[Assistant]
    clock: WallClock | CpuClock
    answered: float = 0.0
    """When the last answer was given."""

    async def act(self, request: Request) -> Assistant:
        done = sum(isinstance(message, Assistant) for message in request.messages)
        await self.clock.pass_by(ACTOR_S)
        self.answered = self.clock.now()
        return self.actions[done]


@dataclass(frozen=True)
class Noting:
    """The critic itself; its judgements are kept."""

    critic: LLMCritic
    seen: list[Judgement] = field(default_factory=list[Judgement])
    name: str = "llm"

    async def warm(self, proposal: Proposal) -> None:
        await self.critic.warm(proposal)

    async def judge(self, proposal: Proposal) -> Judgement:
        self.seen.append(await self.critic.judge(proposal))
        return self.seen[-1]


def call(name: str, order: int) -> Assistant:
    arguments: dict[str, Any] = {"order_id": f"#W{order}"}
    made = ToolCall(id=f"{name}_{order}", name=name, arguments=arguments, raw="")
    return Assistant(calls=(made,))


def order(number: int) -> str:
    item = {
        "name": "Backpack",
        "item_id": f"{number}552981",
        "price": 10.5 * number,
        "options": {"color": "grey", "material": "cotton"},
    }
    return json.dumps({"order_id": f"#W{number}", "status": "pending", "items": [item]})


def turns() -> Iterator[tuple[Assistant, tuple[Message, ...]]]:
    """Yield each action of the actor with what comes back."""
    for number in range(1, ORDERS + 1):
        looked = call("get_order", number)
        result = ToolResult(call_id=looked.calls[0].id, name="get_order", text=order(number))
        yield looked, (result,)
    question = Assistant(text=f"Order #W{ORDERS} can be refunded. Shall I refund it (yes or no)?")
    yield question, (User(text="Yes, please refund it."),)
    yield call("refund_items", ORDERS), ()


OPENING = User(text=f"Hi, please go through my orders 1 to {ORDERS}; refund the last one.")


def briefing() -> Briefing:
    shop = Shop()
    user = FunctionModel(lambda _: "###STOP###")
    environment = shop.environment(shop.tasks("test")[0], user)
    return Briefing(policy=environment.policy, tools=environment.tools)


class Bench:
    """One server, one critic, one trajectory."""

    def __init__(self, model: OpenAIChat, server: Server, clock: WallClock | CpuClock) -> None:
        self.model, self.server, self.clock = model, server, clock
        self.critic = Noting(LLMCritic(model, threshold=1.0, wire=Wire(stream=True)))
        self.briefing = briefing()

    async def touch(self) -> None:
        """Let the server use all of its memory once.

        Its first long prompt takes it 2 s more, which the first thing measured would pay alone.
        """
        await self._read("word " * TOUCHED)

    async def forget(self) -> None:
        """Make the server read something else: its cache holds one prompt."""
        await self._read("Hello.")

    async def _read(self, text: str) -> None:
        await self.model.complete(
            Request(messages=(User(text=text),), sampling=Sampling(max_tokens=1))
        )

    async def verdict(self, proposal: Proposal) -> float:
        started = self.clock.now()
        await self.critic.judge(proposal)
        return self.clock.now() - started

    async def tokens(self, proposal: Proposal) -> int:
        """Return the length of the prompt, which a streamed verdict does not tell."""
        chat = verdict_chat(prompt_of(proposal))
        answer = await self.model.complete(Request(messages=chat, sampling=Sampling(max_tokens=1)))
        return answer.usage.input_tokens

    async def episode(self) -> tuple[float, Proposal]:
        """Play it under supervision; return the wait after the last write, and its proposal."""
        script = Script([action for action, _ in turns()], self.clock)
        supervisor = Supervisor(
            FunctionModel(script.act, name="scripted"), self.critic, gate="writes"
        )
        log: list[Event] = [Observed(observation=Observation(messages=(OPENING,)))]
        visible = 0.0
        for turn, (_, answers) in enumerate(turns()):
            await supervisor.decide(turn, log, self.briefing)
            visible = self.clock.now() - script.answered
            if answers:
                log.append(Observed(observation=Observation(messages=answers)))
        return visible, self._last(log)

    def _last(self, log: Sequence[Event]) -> Proposal:
        at = max(n for n, event in enumerate(log) if isinstance(event, Proposed))
        proposed = log[at]
        assert isinstance(proposed, Proposed)
        return Proposal(
            task_id="",
            turn=proposed.turn,
            attempt=0,
            action=proposed.completion.message,
            history=actor_view(log[:at]),
            policy=self.briefing.policy,
            tools=self.briefing.tools,
        )


async def measure_once(bench: Bench) -> dict[str, float]:
    await bench.forget()
    begun = bench.server.cpu_s()
    visible, proposal = await bench.episode()
    episode_cpu = bench.server.cpu_s() - begun
    await bench.forget()
    begun = bench.server.cpu_s()
    cold = await bench.verdict(proposal)
    cold_cpu = bench.server.cpu_s() - begun
    await bench.forget()
    await bench.critic.warm(proposal.model_copy(update={"action": Assistant()}))
    warm = await bench.verdict(proposal)
    tokens = await bench.tokens(proposal)
    return {
        "cold_s": cold,
        "warm_s": warm,
        "visible_s": visible,
        "cold_cpu_s": cold_cpu,
        "episode_cpu_s": episode_cpu,
        "prompt_tokens": tokens,
    }


async def measure(server: Server, repeats: int, clock: str) -> dict[str, float]:
    model = OpenAIChat(MODEL, base_url=server.base_url, timeout=600)
    try:
        bench = Bench(model, server, CpuClock(server) if clock == "cpu" else WallClock())
        await bench.touch()
        runs = [await measure_once(bench) for _ in range(repeats)]
    finally:
        await model.aclose()
    medians = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
    shares = [run["visible_s"] / run["cold_s"] for run in runs]
    return {**medians, "visible_share": statistics.median(shares), "repeats": repeats}


def table(result: dict[str, float]) -> str:
    rows = [
        ("verdict, nothing read before", f"{result['cold_s']:.2f} s", ""),
        ("verdict, prefix read before", f"{result['warm_s']:.2f} s", ""),
        (f"visible beside an actor of {ACTOR_S:g} s", f"{result['visible_s']:.2f} s", ""),
        ("  share of the cold verdict", f"{result['visible_share']:.0%}", f"<= {TARGET:.0%}"),
        ("CPU time of the server, cold verdict", f"{result['cold_cpu_s']:.2f} s", ""),
        ("  and in all of the episode", f"{result['episode_cpu_s']:.2f} s", ""),
        ("prompt", f"{result['prompt_tokens']:,.0f} tokens", ""),
    ]
    lines = [f"{what:<36}{value:>14}   {target}" for what, value, target in rows]
    note = "SmolLM2-135M Q4_0, one thread; actor scripted; a shared machine: the share counts."
    return "\n".join([*lines, "", f"Median of {result['repeats']:g}. {note}"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold, warm and visible cost of a verdict.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeats", type=int, default=1, help="medians of so many runs")
    parser.add_argument(
        "--clock", choices=("wall", "cpu"), default="wall", help="cpu: seconds that the server had"
    )
    options = parser.parse_args()
    with llama_server() as server:
        result = asyncio.run(measure(server, options.repeats, options.clock))
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
