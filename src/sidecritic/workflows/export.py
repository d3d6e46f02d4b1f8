"""Export labelled runs as a data set."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from sidecritic.assembly.benchmarks import benchmark_for
from sidecritic.assembly.held_out import held_out_in
from sidecritic.critics.compact import FULL, rendering
from sidecritic.datasets.balance import BALANCES
from sidecritic.datasets.export import ExportSettings, export
from sidecritic.datasets.files import has_parquet
from sidecritic.datasets.flags import FlagFinder
from sidecritic.datasets.material import Reads, recorded_material, run_material
from sidecritic.datasets.summary import Summary
from sidecritic.errors import ConfigError
from sidecritic.recorded import Recorded
from sidecritic.runs import read_record
from sidecritic.scoring.writes import WEAK_DOMAINS, is_clean
from sidecritic.settings.names import choice, command_line
from sidecritic.splits.assignment import SplitShares
from sidecritic.workflows.replay import imported_from
from sidecritic.workflows.watchers import SILENT, Watcher

HELD_OUT = ("refuse", "drop")


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """How to make the data set."""

    out: Path
    rendering: str = FULL.name
    seed: int = 0
    balance: str = "downsample"
    shares: tuple[float, float] = (0.15, 0.15)
    held_out: str = "refuse"
    hostile: tuple[Path, ...] = ()
    recorded: tuple[Path, ...] = ()
    parquet: bool | None = None
    """`None`: where pyarrow is installed."""


def export_runs(runs: Sequence[Path], asked: ExportRequest, watcher: Watcher = SILENT) -> Summary:
    """Write the data set.

    Raises:
        ConfigError: an unknown name, a run without labels, or what `export` refuses.
    """
    held_out = choice("value of --held-out", asked.held_out, HELD_OUT)
    if not runs and not asked.recorded:
        raise ConfigError("there is nothing to export; name a run, or --recorded FILE")
    read_as = rendering(asked.rendering)
    recorded = _recorded(asked.recorded, watcher)
    envs = {env for directory in runs for env in read_record(directory).versions}
    envs.update(run.critic_env for run in recorded)
    benchmarks = {env: benchmark_for(env) for env in sorted(envs)}
    validation, test = asked.shares
    wanted = ExportSettings(
        rendering=read_as,
        shares=SplitShares(validation=validation, test=test),
        balance=choice("balance", asked.balance, BALANCES),
        seed=asked.seed,
        held_out=asyncio.run(held_out_in(benchmarks.values())),
        drops_held_out=held_out == "drop",
        parquet=has_parquet() if asked.parquet is None else asked.parquet,
        command=_command(runs, asked),
    )
    if read_as.name != FULL.name:
        # The full prompt has the trajectory itself, and leaves the checks out.
        wanted = replace(wanted, notices=FlagFinder())
    reads = [*_reads(runs, asked.hostile), *_recorded_reads(recorded)]
    return export(reads, asked.out, wanted)


def _command(runs: Sequence[Path], asked: ExportRequest) -> str:
    return command_line(
        "datagen",
        "export",
        *runs,
        out=asked.out,
        rendering=asked.rendering,
        seed=asked.seed,
        balance=asked.balance,
        held_out=asked.held_out,
        validation=asked.shares[0],
        test=asked.shares[1],
        hostile=asked.hostile,
        recorded=asked.recorded,
    )


def _reads(runs: Sequence[Path], hostile: Iterable[Path]) -> Iterator[Reads]:
    marked = {directory.resolve() for directory in hostile}
    if unknown := marked - {directory.resolve() for directory in runs}:
        raise ConfigError(f"--hostile {min(unknown)} is not among the runs; add it to them")
    names = Counter[str]()
    for directory in dict.fromkeys(directory.resolve() for directory in runs):
        names[directory.name] += 1
        number = names[directory.name]
        name = directory.name if number == 1 else f"{directory.name}-{number}"
        yield partial(run_material, directory, name=name, hostile=directory in marked)


def _recorded(files: Sequence[Path], watcher: Watcher) -> tuple[Recorded, ...]:
    """Return the recorded runs whose outcomes say something about their writes."""
    if not files:
        return ()
    found = imported_from(files, watcher, most=5)
    return tuple(run for run in found.runs if run.domain not in WEAK_DOMAINS and is_clean(run))


def _recorded_reads(runs: Iterable[Recorded]) -> Iterator[Reads]:
    by_file: dict[str, list[Recorded]] = {}
    for run in runs:
        by_file.setdefault(run.file, []).append(run)
    for file, own in by_file.items():
        yield partial(recorded_material, file, own)
