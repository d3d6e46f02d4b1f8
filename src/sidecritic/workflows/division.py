"""Which tasks rounds of learning may learn from, and which they hold back to judge the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from sidecritic.assembly.benchmarks import benchmark_for, sources_of
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Peopled
from sidecritic.settings.learning import LearnRecipe
from sidecritic.types import Task
from sidecritic.workflows.selfplay import kept_apart
from sidecritic.workflows.watchers import SILENT, Watcher


@dataclass(frozen=True, slots=True)
class Division:
    """Ids of the tasks of one environment, by what they are for."""

    train: tuple[str, ...]
    held_back: tuple[str, ...]


def divide(recipe: LearnRecipe, env: str, watcher: Watcher = SILENT) -> Division:
    """Divide the tasks that may be learned from by user: more tasks move no user.

    Raises:
        ConfigError: all tasks are about one user.
    """
    settings = recipe.settings(env)
    (apart,) = kept_apart(settings, watcher).values()
    tasks = apart.tasks(recipe.tasks.split)[: recipe.tasks.limit]
    groups = _groups(benchmark_for(env, sources_of(settings)), tasks)
    seed = recipe.tasks.seed
    ranked = sorted(
        set(groups.values()), key=lambda group: sha256(f"{seed}/{group}".encode()).hexdigest()
    )
    number = min(max(round(recipe.tasks.held_back * len(ranked)), 1), len(ranked) - 1)
    if len(ranked) < 2:
        raise ConfigError(
            f"the {len(tasks)} tasks of {env} are all about one user: nothing can be held back for "
            "promotion; choose another split, raise tasks.limit, or make tasks with "
            "`sidecritic tasks synth`"
        )
    held = set(ranked[:number])
    return Division(
        train=tuple(task.id for task in tasks if groups[task.id] not in held),
        held_back=tuple(task.id for task in tasks if groups[task.id] in held),
    )


def _groups(benchmark: Benchmark, tasks: Sequence[Task]) -> dict[str, str]:
    """Return the name of each task's group: tasks that share a user are one."""
    groups: dict[str, str] = {}
    by_user: dict[str, str] = {}
    for task in tasks:
        users = sorted(benchmark.users_of(task)) if isinstance(benchmark, Peopled) else []
        known = [by_user[user] for user in users if user in by_user]
        group = known[0] if known else (users[0] if users else f"task {task.id}")
        for other in known[1:]:
            groups = {id_: group if name == other else name for id_, name in groups.items()}
            by_user = {user: group if name == other else name for user, name in by_user.items()}
        groups[task.id] = group
        by_user |= dict.fromkeys(users, group)
    return groups
