"""Critics over every labelled set at hand: one table, resumable, from a server or a cassette."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from sidecritic.assembly.critics import critic_for
from sidecritic.assembly.routes import unconnected
from sidecritic.errors import ConfigError
from sidecritic.runs import RUN_FILE
from sidecritic.scoring.measure.results import BenchReport, BenchRow
from sidecritic.scoring.measure.rows import bench_rows
from sidecritic.scoring.measure.truths import with_own_labels
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.names import command_line
from sidecritic.workflows.evaluation import evaluate
from sidecritic.workflows.replay import ReplayRequest, judge_files
from sidecritic.workflows.watchers import SILENT, Watcher

PLAYED = ("shop", "procedures")
"""Environments of ours that are played where no set is given: simulated, and labelled by rules."""
_POLICY, _TOOLS = "policy.md", "tools.json"
_RUNS = (".jsonl", ".jsonl.gz", ".json.gz", ".json")


@dataclass(frozen=True, slots=True)
class BenchRequest:
    """Which critics to measure, and on what."""

    critics: tuple[str, ...]
    sets: tuple[Path, ...]
    """Files of runs or chat logs, folders of them (`policy.md` and `tools.json` beside chat logs
    are the operator's), or folders of own runs; without any, ours are played."""
    settings: Settings
    """How a critic is asked; its name and what an episode needs are not used."""
    out: Path
    """Where judgements are kept, one a line: the same again goes on."""
    labels: Path | None = None


@dataclass(frozen=True, slots=True)
class _Set:
    name: str
    files: tuple[Path, ...]
    policy: Path | None = None
    tools: Path | None = None


def bench(request: BenchRequest, *, workers: int = 1, watcher: Watcher = SILENT) -> BenchReport:
    """Judge every set with every critic, and return the table.

    A set that cannot be judged has a row that says why.

    Raises:
        ConfigError: there is no such critic, or a set is not there.
    """
    for name in request.critics:
        # What is wrong with the name is wrong everywhere; what a domain lacks stands in its row.
        critic_for(name, PLAYED[0], unconnected)
    sets = _told_apart([_set_at(path) for path in request.sets] or _played(request, watcher))
    rows = [
        row
        for critic in request.critics
        for each in sets
        for row in _rows(critic, each, request, workers, watcher)
    ]
    return BenchReport(
        rows=tuple(rows),
        notes=tuple(_notes(request)),
        command=command_line("bench", *request.critics, on=list(request.sets) or None),
    )


def _notes(request: BenchRequest) -> Iterator[str]:
    if not request.sets:
        yield (
            "No set was given (--on): these runs are played by simulated parties, whose mistakes "
            "are a script's. Figures that mean something are those of your own conversations."
        )
    if request.settings.cassette is not None:
        yield "Answers are those of a cassette: times are left out."


def _told_apart(sets: Iterable[_Set]) -> list[_Set]:
    """Return the sets, those of one name with that of their folder before it."""
    found = list(sets)
    count = Counter(each.name for each in found)
    return [
        replace(each, name=f"{each.files[0].resolve().parent.name}/{each.name}")
        if count[each.name] > 1
        else each
        for each in found
    ]


def _set_at(path: Path) -> _Set:
    if path.is_file():
        return _Set(path.name.partition(".")[0], (path,))
    if not path.is_dir():
        raise ConfigError(f"there is no set {path}; give a file of runs or chat logs, or a folder")
    if (path / RUN_FILE).exists():
        return _Set(path.name, (path,))
    files = tuple(
        file for file in sorted(path.iterdir()) if file.name.endswith(_RUNS) and file.name != _TOOLS
    )
    if not files:
        raise ConfigError(f"the set {path} holds no runs; they end with {', '.join(_RUNS)}")
    given = [path / name if (path / name).exists() else None for name in (_POLICY, _TOOLS)]
    return _Set(path.name, files, *given)


def _played(request: BenchRequest, watcher: Watcher) -> Iterator[_Set]:
    for env in PLAYED:
        run = request.out / "played" / env
        plays = {"env": (env,), "split": "test", "trials": 4, "critic": "none"}
        evaluate(Settings.model_validate({**plays, "out": str(run)}), title=env, watcher=watcher)
        yield _Set(env, (run,))


def _rows(
    critic: str, each: _Set, request: BenchRequest, workers: int, watcher: Watcher
) -> Iterator[BenchRow]:
    start = BenchRow(critic=critic, set=each.name)
    asked = ReplayRequest(
        each.files,
        request.settings.model_copy(update={"critic": critic}),
        request.labels,
        request.out / f"{_slug(critic)}-{_slug(str(each.files[0]), each.name)}.jsonl",
        policy=each.policy,
        tools=each.tools,
    )
    try:
        request.out.mkdir(parents=True, exist_ok=True)
        judged = judge_files(asked, workers=workers, watcher=watcher)
    except ConfigError as error:
        yield start.model_copy(update={"problem": str(error)})
        return
    for env, why in judged.source.skipped.items():
        yield start.model_copy(update={"domain": env, "problem": why})
    runs = [with_own_labels(run) for run in judged.runs]
    timed = request.settings.cassette is None
    yield from bench_rows(runs, judged.lines, judged.readers, start, timed=timed)


def _slug(full: str, shown: str = "") -> str:
    """Return a part of a file's name that is distinct for each full text."""
    short = re.sub(r"[^\w.-]+", "-", shown or full)[:60]
    return f"{short}-{sha256(full.encode()).hexdigest()[:6]}"
