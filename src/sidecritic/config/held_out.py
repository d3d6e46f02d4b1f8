"""What must never be learned from: tasks and users of the benchmarks' test splits, by environment.

Call these outside an event loop: to know the users, references are carried out.
"""

import asyncio
from collections.abc import Iterable

from sidecritic.config.benchmarks import benchmark_for
from sidecritic.datasets.held_out import held_out
from sidecritic.datasets.material import domain_of
from sidecritic.datasets.splits import HeldOut
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark
from sidecritic.trace import Trajectory


def held_out_of(envs: Iterable[str]) -> HeldOut:
    """Return what the test splits of these environments hold.

    Raises:
        ConfigError: there is no such environment.
    """
    return asyncio.run(held_out_in([benchmark_for(env) for env in sorted(set(envs))]))


async def held_out_in(benchmarks: Iterable[Benchmark]) -> HeldOut:
    """Return what the test splits of these benchmarks hold."""
    found = HeldOut()
    for benchmark in benchmarks:
        found |= await held_out(benchmark)
    return found


def require_no_test(trajectories: Iterable[Trajectory]) -> None:
    """Raise where a run is of a test task.

    Users are not looked at: in τ² retail most train tasks share theirs with a test task, and a
    head knows checks, not people. `datagen` leaves such users out.

    Raises:
        ConfigError: names the first.
    """
    runs = list(trajectories)
    kept = held_out_of(run.task.env for run in runs)
    for task in (run.task for run in runs):
        if (domain_of(task.env), task.id) in kept.tasks:
            raise ConfigError(
                f"task {task.id!r} of {task.env} is of its test split: nothing may be learned "
                "from it; train on the train split"
            )
