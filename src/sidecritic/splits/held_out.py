"""Tasks and users of test splits, as runs and data sets on file are compared with them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark
from sidecritic.splits.benchmarks import TEST
from sidecritic.splits.users import ONE_USER, domain_of, user_of_task

_SHOWN = 8
"""Names in a message."""


class SplitRow(Protocol):
    """Anything that belongs to one task and one user."""

    @property
    def env(self) -> str: ...
    @property
    def task_id(self) -> str: ...
    @property
    def user_id(self) -> str: ...


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What benchmarks keep for tests.

    Unlike a `HeldOutSplit`, it compares across benchmarks, and knows users whom only the reference
    of a task finds.
    """

    tasks: frozenset[tuple[str, str]] = frozenset()
    """Domain and id of each task of a test split: τ-bench and τ²-bench number theirs alike."""
    users: frozenset[tuple[str, str]] = frozenset()
    """Domain and id of each user who appears in one of them."""

    def __or__(self, other: "HeldOut") -> "HeldOut":
        return HeldOut(self.tasks | other.tasks, self.users | other.users)

    def objection(self, row: SplitRow) -> str | None:
        """Return why nothing may be learned from a row, `None` if something may."""
        if (domain_of(row.env), row.task_id) in self.tasks:
            return f"task {row.task_id!r} of {row.env} is in its test split"
        if (domain_of(row.env), row.user_id) in self.users:
            return f"user {row.user_id!r} of {row.env} appears in its test split"
        return None


async def held_out(benchmark: Benchmark) -> HeldOut:
    """Return tasks and users of the test split; nothing for a benchmark without one."""
    if TEST not in benchmark.splits():
        return HeldOut()
    tasks = benchmark.tasks(TEST)
    domain = domain_of(benchmark.name)
    users = [await user_of_task(benchmark, task) for task in tasks]
    return HeldOut(
        tasks=frozenset((domain, task.id) for task in tasks),
        users=frozenset((domain, user) for user in users if domain not in ONE_USER),
    )


def require_none_held_out(rows: Iterable[SplitRow], held_out: HeldOut) -> None:
    """Raise where a row is of a held-out task or user.

    Raises:
        ConfigError: names the tasks and users.
    """
    found = list(dict.fromkeys(filter(None, map(held_out.objection, rows))))
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConfigError(
            f"nothing may be learned from what is held out for tests: "
            f"{'; '.join(found[:_SHOWN])}{more}; play other tasks, or leave these out with "
            "--held-out drop"
        )
