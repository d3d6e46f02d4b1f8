"""Mined tasks as tables: how many of each group are kept, and what became of each task."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import RenderableType

from sidecritic.reports.sections import Section, label
from sidecritic.reports.tables import to_table
from sidecritic.scoring.mining import Mined, MinedTask, Trials


def to_mining_tables(mined: Mined) -> Iterator[RenderableType]:
    """Yield what to print about mined tasks."""
    yield to_table(groups(mined), label(mined.simulated))
    yield to_table(tasks(mined), label(mined.simulated))


def groups(mined: Mined) -> Section:
    """Return kept and left out, by group and reason."""
    counted = Counter((task.group, _fate(task), task.why) for task in _ordered(mined.tasks))
    rows = tuple((group, fate, str(n), why) for (group, fate, why), n in counted.items())
    title = f"Mined tasks: {len(mined.kept)} of {len(mined.tasks)} kept"
    return Section(title, ("group", "", "tasks", "why"), rows)


def tasks(mined: Mined) -> Section:
    """Return each task with passed of graded episodes by run."""
    rows = tuple(
        (
            f"{task.env} {task.task_id}",
            *(_trials(task.runs.get(name, Trials())) for name in mined.runs),
            f"{task.group}, {_fate(task)}",
        )
        for task in _ordered(mined.tasks)
    )
    return Section("Tasks: passed of graded episodes", ("task", *mined.runs, ""), rows)


def _ordered(tasks: Iterable[MinedTask]) -> list[MinedTask]:
    groups = ("mixed", "failed", "passed", "ungraded")
    return sorted(tasks, key=lambda task: (groups.index(task.group), not task.kept))


def _trials(trials: Trials) -> str:
    broken = f", {trials.broken} broken" if trials.broken else ""
    return f"{trials.passed}/{trials.graded}{broken}"


def _fate(task: MinedTask) -> str:
    return "kept" if task.kept else "left out"
