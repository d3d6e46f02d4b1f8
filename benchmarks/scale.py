"""Rollouts against Little's law: many episodes at once, whose simulated models take their time.

`python -m benchmarks.scale [--trials 100 --at-once 2000 --seconds 1 --executor processes]`

Each completion of the simulated actor takes `--seconds`, as one of a model on a server would; the
user and the checks take none. With L completions under way and W seconds for each, L / W a second
end: what the run took is compared with completions × W / L. *Simulated* throughout.
"""

import argparse
import asyncio
import json
import os
import resource
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

from sidecritic.assembly.executors import executor_for
from sidecritic.assembly.plans import plan_for
from sidecritic.executors.local import LocalExecutor
from sidecritic.executors.protocol import Executor
from sidecritic.ports import Model
from sidecritic.rollouts.plan import Elsewhere, Key, Played, RolloutPlan
from sidecritic.rollouts.play import Silent, play
from sidecritic.rollouts.playing import Here
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.trace import Proposed, Trajectory
from sidecritic.types import Completion, Request, Task


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
        await asyncio.sleep(self.seconds)
        return await self.model.complete(request)


@dataclass(frozen=True, slots=True)
class PlaysSlowly:
    """The job of playing with a slow actor, wherever it is done."""

    settings: Settings
    seconds: float

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[Key], Awaitable[Played]]]:
        async with AsyncExitStack() as stack:
            plan = plan_for(self.settings, keys_from_environment(), stack)
            made = plan.cast.actor

            def actor(task: Task, seed: int) -> Model:
                return Slow(made(task, seed), self.seconds)

            slow = replace(plan, cast=replace(plan.cast, actor=actor))
            yield await stack.enter_async_context(Here(slow).open())


class _Clock(Silent):
    """Counts completions, and takes the time from the first episode's beginning."""

    def __init__(self) -> None:
        self.completions = 0

    def episode(self, played: Played) -> None:
        events = Trajectory.model_validate_json(played.line).events
        self.completions += sum(isinstance(event, Proposed) for event in events)


def measured(settings: Settings, seconds: float, trials: int) -> dict[str, object]:
    """Play, and return what it took beside what it must take."""
    settings = settings.model_copy(update={"trials": trials})
    executor = executor_for(settings) or LocalExecutor(settings.concurrency)
    clock = _Clock()
    with TemporaryDirectory() as folder:
        started = monotonic()
        plan = asyncio.run(_play(settings, seconds, executor, Path(folder), clock))
        took = monotonic() - started
    own, theirs = (resource.getrusage(w) for w in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    ideal = clock.completions * seconds / settings.concurrency
    return {
        "simulated": True,
        "executor": settings.executor,
        "episodes": len(plan.episodes()),
        "at_once": settings.concurrency,
        "latency_seconds": seconds,
        "completions": clock.completions,
        "seconds": round(took, 2),
        "ideal_seconds": round(ideal, 2),
        "ratio": round(took / ideal, 3),
        "cpu_seconds": round(own.ru_utime + own.ru_stime + theirs.ru_utime + theirs.ru_stime, 1),
        "cores": os.cpu_count(),
        "mb_parent": own.ru_maxrss // 1024,
        "mb_largest_worker": theirs.ru_maxrss // 1024,
    }


async def _play(
    settings: Settings, seconds: float, executor: Executor, folder: Path, clock: _Clock
) -> RolloutPlan:
    async with AsyncExitStack() as stack:
        plan = plan_for(settings, keys_from_environment(), stack)
        elsewhere = Elsewhere(executor, PlaysSlowly(settings, seconds))
        await play(replace(plan, elsewhere=elsewhere), folder, watcher=clock)
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
