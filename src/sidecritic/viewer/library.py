"""The runs below a folder, and a row an episode: enough to list, filter and sort thousands.

An episode itself is read when it is opened, by where its line stands. A run that grows is read on
from where it ended.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sidecritic.errors import ConfigError
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord, read_record
from sidecritic.trace import Trajectory

Result = Literal["passed", "failed", "not graded"]

_DEPTH = 3
"""Folders below the one that was named in which runs are looked for."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class _Usage(_Part):
    input_tokens: int = 0
    output_tokens: int = 0
    cost_usd: float | None = None


class _Call(_Part):
    name: str = ""


class _Message(_Part):
    calls: tuple[_Call, ...] = ()


class _Completion(_Part):
    message: _Message = _Message()
    usage: _Usage = _Usage()
    seconds: float = 0.0
    faults: tuple[_Part, ...] = ()


class _Verdict(_Part):
    kind: str = ""


class _Flag(_Part):
    name: str = ""


class _Judgement(_Part):
    verdict: _Verdict = _Verdict()
    status: str = "ok"
    category: str = ""
    flags: tuple[_Flag, ...] = ()
    usage: _Usage = _Usage()
    seconds: float = 0.0


class _Outcome(_Part):
    reward: float = 0.0
    passed: bool | None = None


class _Event(_Part):
    """What a row needs of an event, whatever its kind."""

    event: str
    completion: _Completion = _Completion()
    judgement: _Judgement | None = None
    error: str = ""
    reason: str = ""
    outcome: _Outcome | None = None


class _Task(_Part):
    id: str
    env: str


class _Line(_Part):
    id: str
    task: _Task
    trial: int
    simulated: tuple[str, ...] = ()
    events: tuple[_Event, ...] = Field(default=())


@dataclass(frozen=True, slots=True)
class EpisodeRow:
    """One episode as a line of a table."""

    number: int
    """Its place in the run, from 1: what its address holds."""
    start: int
    """Byte at which its line begins."""
    length: int
    id: str
    env: str
    task: str
    trial: int
    result: Result
    reason: str
    """Why it ended."""
    simulated: tuple[str, ...]
    turns: int
    sent_back: int
    """Proposals that a critic did not approve."""
    faults: int
    """Mistakes that a simulated actor made on purpose."""
    failures: int
    """Of critic, model or environment."""
    tokens: int
    cost: float | None
    seconds: float
    words: str
    """What a search looks in: task, tools, checks, kinds of mistake, errors; in small letters."""


class _Index(NamedTuple):
    rows: list[EpisodeRow]
    problems: list[str]


@dataclass(slots=True)
class RunFolder:
    """A run, and the rows of its episodes as far as they were read."""

    name: str
    """Path below the folder that was named: what its address holds."""
    directory: Path
    record: RunRecord
    _index: _Index = field(default_factory=lambda: _Index([], []))
    _read: int = 0
    _lines: int = 0
    _lock: Lock = field(default_factory=Lock)

    @property
    def file(self) -> Path:
        return self.directory / TRAJECTORIES_FILE

    @property
    def title(self) -> str:
        return self.name or self.directory.resolve().name

    @property
    def problems(self) -> list[str]:
        return self._index.problems

    def rows(self) -> list[EpisodeRow]:
        """Return a row for each episode that has been played until now.

        Raises:
            ConfigError: the file cannot be read.
        """
        with self._lock:
            try:
                size = self.file.stat().st_size if self.file.exists() else 0
                if size < self._read:  # played anew
                    self._index, self._read, self._lines = _Index([], []), 0, 0
                if size > self._read:
                    self._read_on()
            except OSError as cause:
                raise ConfigError(f"cannot read {self.file}: {cause.strerror}") from cause
            return self._index.rows

    def row(self, number: int) -> EpisodeRow:
        """Raise a `ConfigError` if there is no such episode."""
        rows = self.rows()
        if not 0 < number <= len(rows):
            raise ConfigError(f"{self.title} has {len(rows)} episodes, and no number {number}")
        return rows[number - 1]

    def trajectory(self, row: EpisodeRow) -> Trajectory:
        """Read one episode whole.

        Raises:
            ConfigError: the file cannot be read, or was changed.
        """
        try:
            with self.file.open("rb") as file:
                file.seek(row.start)
                return Trajectory.model_validate_json(file.read(row.length))
        except (OSError, ValidationError) as cause:
            raise ConfigError(f"cannot read episode {row.number} of {self.file} again") from cause

    def _read_on(self) -> None:
        with self.file.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return  # still being written
                start, self._read = self._read, self._read + len(line)
                self._lines += 1
                if not line.strip():
                    continue
                try:
                    read = _Line.model_validate_json(line)
                except ValidationError:
                    self._index.problems.append(f"line {self._lines} cannot be read")
                    continue
                number = len(self._index.rows) + 1
                self._index.rows.append(_row(read, number, start, len(line)))


class Library:
    """All runs at or below a folder."""

    def __init__(self, folder: Path) -> None:
        """Raise a `ConfigError` if there is no such folder."""
        if not folder.is_dir():
            raise ConfigError(f"no folder {folder}; give a run, or a folder of runs")
        self.folder = folder
        self._known: dict[str, RunFolder] = {}

    @property
    def is_run(self) -> bool:
        """Whether the folder is itself a run."""
        return (self.folder / RUN_FILE).is_file()

    def runs(self) -> list[RunFolder]:
        """Return the runs that are there now, the latest first.

        A folder whose `run.json` cannot be read is none.
        """
        found = {_name(self.folder, each): each for each in _folders(self.folder)}
        for name, directory in found.items():
            if name not in self._known:
                try:
                    record = read_record(directory)
                except ConfigError:
                    continue
                self._known[name] = RunFolder(name, directory, record)
        there = [run for name, run in self._known.items() if name in found]
        return sorted(there, key=lambda run: _changed(run.directory), reverse=True)

    def run(self, name: str) -> RunFolder:
        """Return the run of that name.

        Raises:
            ConfigError: there is none.
        """
        # A name is looked up, never joined to a path: none leads out of the folder.
        found = next((run for run in self.runs() if run.title == name), None)
        if found is None:
            raise ConfigError(f"no run {name!r} in {self.folder}")
        return found


def _folders(folder: Path) -> Iterator[Path]:
    if (folder / RUN_FILE).is_file():
        yield folder
        return
    for depth in range(1, _DEPTH + 1):
        for file in folder.glob("/".join(["*"] * depth) + f"/{RUN_FILE}"):
            yield file.parent


def _name(folder: Path, directory: Path) -> str:
    return "" if directory == folder else directory.relative_to(folder).as_posix()


def _changed(directory: Path) -> float:
    file = directory / TRAJECTORIES_FILE
    try:
        return (file if file.exists() else directory).stat().st_mtime
    except OSError:
        return 0.0


def _row(read: _Line, number: int, start: int, length: int) -> EpisodeRow:
    judged = [event.judgement for event in read.events if event.judgement is not None]
    drafts = [event.completion for event in read.events if event.event == "proposed"]
    spent = [each.usage for each in (*drafts, *judged)]
    costs = [usage.cost_usd for usage in spent if usage.cost_usd is not None]
    errors = [event.error for event in read.events if event.event == "failed"]
    last = read.events[-1] if read.events else None
    return EpisodeRow(
        number=number,
        start=start,
        length=length,
        id=read.id,
        env=read.task.env,
        task=read.task.id,
        trial=read.trial,
        result=_result(last.outcome if last else None),
        reason=last.reason if last else "",
        simulated=read.simulated,
        turns=sum(event.event == "executed" for event in read.events),
        sent_back=sum(each.verdict.kind != "approve" and each.status == "ok" for each in judged),
        faults=sum(len(each.faults) for each in drafts),
        failures=len(errors) + sum(each.status != "ok" for each in judged),
        tokens=sum(usage.input_tokens + usage.output_tokens for usage in spent),
        cost=sum(costs) if costs else None,
        seconds=sum(each.seconds for each in (*drafts, *judged)),
        words=_words(read, drafts, judged, errors),
    )


def _words(
    read: _Line, drafts: list[_Completion], judged: list[_Judgement], errors: list[str]
) -> str:
    tools = (call.name for draft in drafts for call in draft.message.calls)
    checks = (flag.name for each in judged for flag in each.flags)
    kinds = (each.category for each in judged)
    task = (read.task.env, read.task.id, read.id)
    return " ".join(dict.fromkeys((*task, *tools, *kinds, *checks, *errors))).lower()


def _result(outcome: _Outcome | None) -> Result:
    if outcome is None:
        return "not graded"
    passed = outcome.reward >= 1 if outcome.passed is None else outcome.passed
    return "passed" if passed else "failed"
