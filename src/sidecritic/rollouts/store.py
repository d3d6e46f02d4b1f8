"""A run directory while it is being written: locked, append-only, one line an episode."""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from sidecritic.errors import ConfigError
from sidecritic.journal import Journal, open_journal
from sidecritic.rollouts.plan import Key
from sidecritic.runs import (
    RUN_FILE,
    TRAJECTORIES_FILE,
    RunRecord,
    read_record,
    read_run,
    write_whole,
)
from sidecritic.trace import from_lines

Notify = Callable[[str], None]
"""Takes one line for the person who waits."""


class Store(NamedTuple):
    """The open `trajectories.jsonl` of one run."""

    journal: Journal
    finished: Mapping[Key, bool]
    """Episodes that were on file at the start; `True` for an infrastructure failure."""

    def append(self, line: str) -> None:
        """Write the line of an episode whole, and sync it to disk."""
        self.journal.append(line)


@contextmanager
def open_run(directory: Path, record: RunRecord, notify: Notify) -> Generator[Store]:
    """Open a run directory for writing, a new one or one to be resumed.

    Raises:
        ConfigError: another process writes it, or it was made with other settings.
    """
    with open_journal(directory / TRAJECTORIES_FILE) as journal:
        _agree(directory, record, empty=journal.size == 0)
        _mend(journal, notify)
        yield Store(journal, _finished(directory, notify))


def _agree(directory: Path, record: RunRecord, *, empty: bool) -> None:
    if not (directory / RUN_FILE).exists():
        if not empty:
            raise ConfigError(
                f"{directory} holds {TRAJECTORIES_FILE} but no {RUN_FILE}, so it is unknown what "
                "made it; choose another --out"
            )
        _write_record(directory / RUN_FILE, record)
        return
    there = read_record(directory)
    remedy = f"choose another --out, or repeat the command that made it: {there.command}"
    for name, old, new in _pairs(there, record):
        if old != new:
            raise ConfigError(
                f"{directory} was made with {name} = {old!r}, now it is {new!r}; {remedy}"
            )
    if there.briefings != record.briefings:
        raise ConfigError(
            f"{directory} was made with another policy, tools or system prompt; {remedy}"
        )


def _write_record(file: Path, record: RunRecord) -> None:
    try:
        write_whole(file, record.model_dump_json(indent=2) + "\n")
    except OSError as cause:
        raise ConfigError(
            f"cannot write {file}: {cause.strerror}; make room, or choose another --out"
        ) from cause


def _pairs(there: RunRecord, here: RunRecord) -> Iterator[tuple[str, object, object]]:
    for name in sorted(there.settings.keys() | here.settings.keys()):
        yield name, there.settings.get(name), here.settings.get(name)
    for env in sorted(there.versions.keys() | here.versions.keys()):
        old, new = there.versions.get(env, {}), here.versions.get(env, {})
        for name in sorted(old.keys() | new.keys()):
            yield f"{name} of {env}", old.get(name), new.get(name)


def _mend(journal: Journal, notify: Notify) -> None:
    """Set a last line aside that was cut off by a kill."""
    tail, file = journal.unfinished(), journal.file
    if not tail:
        return
    if from_lines([tail.decode(errors="surrogateescape")], file=str(file)).trajectories:
        journal.append("\n")
        return
    number = 1
    while (aside := file.with_name(f"{file.name}.broken-{number}")).exists():
        number += 1
    aside.write_bytes(tail)
    journal.drop(len(tail))
    notify(f"the last line of {file} was cut off: moved to {aside.name}, played again")


def _finished(directory: Path, notify: Notify) -> dict[Key, bool]:
    run = read_run(directory)
    for problem in run.problems:
        notify(f"{problem} (left as it is; that episode is played again)")
    return {line.key: line.ended is None or line.ended.outcome is None for line in run.trajectories}
