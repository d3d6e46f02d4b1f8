"""Environments, splits and tasks, for `sidecritic tasks`."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from sidecritic.config import ENVS, Settings, benchmark_for, sources_of
from sidecritic.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Listing:
    envs: tuple[str, ...]
    env: str | None
    versions: Mapping[str, str]
    splits: Mapping[str, int]
    split: str | None
    tasks: tuple[str, ...]

    def as_json(self) -> dict[str, JsonValue]:
        """Return everything that is known, empty where it was not asked for."""
        return {
            "envs": list(self.envs),
            "env": self.env,
            "versions": dict(self.versions),
            "splits": dict(self.splits),
            "split": self.split,
            "tasks": list(self.tasks),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person asked for, one name a line."""
        if self.split is not None:
            yield from self.tasks
        elif self.env is not None:
            yield from (f"{name}: {version}" for name, version in self.versions.items())
            yield from (f"split {name}: {number} tasks" for name, number in self.splits.items())
        else:
            yield from self.envs


def list_tasks(env: str | None, split: str | None, tasks_file: Path | None) -> Listing:
    """Return what there is to play.

    Raises:
        ConfigError: an unknown environment or split, or an unusable task file.
    """
    if env is None:
        for flag, value in (("--split", split), ("--tasks", tasks_file)):
            if value is not None:
                raise ConfigError(f"{flag} {value} needs an environment; add --env NAME")
        return Listing(ENVS, None, {}, {}, None, ())
    given = str(tasks_file) if tasks_file is not None else None
    benchmark = benchmark_for(env, sources_of(Settings(tasks=given)))
    found = tuple(task.id for task in benchmark.tasks(split)) if split is not None else ()
    return Listing(ENVS, env, benchmark.versions, benchmark.splits(), split, found)
