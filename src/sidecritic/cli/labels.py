"""Label runs by the sources that somebody names: what `datagen label` does."""

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from sidecritic.config import suggestion
from sidecritic.errors import ConfigError
from sidecritic.gates import GATES, Gate
from sidecritic.labeling.labelling import Labeller, Subject, label_run
from sidecritic.labeling.records import Label, LabelSource
from sidecritic.labeling.store import open_labels, read_labels
from sidecritic.runs import read_run
from sidecritic.types import Record

if TYPE_CHECKING:
    from rich.console import RenderableType

SOURCES: tuple[LabelSource, ...] = get_args(LabelSource)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked `datagen label` for."""

    sources: str
    gate: str


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
    gate = _gate(asked.gate)
    sources = _sources(asked.sources)
    new, counted, simulated = 0, list[Counted](), False
    for directory in runs:
        new += asyncio.run(_label(directory, sources, gate))
        run = read_run(directory)
        simulated = simulated or any(t.simulated for t in run.trajectories)
        counted.extend(_counted(directory.name, read_labels(directory)))
    return Counts(new=new, simulated=simulated, counted=tuple(counted))


async def _label(directory: Path, sources: Sequence[LabelSource], gate: Gate) -> int:
    from sidecritic.cli.progress import Steps

    run = read_run(directory)
    labellers = [_labeller(source, gate) for source in sources]
    with open_labels(directory) as store, Steps("labels", directory) as steps:
        for problem in run.problems:
            steps.notice(str(problem))
        return await label_run(run, labellers, store, steps)


def _labeller(source: LabelSource, gate: Gate) -> Labeller:
    match source:
        case "fault":
            return Labeller(source, lambda subject: _faults(subject, gate), gate)
        case "outcome":
            return Labeller(source, lambda subject: _outcomes(subject, gate), gate)
        case _:
            raise ConfigError(f"the source {source!r} is not there yet")


async def _faults(subject: Subject, gate: Gate) -> list[Label]:
    from sidecritic.labeling.faults import by_faults

    return list(by_faults(subject.trajectory, subject.briefing, gate=gate))


async def _outcomes(subject: Subject, gate: Gate) -> list[Label]:
    from sidecritic.labeling.outcomes import by_outcome

    return list(by_outcome(subject.trajectory, subject.briefing, gate=gate))


def _gate(text: str) -> Gate:
    if text not in GATES:
        raise ConfigError(f"unknown gate {text!r}{suggestion(text, GATES)}")
    return text


def _sources(text: str) -> tuple[LabelSource, ...]:
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
