"""Mined tasks as tables: how many of each group are kept, and what became of each task."""

from collections import Counter
from collections.abc import Iterator

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
    counted = Counter((task.group, task.kept, task.why) for task in mined.tasks)
    rows = tuple(
        (group, "kept" if kept else "left out", str(number), why)
        for (group, kept, why), number in sorted(counted.items(), key=lambda each: _order(each[0]))
    )
    total = len(mined.kept)
    title = f"Mined tasks: {total} of {len(mined.tasks)} kept"
    return Section(title, ("group", "", "tasks", "why"), rows)


_ORDER = ("mixed", "failed", "passed", "ungraded")


def _order(key: tuple[str, bool, str]) -> tuple[int, bool]:
    return (_ORDER.index(key[0]), not key[1])


def tasks(mined: Mined) -> Section:
    """Return each task with passed of graded episodes by run."""
    names = tuple(mined.runs)
    rows = tuple(
        (f"{task.env} {task.task_id}", *(_trials(task, name) for name in names), _fate(task))
        for task in sorted(mined.tasks, key=lambda each: (_ORDER.index(each.group), not each.kept))
    )
    return Section("Tasks: passed of graded episodes", ("task", *names, ""), rows)


def _trials(task: MinedTask, run: str) -> str:
    trials = task.runs.get(run, Trials())
    broken = f", {trials.broken} broken" if trials.broken else ""
    return f"{trials.passed}/{trials.graded}{broken}"


def _fate(task: MinedTask) -> str:
    return f"{task.group}, {'kept' if task.kept else 'left out'}"
