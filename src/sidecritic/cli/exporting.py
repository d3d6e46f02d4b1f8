"""Make a data set of labelled runs: what `datagen export` does."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sidecritic.config import suggestion
from sidecritic.critics.compact import FULL, rendering
from sidecritic.datasets.balance import BALANCES, Balance
from sidecritic.datasets.export import Wanted, export
from sidecritic.datasets.held_out import held_out
from sidecritic.datasets.material import Reads, run_material
from sidecritic.datasets.noticing import Noticing
from sidecritic.datasets.splits import HeldOut, Shares
from sidecritic.datasets.summary import Summary
from sidecritic.errors import ConfigError
from sidecritic.runs import read_record

if TYPE_CHECKING:
    from rich.console import RenderableType

HELD_OUT = ("refuse", "drop")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `datagen export` for."""

    out: Path
    rendering: str = "full"
    seed: int = 0
    balance: str = "downsample"
    shares: tuple[float, float] = (0.15, 0.15)
    held_out: str = "refuse"
    hostile: tuple[Path, ...] = ()
    parquet: bool = True


def export_runs(runs: Sequence[Path], asked: Asked) -> Summary:
    """Write the data set.

    Raises:
        ConfigError: an unknown name, a run without labels, or what `export` refuses.
    """
    if asked.held_out not in HELD_OUT:
        raise ConfigError(f"--held-out is {asked.held_out!r}{suggestion(asked.held_out, HELD_OUT)}")
    validation, test = asked.shares
    wanted = Wanted(
        rendering=rendering(asked.rendering),
        shares=Shares(validation=validation, test=test),
        balance=_balance(asked.balance),
        seed=asked.seed,
        held_out=asyncio.run(_held_out(runs)),
        drops_held_out=asked.held_out == "drop",
        parquet=asked.parquet,
    )
    if asked.rendering != FULL.name:
        # The full prompt has the trajectory itself, and leaves the checks out.
        wanted = replace(wanted, notices=Noticing())
    return export(list(_reads(runs, asked.hostile)), asked.out, wanted)


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


async def _held_out(runs: Sequence[Path]) -> HeldOut:
    """Return what the test splits hold, of every environment that the runs were played in."""
    from sidecritic.config import benchmark_for

    found = HeldOut()
    for env in sorted({env for directory in runs for env in read_record(directory).versions}):
        found |= await held_out(benchmark_for(env))
    return found


def _balance(text: str) -> Balance:
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
