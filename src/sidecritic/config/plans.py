"""From settings to a plan that can be played."""

from collections.abc import Iterable
from contextlib import AsyncExitStack

from sidecritic.config.benchmarks import Sources, benchmark_for, sources_of
from sidecritic.config.casting import Hiring, cast_for, named, terms_for
from sidecritic.config.hiring import Models
from sidecritic.config.parties import Keys
from sidecritic.config.registered import learned
from sidecritic.config.rehearsal import Rehearsal
from sidecritic.config.settings import Settings, command_of, suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark
from sidecritic.rollouts import Budget, RolloutPlan, TaskSet
from sidecritic.types import Task, ToolSpec

Shelf = dict[tuple[str, Sources, str], Benchmark]
"""Benchmarks that several plans share, because some take seconds to load."""


def plan_for(
    settings: Settings,
    keys: Keys,
    stack: AsyncExitStack,
    *,
    shelf: Shelf | None = None,
    budget: Budget | None = None,
) -> RolloutPlan:
    """Return what the settings describe; `stack` closes what the plan keeps open.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    return _plan(settings, Models(settings, keys, stack), shelf, budget or Budget())


def rehearsal_of(
    settings: Settings, rehearsal: Rehearsal, *, shelf: Shelf | None = None
) -> RolloutPlan:
    """Return the plan with stand-ins for every model.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    return _plan(settings, rehearsal, shelf, Budget())


def _plan(settings: Settings, models: Hiring, shelf: Shelf | None, budget: Budget) -> RolloutPlan:
    sets = select_tasks(settings, shelf)
    tools = {group.benchmark.name: _tools(group) for group in sets}
    terms = terms_for(settings)
    return RolloutPlan(
        sets=sets,
        cast=cast_for(settings, models, tools, terms),
        trials=settings.trials,
        seed=settings.seed,
        settings=settings.deciding | named(terms) | learned(settings.critic),
        command=command_of(settings),
        budget=budget,
    )


def select_tasks(settings: Settings, shelf: Shelf | None = None) -> tuple[TaskSet, ...]:
    """Return the tasks that the settings name, by environment.

    Raises:
        ConfigError: an unknown environment, split or task, or nothing left to play.
    """
    if settings.tasks is not None and len(settings.env) > 1:
        raise ConfigError(
            f"--tasks {settings.tasks} is for one environment, and there are "
            f"{len(settings.env)}: {', '.join(settings.env)}; run them one by one"
        )
    shelf = {} if shelf is None else shelf
    benchmarks = [_benchmark(name, settings, shelf) for name in dict.fromkeys(settings.env)]
    found = {benchmark.name: benchmark.tasks(settings.split) for benchmark in benchmarks}
    _require_known(settings, (task.id for tasks in found.values() for task in tasks))
    sets = (TaskSet(each, _chosen(found[each.name], settings)) for each in benchmarks)
    return tuple(group for group in sets if group.tasks)


def _benchmark(name: str, settings: Settings, shelf: Shelf) -> Benchmark:
    key = (name, sources_of(settings), settings.grader)
    if key not in shelf:
        shelf[key] = benchmark_for(name, key[1], grader=settings.grader)
    return shelf[key]


def _chosen(tasks: tuple[Task, ...], settings: Settings) -> tuple[Task, ...]:
    wanted = settings.task_ids
    kept = tuple(task for task in tasks if not wanted or task.id in wanted)
    return kept[: settings.limit]


def _require_known(settings: Settings, known: Iterable[str]) -> None:
    ids = list(dict.fromkeys(known))
    where = f"the split {settings.split!r} of {', '.join(settings.env)}"
    for id_ in settings.task_ids:
        if id_ not in ids:
            raise ConfigError(f"unknown task {id_!r} in {where}{suggestion(id_, ids)}")
    if not ids:
        raise ConfigError(f"{where} holds no tasks; see `sidecritic tasks --env ENV`")


def _tools(group: TaskSet) -> tuple[ToolSpec, ...]:
    benchmark: Benchmark = group.benchmark
    from sidecritic.simulation.users import scripted_user

    first = group.tasks[0]
    return benchmark.environment(first, scripted_user()(first, 0)).tools
