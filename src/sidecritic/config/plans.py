"""From settings to a plan that can be played."""

from collections.abc import Iterable
from contextlib import AsyncExitStack

from sidecritic.config.casting import cast_for
from sidecritic.config.parties import Keys, Models, benchmark_for, sources_of
from sidecritic.config.settings import Settings, command_of, suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark
from sidecritic.rollouts import Plan, TaskSet
from sidecritic.types import Task, ToolSpec


def plan_for(settings: Settings, keys: Keys, stack: AsyncExitStack) -> Plan:
    """Return what the settings describe; `stack` closes what the plan keeps open.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    sets = select_tasks(settings)
    tools = {group.benchmark.name: _tools(group) for group in sets}
    models = Models(settings, keys, stack)
    return Plan(
        sets=sets,
        cast=cast_for(settings, models, tools),
        trials=settings.trials,
        seed=settings.seed,
        settings=settings.deciding,
        command=command_of(settings),
    )


def select_tasks(settings: Settings) -> tuple[TaskSet, ...]:
    """Return the tasks that the settings name, by environment.

    Raises:
        ConfigError: an unknown environment, split or task, or nothing left to play.
    """
    if settings.tasks is not None and len(settings.env) > 1:
        raise ConfigError(
            f"--tasks {settings.tasks} is for one environment, and there are "
            f"{len(settings.env)}: {', '.join(settings.env)}; run them one by one"
        )
    sources = sources_of(settings)
    benchmarks = [
        benchmark_for(name, sources, grader=settings.grader) for name in dict.fromkeys(settings.env)
    ]
    found = {benchmark.name: benchmark.tasks(settings.split) for benchmark in benchmarks}
    _require_known(settings, (task.id for tasks in found.values() for task in tasks))
    sets = (TaskSet(each, _chosen(found[each.name], settings)) for each in benchmarks)
    return tuple(group for group in sets if group.tasks)


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
    from sidecritic.envs.users import scripted_user

    first = group.tasks[0]
    return benchmark.environment(first, scripted_user()(first, 0)).tools
