"""Make a data set of labelled runs: what `datagen export` does."""

import asyncio
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidecritic.cli.edge import note
from sidecritic.config import benchmark_for, suggestion
from sidecritic.config.held_out import held_out_in
from sidecritic.critics.compact import FULL, rendering
from sidecritic.datasets.balance import BALANCES, Balance
from sidecritic.datasets.export import ExportSettings, export
from sidecritic.datasets.files import has_parquet
from sidecritic.datasets.flags import FlagFinder
from sidecritic.datasets.material import Reads, recorded_material, run_material
from sidecritic.datasets.summary import Summary
from sidecritic.errors import ConfigError
from sidecritic.recorded import Recorded
from sidecritic.runs import read_record
from sidecritic.splits.assignment import SplitShares

if TYPE_CHECKING:
    from rich.console import RenderableType

HELD_OUT = ("refuse", "drop")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `datagen export` for."""

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


def export_runs(runs: Sequence[Path], asked: Asked) -> Summary:
    """Write the data set.

    Raises:
        ConfigError: an unknown name, a run without labels, or what `export` refuses.
    """
    if asked.held_out not in HELD_OUT:
        raise ConfigError(f"--held-out is {asked.held_out!r}{suggestion(asked.held_out, HELD_OUT)}")
    if not runs and not asked.recorded:
        raise ConfigError("there is nothing to make a data set of; name a run, or --recorded FILE")
    read_as = rendering(asked.rendering)
    recorded = _recorded(asked.recorded)
    envs = {env for directory in runs for env in read_record(directory).versions}
    envs.update(run.critic_env for run in recorded)
    benchmarks = {env: benchmark_for(env) for env in sorted(envs)}
    validation, test = asked.shares
    wanted = ExportSettings(
        rendering=read_as,
        shares=SplitShares(validation=validation, test=test),
        balance=balance_named(asked.balance),
        seed=asked.seed,
        held_out=asyncio.run(held_out_in(benchmarks.values())),
        drops_held_out=asked.held_out == "drop",
        parquet=has_parquet() if asked.parquet is None else asked.parquet,
        command=_command(runs, asked),
    )
    if read_as.name != FULL.name:
        # The full prompt has the trajectory itself, and leaves the checks out.
        wanted = replace(wanted, notices=FlagFinder())
    reads = [*_reads(runs, asked.hostile), *_recorded_reads(recorded)]
    return export(reads, asked.out, wanted)


def _command(runs: Sequence[Path], asked: Asked) -> str:
    words = ["sidecritic", "datagen", "export", *map(str, runs), "--out", str(asked.out)]
    words += ["--rendering", asked.rendering, "--seed", str(asked.seed)]
    words += ["--balance", asked.balance, "--held-out", asked.held_out]
    words += ["--validation", str(asked.shares[0]), "--test", str(asked.shares[1])]
    for flag, paths in (("--hostile", asked.hostile), ("--recorded", asked.recorded)):
        words += [word for path in paths for word in (flag, str(path))]
    return shlex.join(words)


def _reads(runs: Sequence[Path], hostile: Iterable[Path]) -> Iterator[Reads]:
    marked = {directory.resolve() for directory in hostile}
    if unknown := marked - {directory.resolve() for directory in runs}:
        raise ConfigError(f"--hostile {min(unknown)} is none of the runs; name it as one")
    names = Counter[str]()
    for directory in dict.fromkeys(directory.resolve() for directory in runs):
        names[directory.name] += 1
        number = names[directory.name]
        name = directory.name if number == 1 else f"{directory.name}-{number}"
        yield partial(run_material, directory, name=name, hostile=directory in marked)


def _recorded(files: Sequence[Path]) -> tuple[Recorded, ...]:
    """Return the recorded runs whose ends tell something."""
    if not files:
        return ()
    from sidecritic.recordings import load
    from sidecritic.scoring.writes import WEAK_DOMAINS, is_clean

    found = load(files)
    for problem in found.problems[:5]:
        note(str(problem))
    return tuple(run for run in found.runs if run.domain not in WEAK_DOMAINS and is_clean(run))


def _recorded_reads(runs: Iterable[Recorded]) -> Iterator[Reads]:
    by_file: dict[str, list[Recorded]] = {}
    for run in runs:
        by_file.setdefault(run.file, []).append(run)
    for file, own in by_file.items():
        yield partial(recorded_material, file, own)


def balance_named(text: str) -> Balance:
    """Return the balance of that name.

    Raises:
        ConfigError: there is none.
    """
    if text not in BALANCES:
        raise ConfigError(f"unknown balance {text!r}{suggestion(text, BALANCES)}")
    return text


def lines_of(summary: Summary, out: Path) -> "Iterator[RenderableType]":
    """Yield what to print about a data set."""
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table

    splits = ("train", "validation", "test")
    rows = tuple(
        (config, *(str(counts.get(split, 0)) for split in splits))
        for config, counts in summary.rows.items()
    )
    title = "Rows (simulated)" if summary.simulated else "Rows"
    yield to_table(Section(title, ("", *splits), rows))
    for what, counts in (("left out", summary.left_out), ("quarantined", summary.quarantined)):
        if counts:
            yield f"{what}: " + ", ".join(f"{number} {why}" for why, number in counts.items())
    yield f"{out}: digest {summary.digest}; the card is README.md"
