"""What a verdict of a local LLM critic costs, and what of it remains visible beside the actor.

    python -m benchmarks.warmup [--json] [--repeats N]

A real llama.cpp server (SmolLM2-135M, Q4_0, one thread) judges a write at the end of a trajectory
of about 3,000 tokens: cold, after its prefix was read ahead, and in an episode whose actor takes
2 s per turn, driven by the `Supervisor`. The actor is a script, so this says nothing about
verdicts. Seconds of a shared machine vary; their ratio counts.
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
ORDERS = 13
TARGET = 0.15


@dataclass
class Script:
    """An actor that takes its time: looks up one order after the other, then refunds the last."""

    actions: Sequence[Assistant]
    answered: float = 0.0
    """When the last answer was given."""

    async def act(self, request: Request) -> Assistant:
        done = sum(isinstance(message, Assistant) for message in request.messages)
        await asyncio.sleep(ACTOR_S)
        self.answered = perf_counter()
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
    items = [
        {
            "name": name,
            "product_id": f"{number}{place}817204",
            "item_id": f"{number}{place}552981",
            "price": 10.5 * number + place,
            "options": {"color": color, "material": "cotton", "size": "M"},
        }
        for place, (name, color) in enumerate([("T-shirt", "blue"), ("Backpack", "grey")])
    ]
    return json.dumps({"order_id": f"#W{number}", "status": "pending", "items": items})


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

    def __init__(self, server: Server, model: OpenAIChat) -> None:
        self.server, self.model = server, model
        self.critic = Noting(LLMCritic(model, threshold=1.0, wire=Wire(stream=True)))
        self.briefing = briefing()

    async def forget(self) -> None:
        """Make the server read something else: its cache holds one prompt."""
        await self.model.complete(
            Request(messages=(User(text="Hello."),), sampling=Sampling(max_tokens=1))
        )

    async def verdict(self, proposal: Proposal) -> dict[str, float]:
        wall, cpu = perf_counter(), self.server.cpu_s()
        await self.critic.judge(proposal)
        return {"s": perf_counter() - wall, "cpu_s": self.server.cpu_s() - cpu}

    async def episode(self) -> tuple[float, Proposal]:
        """Play it under supervision; return the wait after the last write, and its proposal."""
        script = Script([action for action, _ in turns()])
        supervisor = Supervisor(
            FunctionModel(script.act, name="scripted"), self.critic, gate="writes"
        )
        log: list[Event] = [Observed(observation=Observation(messages=(OPENING,)))]
        visible = 0.0
        for turn, (_, answers) in enumerate(turns()):
            await supervisor.decide(turn, log, self.briefing)
            visible = perf_counter() - script.answered
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
    visible, proposal = await bench.episode()
    await bench.forget()
    cold = await bench.verdict(proposal)
    await bench.forget()
    await bench.critic.warm(proposal.model_copy(update={"action": Assistant()}))
    warm = await bench.verdict(proposal)
    return {
        "cold_s": cold["s"],
        "warm_s": warm["s"],
        "visible_s": visible,
        "cold_cpu_s": cold["cpu_s"],
        "warm_cpu_s": warm["cpu_s"],
        "prompt_tokens": bench.critic.seen[-1].usage.input_tokens,
    }


async def measure(server: Server, repeats: int) -> dict[str, float]:
    model = OpenAIChat(MODEL, base_url=server.base_url, timeout=600)
    try:
        bench = Bench(server, model)
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
        ("CPU of the server, cold", f"{result['cold_cpu_s']:.2f} s", ""),
        ("CPU of the server, warm", f"{result['warm_cpu_s']:.2f} s", ""),
        ("prompt", f"{result['prompt_tokens']:,.0f} tokens", ""),
    ]
    lines = [f"{what:<36}{value:>14}   {target}" for what, value, target in rows]
    note = "SmolLM2-135M Q4_0, one thread; actor scripted; a shared machine: the share counts."
    return "\n".join([*lines, "", f"Median of {result['repeats']:g}. {note}"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Cold, warm and visible cost of a verdict.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--repeats", type=int, default=1)
    options = parser.parse_args()
    with llama_server() as server:
        result = asyncio.run(measure(server, options.repeats))
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
