"""Label runs by sources such as planted faults, outcomes and people."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import get_args

from sidecritic.errors import ConfigError
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.labeller import label_run
from sidecritic.labelling.store import open_labels, read_labels
from sidecritic.runs import read_run
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.names import choice
from sidecritic.types import Record
from sidecritic.workflows.labellers import LabelRequest, labellers_for
from sidecritic.workflows.watchers import SILENT, Watcher

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


def label_runs(runs: Sequence[Path], asked: LabelRequest, watcher: Watcher = SILENT) -> Counts:
    """Label each run, resuming where that was stopped, and return what is on file then.

    Raises:
        ConfigError: a source lacks what it needs, or a run cannot be read or written to.
    """
    new, counted, simulated = 0, list[Counted](), False
    if asked.decisions is not None:
        asked = _imported(runs, asked, asked.decisions, watcher)
    elif asked.opinions and "human" not in asked.sources:
        asked = replace(asked, sources=(*asked.sources, "human"))
    unheard = {opinion.trajectory for opinion in asked.opinions}
    for directory in runs:
        new += asyncio.run(_label(directory, asked, watcher))
        run = read_run(directory)
        simulated = simulated or any(t.simulated for t in run.trajectories)
        counted.extend(_counted(directory.name, read_labels(directory)))
        unheard -= {trajectory.id for trajectory in run.trajectories}
    if unheard:
        watcher.say(
            f"opinions about {len(unheard)} episodes that these runs do not have are left out"
        )
    return Counts(new=new, simulated=simulated, counted=tuple(counted))


def _imported(
    runs: Sequence[Path], asked: LabelRequest, decisions: Path, watcher: Watcher
) -> LabelRequest:
    """Write the decisions as a run, and return the request to label it as people did."""
    from sidecritic.labelling.decisions import import_decisions

    if len(runs) != 1:
        raise ConfigError("--decisions becomes one run; name one directory for it")
    found = import_decisions(decisions, runs[0], asked.operator)
    if found.without_content:
        watcher.say(
            f"{found.without_content} decisions have no content and are left out; the gateway "
            "keeps content if its settings say so"
        )
    return replace(asked, sources=("human",), opinions=(*asked.opinions, *found.opinions))


async def _label(directory: Path, asked: LabelRequest, watcher: Watcher) -> int:
    run = read_run(directory)
    async with AsyncExitStack() as stack:
        labellers = labellers_for(run, asked, keys_from_environment(), stack)
        with open_labels(directory) as store, watcher.labels(directory) as steps:
            for problem in run.problems:
                steps.notice(str(problem))
            return await label_run(run, labellers, store, steps, concurrency=asked.concurrency)


def sources_of(names: Iterable[str]) -> tuple[LabelSource, ...]:
    """Return the sources of these names.

    Raises:
        ConfigError: there is no name, or an unknown one.
    """
    found: tuple[LabelSource, ...] = tuple(
        choice("source", name, SOURCES) for name in dict.fromkeys(names)
    )
    if not found:
        raise ConfigError(f"no source of labels is named; known: {', '.join(SOURCES)}")
    return found


def _counted(run: str, labels: Sequence[Label]) -> Iterator[Counted]:
    kinds = Counter(
        (label.source, (label.category or "wrong") if label.wrong else "") for label in labels
    )
    for source in SOURCES:
        for category in sorted({kind for named, kind in kinds if named == source}):
            number = kinds[source, category]
            yield Counted(run=run, source=source, category=category, labels=number)
