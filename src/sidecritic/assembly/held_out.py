"""Tasks and users of the benchmarks' test splits, which must never be learned from.

Call these outside an event loop: to find the users, they play the references.
"""

import asyncio
from collections.abc import Iterable

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.errors import ConfigError
from sidecritic.labelling.decisions import ORIGIN
from sidecritic.ports import Benchmark
from sidecritic.splits.held_out import HeldOut, held_out
from sidecritic.splits.users import domain_of, user_of_task
from sidecritic.trace import Trajectory
from sidecritic.types import Task


def held_out_of(envs: Iterable[str]) -> HeldOut:
    """Return what the test splits of these environments hold.

    Recorded runs of τ-bench are of tasks that τ²-bench has as well; what the gateway has seen is
    of no benchmark.

    Raises:
        ConfigError: there is no such environment.
    """
    tested = {
        f"tau2:{domain_of(env)}" if env.startswith("tau:") else env
        for env in envs
        if not env.startswith(ORIGIN)
    }
    return asyncio.run(held_out_in([benchmark_for(env) for env in sorted(tested)]))


async def held_out_in(benchmarks: Iterable[Benchmark]) -> HeldOut:
    """Return what the test splits of these benchmarks hold."""
    found = HeldOut()
    for benchmark in benchmarks:
        found |= await held_out(benchmark)
    return found


def require_no_test(trajectories: Iterable[Trajectory], *, test_users: bool = False) -> None:
    """Raise where a run is of a test task or, unless `test_users`, of a user in one.

    In τ² retail most train tasks share their user with a test task.

    Raises:
        ConfigError: names the first.
    """
    tasks = list({(run.task.env, run.task.id): run.task for run in trajectories}.values())
    kept = held_out_of(task.env for task in tasks)
    for task in tasks:
        if (domain_of(task.env), task.id) in kept.tasks:
            raise _leak(f"task {task.id!r} of {task.env} is of its test split")
    if not test_users:
        asyncio.run(_require_no_test_user(tasks, kept))


async def _require_no_test_user(tasks: Iterable[Task], kept: HeldOut) -> None:
    benchmarks: dict[str, Benchmark] = {}
    for task in tasks:
        benchmark = benchmarks.setdefault(task.env, benchmark_for(task.env))
        user = await user_of_task(benchmark, task)
        if (domain_of(task.env), user) in kept.users:
            raise _leak(
                f"task {task.id!r} of {task.env} is about user {user}, who is in a test task "
                "(a head may learn from them with --test-users: its features name no user)"
            )


def _leak(found: str) -> ConfigError:
    return ConfigError(f"{found}: it must not be learned from; train on the train split")
