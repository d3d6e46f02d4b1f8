"""From settings to a plan that can be played."""

from collections.abc import Iterable
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import JsonValue

from sidecritic.assembly.benchmarks import Sources, benchmark_for, sources_of, tools_of
from sidecritic.assembly.cast import Source, cast_for
from sidecritic.assembly.critics import Terms
from sidecritic.assembly.models import Models
from sidecritic.assembly.packs import pack_of
from sidecritic.assembly.registered import learned
from sidecritic.assembly.terminal import terminal_here
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark
from sidecritic.rollouts.budget import Budget
from sidecritic.rollouts.plan import RolloutPlan, TaskSet
from sidecritic.settings.critic_names import asks_a_person
from sidecritic.settings.environment import Keys
from sidecritic.settings.evaluation import Settings, command_of
from sidecritic.settings.names import suggestion
from sidecritic.settings.profiles import profile_at

BenchmarkCache = dict[tuple[str, Sources, str], Benchmark]
"""Benchmarks that several plans share, because some take seconds to load."""


def plan_for(
    settings: Settings,
    keys: Keys,
    stack: AsyncExitStack,
    *,
    cache: BenchmarkCache | None = None,
    budget: Budget | None = None,
) -> RolloutPlan:
    """Return the plan of a run; `stack` closes what it keeps open.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    return plan_with(Models(settings, keys, stack), settings, cache, budget)


def plan_with(
    models: Source,
    settings: Settings,
    cache: BenchmarkCache | None = None,
    budget: Budget | None = None,
) -> RolloutPlan:
    """Return the plan of a run, with models from a source.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    sets = select_tasks(settings, cache)
    tools = {group.benchmark.name: tools_of(group.benchmark, group.tasks[0]) for group in sets}
    profile = profile_at(Path(settings.profile)) if settings.profile is not None else None
    terms = Terms(
        threshold=settings.critic_threshold,
        profile=profile,
        terminal=terminal_here() if asks_a_person(settings.critic) else None,
        pack=pack_of(settings.pack, settings.env),
        pack_path=settings.pack or "",
    )
    # The profile as it was, not where it lay.
    named: dict[str, JsonValue] = {}
    if profile is not None:
        named = {"profile": {"name": profile.name, "digest": profile.digest}}
    return RolloutPlan(
        sets=sets,
        cast=cast_for(settings, models, tools, terms),
        trials=settings.trials,
        seed=settings.seed,
        settings=settings.deciding | named | learned(settings.critic),
        command=command_of(settings),
        budget=budget or Budget(),
    )


def select_tasks(settings: Settings, cache: BenchmarkCache | None = None) -> tuple[TaskSet, ...]:
    """Return the tasks that the settings name, by environment.

    Raises:
        ConfigError: an unknown environment, split or task, or nothing left to play.
    """
    if settings.tasks is not None and len(settings.env) > 1:
        raise ConfigError(
            f"--tasks {settings.tasks} is for one environment, and there are "
            f"{len(settings.env)}: {', '.join(settings.env)}; run them one by one"
        )
    cache = {} if cache is None else cache
    benchmarks = [_benchmark(name, settings, cache) for name in dict.fromkeys(settings.env)]
    found = {benchmark.name: benchmark.tasks(settings.split) for benchmark in benchmarks}
    _require_known(settings, (task.id for tasks in found.values() for task in tasks))
    wanted = settings.task_ids
    chosen = {
        name: tuple(task for task in tasks if not wanted or task.id in wanted)
        for name, tasks in found.items()
    }
    sets = (TaskSet(each, chosen[each.name][: settings.limit]) for each in benchmarks)
    return tuple(group for group in sets if group.tasks)


def _benchmark(name: str, settings: Settings, cache: BenchmarkCache) -> Benchmark:
    key = (name, sources_of(settings), settings.grader)
    if key not in cache:
        cache[key] = benchmark_for(name, key[1], grader=settings.grader)
    return cache[key]


def _require_known(settings: Settings, known: Iterable[str]) -> None:
    ids = list(dict.fromkeys(known))
    where = f"the split {settings.split!r} of {', '.join(settings.env)}"
    for id_ in settings.task_ids:
        if id_ not in ids:
            raise ConfigError(f"unknown task {id_!r} in {where}{suggestion(id_, ids)}")
    if not ids:
        raise ConfigError(f"{where} holds no tasks; see `sidecritic tasks --env ENV`")
