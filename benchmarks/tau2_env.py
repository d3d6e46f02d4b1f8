"""How fast τ² episodes are played and graded here, against the package's own path.

    python -m benchmarks.tau2_env [--json]

An episode is: environment, start, every reference action, goodbye, grade. The official path
constructs the package's environment, runs the same calls in it, and calls its evaluators.
Everything is CPU time of this process, in this run. Models answer instantly: what is
measured is our own work.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import process_time
from typing import Any

from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.official_grading import evaluate, messages_of
from sidecritic.envs.tau2.package import import_tau2
from sidecritic.ports import Environment
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Executed, Observed
from sidecritic.types import (
    Approve,
    Assistant,
    Briefing,
    Completion,
    Judgement,
    Proposal,
    Request,
    Task,
    ToolCall,
    ToolResult,
)

TASKS = 8
REPEATS = 20
CACHED = "databases, and per task its initial and its reference state"


@dataclass(frozen=True, slots=True)
class Instant:
    """A model that always says the same."""

    says: Assistant
    name: str = "instant"
    simulated: bool = True

    async def complete(self, request: Request) -> Completion:
        return Completion(message=self.says, finish="stop", model=self.name)


@dataclass(frozen=True, slots=True)
class Agreeable:
    name: str = "agreeable"

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=Approve(), critic=self.name)


USER = Instant(Assistant(text="Thank you. ###STOP###"))


def reference(benchmark: Tau2, task: Task) -> tuple[ToolCall, ...]:
    return tuple(
        ToolCall(id=str(number), name=action.name, arguments=action.arguments, raw="")
        for number, action in enumerate(benchmark.case(task).gold.reference)
    )


async def ours(benchmark: Tau2, task: Task, calls: Sequence[ToolCall]) -> Environment:
    environment = benchmark.environment(task, USER)
    await environment.start()
    for call in calls:
        await environment.step(Assistant(calls=(call,)))
    await environment.step(Assistant(text="Is there anything else?"))
    outcome = await environment.outcome()
    assert outcome.native["db_match"] is True, (task.id, outcome)
    return environment


def official(benchmark: Tau2, task: Task, calls: Sequence[ToolCall]) -> None:
    domain = benchmark.case(task).domain
    environment = import_tau2(f"domains.{domain.name}.environment").get_environment()
    transcript: list[Any] = []
    for call in calls:
        asked = domain.messages.ToolCall(id=call.id, name=call.name, arguments=call.arguments)
        reply = environment.get_response(asked)
        result = ToolResult(
            call_id=call.id, name=call.name, text=reply.content, is_error=reply.error
        )
        transcript.extend((Assistant(calls=(call,)), result))
    findings = evaluate(domain, task.data, messages_of(domain, transcript))
    assert findings.db_match, task.id


def cpu_ms(act: Callable[[], object], repeats: int) -> float:
    started = process_time()
    for _ in range(repeats):
        act()
    return (process_time() - started) * 1e3 / repeats


def episodes(domain: str) -> dict[str, float]:
    """Return the medians over the first tasks of the domain's test split."""
    benchmark = Tau2(domain)
    warm: list[float] = []
    cold: list[float] = []
    slow: list[float] = []
    with asyncio.Runner() as runner:
        for task in benchmark.tasks("test")[:TASKS]:
            calls = reference(benchmark, task)
            play = partial(_played, runner, benchmark, calls)
            play(task)
            warm.append(cpu_ms(partial(play, task), REPEATS))
            strangers = iter([_unknown(task, number) for number in range(REPEATS)])
            cold.append(cpu_ms(lambda play=play, s=strangers: play(next(s)), REPEATS))
            slow.append(cpu_ms(partial(official, benchmark, task, calls), 1))
    mine, theirs = statistics.median(warm), statistics.median(slow)
    return {
        "ours_cpu_ms": mine,
        "official_cpu_ms": theirs,
        "ratio": theirs / mine,
        "ours_uncached_cpu_ms": statistics.median(cold),
    }


def _played(
    runner: asyncio.Runner, benchmark: Tau2, calls: Sequence[ToolCall], task: Task
) -> Environment:
    return runner.run(ours(benchmark, task, calls))


def _unknown(task: Task, number: int) -> Task:
    """Return the task as one that nothing is cached of."""
    return task.model_copy(update={"data": {**task.data, "benchmark_run": number}})


def fork_us() -> float:
    """Return the time to fork an episode that has written, conversation and user included."""
    benchmark = Tau2("retail")
    task = benchmark.tasks("test")[0]
    with asyncio.Runner() as runner:
        environment = _played(runner, benchmark, reference(benchmark, task), task)
    return cpu_ms(lambda: environment.snapshot().fork(), 2000) * 1e3


def decide_us() -> float:
    """Return the time of a supervised turn that writes, after twelve turns of a retail task."""
    benchmark = Tau2("retail")
    task = benchmark.tasks("test")[0]
    calls = reference(benchmark, task)
    write = next(c for c in calls if benchmark.case(task).domain.effect(c.name) == "write")
    supervisor = Supervisor(actor=Instant(Assistant(calls=(write,))), critic=Agreeable())
    turns = 12

    async def measure() -> float:
        environment = benchmark.environment(task, USER)
        briefing = Briefing(policy=environment.policy, tools=environment.tools)
        log: list[Event] = [Observed(observation=await environment.start())]
        for turn in range(turns):
            action = Assistant(calls=(calls[turn % len(calls)],))
            log.append(Executed(turn=turn, action=action, source="actor"))
            log.append(Observed(observation=await environment.step(action)))
        logs = [list(log) for _ in range(500)]
        # The first decision of a process builds the validators that importing left unbuilt.
        await supervisor.decide(turns, list(log), briefing, task_id=task.id)
        started = process_time()
        for copy in logs:
            await supervisor.decide(turns, copy, briefing, task_id=task.id)
        return (process_time() - started) * 1e6 / len(logs)

    return asyncio.run(measure())


def import_s() -> float:
    """Return the best of five fresh interpreters, without the start of the interpreter."""
    code = "from time import perf_counter as t; s = t(); import sidecritic; print(t() - s)"

    def seconds() -> float:
        command = [sys.executable, "-c", code]
        return float(subprocess.run(command, check=True, capture_output=True).stdout)

    return min(seconds() for _ in range(5))


def measure() -> dict[str, Any]:
    return {
        "retail": episodes("retail"),
        "airline": episodes("airline"),
        "fork_us": fork_us(),
        "decide_us": decide_us(),
        "import_s": import_s(),
        "cached": CACHED,
    }


def table(result: dict[str, Any]) -> str:
    rows = [("", "measured", "target")]
    for domain in ("retail", "airline"):
        figures: dict[str, float] = result[domain]
        rows += [
            (f"{domain} episode, ours", f"{figures['ours_cpu_ms']:.2f} ms CPU", ""),
            ("  nothing of the task cached", f"{figures['ours_uncached_cpu_ms']:.2f} ms CPU", ""),
            ("  official path", f"{figures['official_cpu_ms']:.0f} ms CPU", ""),
            ("  ratio", f"{figures['ratio']:.0f}", ">= 100"),
        ]
    rows += [
        ("fork of an episode", f"{result['fork_us']:.0f} µs CPU", "< 100 µs"),
        ("decide(), one turn", f"{result['decide_us']:.0f} µs CPU", "< 200 µs"),
        ("import sidecritic", f"{result['import_s']:.2f} s", "< 0.3 s"),
    ]
    lines = [f"{what:<30}{value:>16}   {target}" for what, value, target in rows]
    return "\n".join([*lines, "", f"Ours is measured warm; cached are: {result['cached']}."])


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of τ² episodes.")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    result = measure()
    print(json.dumps(result, indent=2) if options.json else table(result))


if __name__ == "__main__":
    main()
