"""Tasks from a file with one `Task` per line, for benchmarks that can check them."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.ports import Benchmark, Environment, Model, Peopled
from sidecritic.types import Task

_Held = TypeVar("_Held")


@runtime_checkable
class Checking(Protocol):
    """A benchmark that can say whether it could play and grade a task."""

    def check(self, task: Task, where: str) -> None:
        """Check a task that comes from `where`, such as a line of a file.

        Raises:
            ConfigError: it could not be played or graded.
        """
        ...


class ListedTasks:
    """A benchmark that takes its tasks from a file."""

    def __init__(self, benchmark: Benchmark, file: Path) -> None:
        """Read and check the tasks.

        Raises:
            ConfigError: a line is not a task of this benchmark.
        """
        self._benchmark = benchmark
        self._file = file
        self._tasks = read_tasks(file, benchmark)
        self._digest = sha256(bytes_of(file)).hexdigest()[:12]

    @property
    def name(self) -> str:
        return self._benchmark.name

    @property
    def versions(self) -> dict[str, str]:
        set_ = f"{self._file.name} sha256:{self._digest}"
        return {**self._benchmark.versions, "task set": set_}

    def splits(self) -> dict[str, int]:
        return dict(Counter(task.split for task in self._tasks))

    def tasks(self, split: str) -> tuple[Task, ...]:
        found = tuple(task for task in self._tasks if task.split == split)
        if not found:
            known = ", ".join(f"{name} ({number})" for name, number in self.splits().items())
            raise ConfigError(
                f"{self._file} has no task in the split {split!r}; it has: {known}; "
                f"choose one with --split"
            )
        return found

    def users_of(self, task: Task) -> frozenset[str]:
        base = self._benchmark
        return base.users_of(task) if isinstance(base, Peopled) else frozenset()

    def environment(self, task: Task, user: Model) -> Environment:
        return self._benchmark.environment(task, user)


def in_split(split: str, splits: Mapping[str, _Held], name: str, *, hint: str = "") -> _Held:
    """Return what a split of the benchmark `name` holds.

    Raises:
        ConfigError: there is no such split.
    """
    if split not in splits:
        raise ConfigError(f"{name} has no split {split!r}; known: {', '.join(splits)}{hint}")
    return splits[split]


def holds_task_lines(file: Path) -> bool:
    """Whether a file is one of `Task` lines, rather than in a benchmark's own format."""
    if file.suffix == ".jsonl":
        return True
    try:
        first = file.read_bytes().lstrip().split(b"\n", 1)[0]
        record: object = json.loads(first)
    except (OSError, ValueError):
        # The reader of the benchmark's own format reports both better.
        return False
    return isinstance(record, dict) and "env" in record and "data" in record


def read_tasks(file: Path, benchmark: Benchmark) -> tuple[Task, ...]:
    """Read and check the tasks of a file.

    Raises:
        ConfigError: a line is not a task of this benchmark, or the file is empty.
    """
    if not isinstance(benchmark, Checking):
        raise ConfigError(
            f"{benchmark.name} cannot check the tasks of {file}; files of one task a line are "
            "for τ² and the shop"
        )
    seen: dict[str, int] = {}
    tasks: list[Task] = []
    for number, line in _lines(file):
        where = f"{file}: line {number}"
        task = _task(line, where)
        if task.env != benchmark.name:
            raise ConfigError(
                f"{where} is a task of {task.env!r}, not of {benchmark.name!r}; choose that "
                "with --env, or take the line out"
            )
        if task.id in seen:
            raise ConfigError(
                f"{file}: lines {seen[task.id]} and {number} have the same id {task.id!r}; "
                "give each its own"
            )
        benchmark.check(task, f"{where} (id {task.id!r})")
        seen[task.id] = number
        tasks.append(task)
    if not tasks:
        raise ConfigError(f"{file} holds no task; create some: sidecritic tasks synth --help")
    return tuple(tasks)


def to_lines(tasks: Sequence[Task]) -> str:
    """Return tasks as the text of a file."""
    return "".join(task.model_dump_json() + "\n" for task in tasks)


def _lines(file: Path) -> Iterator[tuple[int, str]]:
    try:
        text = bytes_of(file).decode("utf-8")
    except UnicodeDecodeError as cause:
        raise ConfigError(f"{file} is not UTF-8 text: {cause.reason}") from cause
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def _task(line: str, where: str) -> Task:
    try:
        task = Task.model_validate_json(line)
    except ValidationError as cause:
        raise ConfigError(
            f"{where} is not a task: {first_problem(cause)}; each line is one JSON object "
            "{id, env, split, data}"
        ) from cause
    if not task.id.strip() or not task.split.strip():
        raise ConfigError(f"{where} has an empty id or split; give it both")
    inside = task.data.get("id", task.id)
    if inside != task.id:
        raise ConfigError(f"{where} has the id {task.id!r} outside, {inside!r} in its data")
    return task


def bytes_of(file: Path) -> bytes:
    """Return what a file of the user's holds.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_bytes()
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
