"""UserBench: a travel assistant that has to find out what its user wants.

The agent acts through one tool, `interact_with_env`, with a search, an utterance or an answer;
the user is any `Model` that can fill in the four judgements of
`judge`.

    userbench:travel22            a subset of the user's download, one choice per aspect
    userbench:fixture             our own tasks in the same schema; not UserBench scores
    userbench:SUBSET:multi        any number of choices
    userbench:SUBSET:async        the released script's asynchronous rules; `sync` the other ones
    userbench:SUBSET:wrong=5      so many wrong options; `noise=N` likewise

Where this departs from upstream: a judgement that fails ends the episode as invalid instead of
as a low score; a message without a call counts as an utterance instead of ending the episode,
because the supervisor may send one (`async` and `sync` keep upstream's rule); prompts are ours.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, reduce
from pathlib import Path

from sidecritic.envs.task_files import in_split
from sidecritic.envs.userbench.episode import UserBenchEpisode
from sidecritic.envs.userbench.rules import (
    PAPER,
    UPSTREAM_ASYNC,
    UPSTREAM_SYNC,
    Rules,
    TripProgress,
)
from sidecritic.envs.userbench.tasks import FIXTURE, Database, Trip, load, require_subset, trip_of
from sidecritic.errors import ConfigError
from sidecritic.ports import Environment, Model
from sidecritic.types import Task

VERSION = "sidecritic-userbench-1"

_MODES: Mapping[str, Rules] = {"async": UPSTREAM_ASYNC, "sync": UPSTREAM_SYNC}


class UserBench:
    """One subset under one set of rules."""

    def __init__(self, name: str, *, folder: Path | None = None, file: Path | None = None) -> None:
        """Take a name such as `userbench:travel22:multi`.

        Raises:
            ConfigError: an unknown subset or option.
        """
        self.name = name
        _, self._subset, *options = name.split(":")
        self._rules = reduce(_with_option, options, PAPER)
        self._folder = folder
        self._file = file
        self._trips: dict[str, Trip] = {}
        require_subset(self._subset)

    @property
    def versions(self) -> dict[str, str]:
        kind = "our own fixture, no UserBench" if self._subset == FIXTURE else self._subset
        return {
            "task set": f"{kind}, sha256 {self._database.digest[:16]}",
            "grader": VERSION,
            "rules": f"{self._rules.name}, {'one choice' if self._rules.one_choice else 'multi'}",
        }

    def splits(self) -> dict[str, int]:
        return {split: len(ids) for split, ids in self._database.splits.items()}

    def tasks(self, split: str) -> tuple[Task, ...]:
        splits = self._database.splits
        hint = "" if "test" in splits else "; say which tasks it holds in splits.json"
        return tuple(
            Task(id=id_, env=self.name, split=split, data=dict(self._database.tasks[id_]))
            for id_ in in_split(split, splits, self.name, hint=hint)
        )

    def environment(self, task: Task, user: Model) -> Environment:
        trip = self.trip(task)
        return UserBenchEpisode(trip, user, TripProgress(trip, self._rules))

    def trip(self, task: Task) -> Trip:
        """Return a task, read and checked once."""
        if task.id not in self._trips:
            self._trips[task.id] = trip_of(task.id, task.data)
        return self._trips[task.id]

    @cached_property
    def _database(self) -> Database:
        return load(self._subset, folder=self._folder, file=self._file)


def _with_option(rules: Rules, option: str) -> Rules:
    if option == "multi":
        return replace(rules, one_choice=False)
    if option in _MODES:
        mode = _MODES[option]
        return replace(mode, one_choice=rules.one_choice, wrong=rules.wrong, noise=rules.noise)
    counted = re.fullmatch(r"(wrong|noise)=(\d{1,2})", option)
    if counted is None:
        raise ConfigError(
            f"unknown UserBench option {option!r}; known: multi, async, sync, wrong=N, noise=N"
        )
    number = int(counted[2])
    return replace(rules, wrong=number) if counted[1] == "wrong" else replace(rules, noise=number)
