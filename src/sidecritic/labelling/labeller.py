"""Label a run: every source goes through every trajectory once, in any order, and can resume."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from sidecritic.errors import SidecriticError, first_error
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.store import LabelledTrajectory, LabelStore
from sidecritic.runs import Run
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing


@dataclass(frozen=True, slots=True)
class Subject:
    """An episode to label."""

    trajectory: Trajectory
    briefing: Briefing


FindsLabels = Callable[[Subject], Awaitable[Iterable[Label]]]


@dataclass(frozen=True, slots=True)
class Labeller:
    """One source of labels."""

    source: LabelSource
    finds: FindsLabels
    settings: str = ""
    """What decides its labels besides the trajectory; after a change it labels again."""


class Watcher(Protocol):
    """What follows the progress of labelling."""

    def begin(self, *, total: int, finished: int) -> None: ...

    def advance(self) -> None:
        """Count one trajectory that one source has gone through."""
        ...

    def notice(self, text: str) -> None: ...


async def label_run(
    run: Run,
    labellers: Sequence[Labeller],
    store: LabelStore,
    watcher: Watcher,
    *,
    concurrency: int = 8,
) -> int:
    """Have every source go through what it has not been through; return how many labels are new.

    Raises:
        ConfigError: the labels cannot be written.
    """
    units = list(_units(run, labellers))
    waiting = [
        (subject, source)
        for subject, source in units
        if not store.is_done(subject.trajectory.id, source.source, source.settings)
    ]
    watcher.begin(total=len(units), finished=len(units) - len(waiting))
    queue = iter(waiting)
    made = 0

    async def work() -> None:
        nonlocal made
        for subject, labeller in queue:
            labels = list(await labeller.finds(subject))
            done = LabelledTrajectory(
                trajectory=subject.trajectory.id,
                source=labeller.source,
                settings=labeller.settings,
                labels=len(labels),
            )
            store.add(done, labels)
            made += len(labels)
            watcher.advance()
            # Simulated parties never wait, so that an interrupt would have no way in.
            await asyncio.sleep(0)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(waiting))):
                group.create_task(work())
    except* SidecriticError as errors:
        raise first_error(errors) from errors
    return made


def _units(run: Run, labellers: Sequence[Labeller]) -> Iterator[tuple[Subject, Labeller]]:
    # An episode that was played again has the id that it had; its later line counts.
    latest = {trajectory.id: trajectory for trajectory in run.trajectories}
    for trajectory in latest.values():
        if briefing := run.record.briefings.get(trajectory.briefing):
            for labeller in labellers:
                yield Subject(trajectory, briefing), labeller
