"""Tasks that say nearly the same."""

import re
from collections.abc import Iterable

from sidecritic.simulation.task_record import scenario_of
from sidecritic.types import Task

ALIKE = 0.8
"""Share of common runs of three words from which two scenarios are near-duplicates."""


class Seen:
    """The scenarios so far."""

    def __init__(self, tasks: Iterable[Task] = ()) -> None:
        self._seen = [(task.id, shingles(task)) for task in tasks]

    def like(self, task: Task) -> str | None:
        """Return the id of a task that says nearly the same, `None` without one."""
        mine = shingles(task)
        return next((id_ for id_, other in self._seen if overlap(mine, other) >= ALIKE), None)

    def add(self, task: Task) -> None:
        self._seen.append((task.id, shingles(task)))


def shingles(task: Task) -> frozenset[str]:
    """Return the runs of three words of what the user wants and is; manners do not count."""
    scenario = scenario_of(task)
    words = re.findall(r"\w+", f"{scenario.reason} {scenario.known}".lower())
    return frozenset(" ".join(words[at : at + 3]) for at in range(max(1, len(words) - 2)))


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the Jaccard index of two sets."""
    return len(one & other) / len(one | other)
