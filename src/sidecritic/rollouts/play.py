"""Play a plan: bounded concurrency, one line an episode, nothing finished is ever lost.

A failing episode is a line like any other and never cancels its siblings. Cancellation and
a kill lose the episodes that were under way and nothing else; the same plan on the same
directory plays those again, with the same seeds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sidecritic.episode import briefing_for
from sidecritic.errors import EnvError, boundary
from sidecritic.executors.local import LocalExecutor
from sidecritic.executors.protocol import Done, Lost
from sidecritic.executors.tasks import Enough
from sidecritic.rollouts.plan import Elsewhere, Episode, Key, Played, RolloutPlan
from sidecritic.rollouts.playing import Here, lost, versions_of
from sidecritic.rollouts.store import Store, open_run
from sidecritic.runs import RunRecord, digest
from sidecritic.types import Briefing


class Watcher(Protocol):
    """What follows the progress of a run."""

    def begin(self, *, total: int, finished: int) -> None:
        """Take the number of episodes, and how many were finished before."""
        ...

    def episode(self, played: Played) -> None:
        """Take an episode that has just been written."""
        ...

    def notice(self, text: str) -> None:
        """Take one line about the run directory."""
        ...


class Silent:
    """A watcher that ignores everything."""

    def begin(self, *, total: int, finished: int) -> None: ...

    def episode(self, played: Played) -> None: ...

    def notice(self, text: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Tally:
    """What one call of `play` did."""

    played: int
    skipped: int
    """Episodes that were on file already."""
    stopped: str = ""
    """Why it stopped before the end, if it did."""


async def play(
    plan: RolloutPlan,
    directory: Path,
    *,
    concurrency: int = 8,
    retry_failed: bool = False,
    give_up_after: int | None = 10,
    watcher: Watcher | None = None,
) -> Tally:
    """Play every episode of the plan that the directory does not hold yet.

    Plans that share a budget stop together, before an episode and never inside one.
    With `retry_failed`, episodes that ended in an infrastructure failure are played again;
    their new line replaces the old one for every reader. After `give_up_after` episodes in a
    row that ended in the same infrastructure failure, the rest is left to a later call.

    Raises:
        ConfigError: the directory cannot be used for this plan.
    """
    watcher = watcher or Silent()
    with open_run(directory, _record(plan), watcher.notice) as store:
        episodes = plan.episodes()
        done = {key for key, failed in store.finished.items() if not (failed and retry_failed)}
        waiting = [episode for episode in episodes if episode.key not in done]
        watcher.begin(total=len(episodes), finished=len(episodes) - len(waiting))
        streak = _Streak(give_up_after, watcher)
        here = Elsewhere(LocalExecutor(concurrency), Here(plan))
        await _drain(plan, waiting, store, streak, plan.elsewhere or here)
        skipped = len(episodes) - len(waiting)
        if streak.played == len(waiting):
            return Tally(streak.played, skipped)
        reason = plan.budget.reason if plan.budget.stopped else streak.reason
        watcher.notice(reason)
        return Tally(streak.played, skipped, reason)


async def _drain(
    plan: RolloutPlan, waiting: list[Episode], store: Store, streak: "_Streak", elsewhere: Elsewhere
) -> None:
    def begun() -> Iterator[Key]:
        for episode in waiting:
            if not plan.budget.begin():
                return
            yield episode.key

    def take(end: Done[Key, Played] | Lost[Key]) -> None:
        match end:
            case Done(result=played):
                pass
            case Lost(item=key, reason=reason):
                played = lost(plan, next(e for e in waiting if e.key == key), reason)
        plan.budget.end(played.cost)
        store.append(played.line)
        streak.add(played)

    # Episodes record their own failures; what is raised concerns the run as a whole.
    await elsewhere.executor.each(elsewhere.job, begun(), take)


class _Streak:
    """Counts episodes, and ends a run in which all fail the same way."""

    def __init__(self, limit: int | None, watcher: Watcher) -> None:
        self.played = 0
        self._limit = limit
        self._watcher = watcher
        self._length = 0
        self._kind = self._message = ""

    @property
    def reason(self) -> str:
        """Why the run was given up."""
        return (
            f"stopped after {self._length} episodes in a row that ended in the same failure "
            f"({self._kind}: {self._message}); fix it, then add --retry-failed to the same command"
        )

    def add(self, played: Played) -> None:
        """Count the episode in, and pass it on."""
        self.played += 1
        kind, self._message = played.failure
        same = bool(kind) and kind == self._kind
        self._length = self._length + 1 if same else int(bool(kind))
        self._kind = kind
        self._watcher.episode(played)
        if self._limit is not None and self._length >= self._limit:
            raise Enough


def _record(plan: RolloutPlan) -> RunRecord:
    return RunRecord(
        command=plan.command,
        settings=dict(plan.settings),
        episodes=len(plan.episodes()),
        versions={g.benchmark.name: versions_of(g.benchmark) for g in plan.sets},
        briefings={digest(briefing): briefing for briefing in _briefings(plan)},
    )


def _briefings(plan: RolloutPlan) -> Iterator[Briefing]:
    for group in plan.sets:
        for task in group.tasks:
            try:
                with boundary(EnvError, f"preparing task {task.id!r}"):
                    user = plan.cast.user(task, 0)
                    yield briefing_for(group.benchmark.environment(task, user))
            except EnvError:
                # The task's own episodes will fail the same way and say so.
                continue
