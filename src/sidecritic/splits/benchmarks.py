"""The test split of a benchmark: its tasks and users, from which no critic learns."""

from collections.abc import Mapping
from functools import cached_property

from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Environment, Model, Peopled
from sidecritic.types import Task

TEST = "test"


class HeldOutSplit:
    """The test split of a benchmark, and the users in it."""

    def __init__(self, benchmark: Benchmark) -> None:
        """Take the split from the benchmark's own tasks, never from another file."""
        self.benchmark = benchmark
        tasks = benchmark.tasks(TEST) if TEST in benchmark.splits() else ()
        self._ids = frozenset(task.id for task in tasks)
        self._tasks = tasks

    @cached_property
    def users(self) -> Mapping[str, str]:
        """User to a test task about them; empty where a benchmark does not tell users apart."""
        return {user: task.id for task in self._tasks for user in self._users_of(task)}

    def objection(self, task: Task) -> str | None:
        """Return why nothing may be learned from a task, `None` if something may."""
        if self.is_test(task):
            return f"task {task.id!r} of {task.env} is in the {TEST} split"
        return self.shared_user(task)

    def shared_user(self, task: Task) -> str | None:
        """Return which test task has a user of this task too, `None` if none has."""
        for user in sorted(self._users_of(task)):
            if user in self.users:
                return (
                    f"task {task.id!r} of {task.env} is about user {user}, as is "
                    f"{TEST} task {self.users[user]!r}"
                )
        return None

    def is_test(self, task: Task) -> bool:
        """Whether the task itself is in the test split."""
        return task.split == TEST or task.id in self._ids

    def _users_of(self, task: Task) -> frozenset[str]:
        benchmark = self.benchmark
        return benchmark.users_of(task) if isinstance(benchmark, Peopled) else frozenset()


class WithoutTestUsers:
    """A benchmark without the tasks whose users are also in its test split."""

    def __init__(self, benchmark: Benchmark, tests: HeldOutSplit) -> None:
        self._benchmark = benchmark
        self._tests = tests

    @property
    def name(self) -> str:
        return self._benchmark.name

    @property
    def versions(self) -> dict[str, str]:
        return {**self._benchmark.versions, "kept apart": "from tasks and users of the test split"}

    def splits(self) -> dict[str, int]:
        return self._benchmark.splits()

    def tasks(self, split: str) -> tuple[Task, ...]:
        """Return the tasks that may be learned from.

        Raises:
            ConfigError: there is no such split, it holds test tasks, or nothing is left.
        """
        tasks = self._benchmark.tasks(split)
        require_no_tests(tasks, self._tests)
        kept = tuple(task for task in tasks if self._tests.shared_user(task) is None)
        if not kept:
            raise ConfigError(
                f"all {len(tasks)} tasks of the split {split!r} of {self.name} are about users of "
                f"its {TEST} split, such as: {self._tests.shared_user(tasks[0])}; write others "
                f"with `sidecritic tasks synth --env {self.name}`"
            )
        return kept

    def environment(self, task: Task, user: Model) -> Environment:
        return self._benchmark.environment(task, user)


def require_no_tests(tasks: tuple[Task, ...], tests: HeldOutSplit, *, users: bool = False) -> None:
    """Raise for tasks of the test split, and with `users` for those that share a user with one.

    Raises:
        ConfigError: naming the first of them.
    """
    found = [
        why
        for task in tasks
        if (why := tests.objection(task)) is not None and (users or tests.is_test(task))
    ]
    if found:
        more = f", and {len(found) - 1} more like it" if len(found) > 1 else ""
        raise ConfigError(
            f"nothing may be learned from tests: {found[0]}{more}; choose the split train, or "
            "take them out of the file"
        )
