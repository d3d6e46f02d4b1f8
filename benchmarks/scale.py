"""Rollouts whose simulated models take their time, against what the waiting alone must take.

`python -m benchmarks.scale [--trials 100 --at-once 2000 --seconds 1 --executor processes]`

Actor, user and critic each take `--seconds` for a completion or a judgement, as models on servers
would. The model of it: an episode takes its waits and nothing else, and the next one begins in the
first slot that is free. What the run took is compared with that. *Simulated* throughout.
"""

import argparse
import asyncio
import json
import os
import resource
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from heapq import heapreplace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from sidecritic.assembly.executors import executor_for
from sidecritic.assembly.plans import plan_for
from sidecritic.executors.local import LocalExecutor
from sidecritic.executors.protocol import Executor
from sidecritic.ports import Critic, Model, ModelFor
from sidecritic.rollouts.plan import Elsewhere, Key, Played, RolloutPlan
from sidecritic.rollouts.play import Silent, play
from sidecritic.rollouts.playing import Here
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.types import Completion, Judgement, Proposal, Request


@dataclass(frozen=True, slots=True)
class Slow:
    """A model that answers after so many seconds."""

    model: Model
    seconds: float

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def simulated(self) -> bool:
        return self.model.simulated

    async def complete(self, request: Request) -> Completion:
        await _wait(self.seconds)
        return await self.model.complete(request)


@dataclass(frozen=True, slots=True)
class SlowCritic:
    """A critic that judges after so many seconds."""

    critic: Critic
    seconds: float

    @property
    def name(self) -> str:
        return self.critic.name

    async def judge(self, proposal: Proposal) -> Judgement:
        await _wait(self.seconds)
        return await self.critic.judge(proposal)


_WAITED = ContextVar[list[float]]("_WAITED")


async def _wait(seconds: float) -> None:
    _WAITED.get().append(seconds)
    await asyncio.sleep(seconds)


@dataclass(frozen=True, slots=True)
class PlaysSlowly:
    """The job of playing with a slow actor, wherever it is done."""

    settings: Settings
    seconds: float

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[Key], Awaitable[Played]]]:
        async with AsyncExitStack() as stack:
            plan = plan_for(self.settings, keys_from_environment(), stack)
            cast, seconds = plan.cast, self.seconds

            def slow(make: ModelFor) -> ModelFor:
                return lambda task, seed: Slow(make(task, seed), seconds)

            def slow_critic(env: str) -> Critic:
                return SlowCritic(cast.critic(env), seconds)

            slowly = replace(cast, actor=slow(cast.actor), user=slow(cast.user), critic=slow_critic)
            play = await stack.enter_async_context(Here(replace(plan, cast=slowly)).open())

            async def work(key: Key) -> Played:
                waited = list[float]()
                _WAITED.set(waited)
                played = await play(key)
                # Nothing costs money here: the field carries the seconds that were waited.
                return replace(played, cost=sum(waited))

            yield work


class _Waits(Silent):
    """The seconds that each episode waited, in the order of their ends."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def episode(self, played: Played) -> None:
        self.waits.append(played.cost)


def ideal(waits: Sequence[float], at_once: int) -> float:
    """Return what a run takes that does nothing but wait, in so many slots."""
    slots = [0.0] * at_once
    for wait in waits:
        heapreplace(slots, slots[0] + wait)
    return max(slots)


def measured(settings: Settings, seconds: float, trials: int) -> dict[str, object]:
    """Play, and return what it took beside what it must take."""
    settings = settings.model_copy(update={"trials": trials})
    executor = executor_for(settings) or LocalExecutor(settings.concurrency)
    watcher = _Waits()
    with TemporaryDirectory() as folder:
        started = monotonic()
        plan = asyncio.run(_play(settings, seconds, executor, Path(folder), watcher))
        took = monotonic() - started
    own, theirs = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    least = ideal(watcher.waits, settings.concurrency)
    return {
        "simulated": True,
        "executor": settings.executor,
        "episodes": len(plan.episodes()),
        "at_once": settings.concurrency,
        "latency_seconds": seconds,
        "waits": round(sum(watcher.waits) / seconds),
        "seconds": round(took, 2),
        "ideal_seconds": round(least, 2),
        "ratio": round(took / least, 3),
        "cpu_seconds": round(own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime, 1),
        "cores": os.cpu_count(),
        "mb_parent": own.ru_maxrss // 1024,
        "mb_largest_worker": theirs.ru_maxrss // 1024,
    }


async def _play(
    settings: Settings, seconds: float, executor: Executor, folder: Path, watcher: _Waits
) -> RolloutPlan:
    async with AsyncExitStack() as stack:
        plan = plan_for(settings, keys_from_environment(), stack)
        elsewhere = Elsewhere(executor, PlaysSlowly(settings, seconds))
        await play(replace(plan, elsewhere=elsewhere), folder, watcher=watcher)
        return plan


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env", default="tau2:retail")
    parser.add_argument("--critic", default="policy")
    parser.add_argument("--executor", default="processes")
    parser.add_argument("--at-once", type=int, default=2000)
    parser.add_argument("--trials", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=1.0)
    given = parser.parse_args()
    settings = Settings.model_validate(
        {
            "env": (given.env,),
            "critic": given.critic,
            "executor": given.executor,
            "concurrency": given.at_once,
        }
    )
    print(json.dumps(measured(settings, given.seconds, given.trials), indent=2))


if __name__ == "__main__":
    main()
