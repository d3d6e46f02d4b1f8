"""Label runs by the sources that somebody names: what `datagen label` does."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from sidecritic.cli.edge import note
from sidecritic.cli.labellers import Asked, labellers_for
from sidecritic.config import keys_from_environment, suggestion
from sidecritic.errors import ConfigError
from sidecritic.gates import GATES, Gate
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.labeller import label_run
from sidecritic.labelling.store import open_labels, read_labels
from sidecritic.runs import read_run
from sidecritic.types import Record

if TYPE_CHECKING:
    from rich.console import RenderableType

SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)


class Counted(Record):
    """Labels of one source in one run, by kind of mistake."""

    run: str
    source: LabelSource
    category: str
    """Empty for what is right."""
    labels: int


class Counts(Record):
    new: int
    simulated: bool
    counted: tuple[Counted, ...]


def label_runs(runs: Sequence[Path], asked: Asked) -> Counts:
    """Label each run, or go on where that was stopped; return what is on file then.

    Raises:
        ConfigError: an unknown source, or a run that cannot be read or written beside.
    """
    new, counted, simulated = 0, list[Counted](), False
    if asked.decisions is not None:
        asked = _imported(runs, asked, asked.decisions)
    elif asked.opinions and "human" not in asked.sources:
        asked = replace(asked, sources=(*asked.sources, "human"))
    unheard = {opinion.trajectory for opinion in asked.opinions}
    for directory in runs:
        new += asyncio.run(_label(directory, asked))
        run = read_run(directory)
        simulated = simulated or any(t.simulated for t in run.trajectories)
        counted.extend(_counted(directory.name, read_labels(directory)))
        unheard -= {trajectory.id for trajectory in run.trajectories}
    if unheard:
        note(f"opinions about {len(unheard)} episodes that these runs do not have are left out")
    return Counts(new=new, simulated=simulated, counted=tuple(counted))


def _imported(runs: Sequence[Path], asked: Asked, decisions: Path) -> Asked:
    """Write the decisions as the run that is named, and have it labelled as people said."""
    from sidecritic.labelling.decisions import import_decisions

    if len(runs) != 1:
        raise ConfigError("--decisions becomes one run; name one directory for it")
    found = import_decisions(decisions, runs[0])
    if found.without_content:
        note(
            f"{found.without_content} decisions have no content and are left out; the gateway "
            "keeps contents where its settings say so"
        )
    return replace(asked, sources=("human",), opinions=(*asked.opinions, *found.opinions))


async def _label(directory: Path, asked: Asked) -> int:
    from sidecritic.cli.progress import Steps

    run = read_run(directory)
    async with AsyncExitStack() as stack:
        labellers = labellers_for(run, asked, keys_from_environment(), stack)
        with open_labels(directory) as store, Steps("labels", directory) as steps:
            for problem in run.problems:
                steps.notice(str(problem))
            return await label_run(run, labellers, store, steps, concurrency=asked.concurrency)


def gate_named(text: str) -> Gate:
    if text not in GATES:
        raise ConfigError(f"unknown gate {text!r}{suggestion(text, GATES)}")
    return text


def sources_named(text: str) -> tuple[LabelSource, ...]:
    names = list(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))
    for name in names:
        if name not in SOURCES:
            raise ConfigError(f"unknown source {name!r}{suggestion(name, SOURCES)}")
    if not names:
        raise ConfigError(f"--sources names none; known: {', '.join(SOURCES)}")
    return tuple(cast("LabelSource", name) for name in names)


def _counted(run: str, labels: Sequence[Label]) -> Iterator[Counted]:
    kinds = Counter((label.source, _kind(label)) for label in labels)
    for source in SOURCES:
        for category in sorted({kind for named, kind in kinds if named == source}):
            number = kinds[source, category]
            yield Counted(run=run, source=source, category=category, labels=number)


def _kind(label: Label) -> str:
    return (label.category or "wrong") if label.wrong else ""


def table_of(counts: Counts) -> "Iterator[RenderableType]":
    """Yield what to print: labels by source and kind."""
    from sidecritic.reports.sections import Section
    from sidecritic.reports.tables import to_table

    names = [s for s in SOURCES if any(each.source == s for each in counts.counted)]
    sums = Counter[tuple[str, str]]()
    for each in counts.counted:
        sums[each.category, each.source] += each.labels
    kinds = sorted({each.category for each in counts.counted})
    rows = tuple((kind or "right", *(str(sums[kind, name]) for name in names)) for kind in kinds)
    title = "Labels by source (simulated)" if counts.simulated else "Labels by source"
    yield to_table(Section(title, ("proposal", *names), rows))
    yield f"{counts.new} new labels."
