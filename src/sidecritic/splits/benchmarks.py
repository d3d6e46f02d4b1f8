"""What no critic is trained on: the tasks of the test split, and their users."""

from collections.abc import Mapping
from functools import cached_property

from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Environment, Model, Peopled
from sidecritic.types import Task

TEST = "test"


class HeldOut:
    """The test split of a benchmark, and its users."""

    def __init__(self, benchmark: Benchmark) -> None:
        """Read the split from the benchmark's own tasks, never from another file."""
        self.benchmark = benchmark
        tasks = benchmark.tasks(TEST) if TEST in benchmark.splits() else ()
        self._ids = frozenset(task.id for task in tasks)
        self._tasks = tasks

    @cached_property
    def users(self) -> Mapping[str, str]:
        """User to a test task that is about them; empty where a benchmark tells no users apart."""
        return {user: task.id for task in self._tasks for user in self._users_of(task)}

    def objection(self, task: Task) -> str | None:
        """Return why a task must not be learned from; `None` if it may be."""
        if task.split == TEST or task.id in self._ids:
            return f"task {task.id!r} of {task.env} is in the {TEST} split"
        return self.shared_user(task)

    def shared_user(self, task: Task) -> str | None:
        """Return why the user of a task is held out; `None` if they are not."""
        for user in sorted(self._users_of(task)):
            if user in self.users:
                return (
                    f"task {task.id!r} of {task.env} is about user {user}, as is "
                    f"{TEST} task {self.users[user]!r}"
                )
        return None

    def is_test(self, task: Task) -> bool:
        """Whether the task itself is held out, whatever its user."""
        return task.split == TEST or task.id in self._ids

    def _users_of(self, task: Task) -> frozenset[str]:
        benchmark = self.benchmark
        return benchmark.users_of(task) if isinstance(benchmark, Peopled) else frozenset()


class KeptApart:
    """A benchmark without the tasks whose users are also in its test split."""

    def __init__(self, benchmark: Benchmark, held_out: HeldOut) -> None:
        self._benchmark = benchmark
        self._held_out = held_out

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
        refuse_tests(tasks, self._held_out)
        kept = tuple(task for task in tasks if self._held_out.shared_user(task) is None)
        if not kept:
            raise ConfigError(
                f"all {len(tasks)} tasks of the split {split!r} of {self.name} are about users of "
                f"its {TEST} split, such as: {self._held_out.shared_user(tasks[0])}; create others "
                f"by `sidecritic tasks synth --env {self.name}`"
            )
        return kept

    def left_out(self, split: str) -> tuple[Task, ...]:
        """Return the tasks of a split that may not be learned from."""
        tasks = self._benchmark.tasks(split)
        return tuple(task for task in tasks if self._held_out.objection(task) is not None)

    def environment(self, task: Task, user: Model) -> Environment:
        return self._benchmark.environment(task, user)


def refuse_tests(tasks: tuple[Task, ...], held_out: HeldOut, *, users: bool = False) -> None:
    """Refuse tasks that are held out themselves, and with `users` those that share a user.

    Raises:
        ConfigError: naming the first of them.
    """
    found = [
        why
        for task in tasks
        if (why := held_out.objection(task)) is not None and (users or held_out.is_test(task))
    ]
    if found:
        more = f", and {len(found) - 1} more like it" if len(found) > 1 else ""
        raise ConfigError(
            f"nothing may be learned from tests: {found[0]}{more}; choose the split train, or "
            "take them out of the file"
        )
