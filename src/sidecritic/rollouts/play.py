"""Play a plan: bounded concurrency, one line an episode, nothing finished is ever lost.

A failing episode is a line like any other and never cancels its siblings. Cancellation and
a kill lose the episodes that were under way and nothing else; the same plan on the same
directory plays those again, with the same seeds.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

from pydantic_core import PydanticSerializationError

from sidecritic.episode import briefing_for, run_episode
from sidecritic.errors import EnvError, ModelError, SidecriticError, boundary, first_error
from sidecritic.ports import Benchmark, Critic, Simulating
from sidecritic.rollouts.plan import Episode, RolloutPlan, episode_id, seeds_for
from sidecritic.rollouts.store import Store, open_run
from sidecritic.runs import RunRecord, digest
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Failed, Trajectory
from sidecritic.types import Briefing

_VERSION = version("sidecritic")


class Watcher(Protocol):
    """What follows the progress of a run."""

    def begin(self, *, total: int, finished: int) -> None:
        """Take the number of episodes, and how many were finished before."""
        ...

    def episode(self, trajectory: Trajectory) -> None:
        """Take an episode that has just been written."""
        ...

    def notice(self, text: str) -> None:
        """Take one line about the run directory."""
        ...


class Silent:
    """A watcher that ignores everything."""

    def begin(self, *, total: int, finished: int) -> None: ...

    def episode(self, trajectory: Trajectory) -> None: ...

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
        await _drain(plan, waiting, store, streak, concurrency=concurrency)
        skipped = len(episodes) - len(waiting)
        if streak.played == len(waiting):
            return Tally(streak.played, skipped)
        reason = plan.budget.reason if plan.budget.stopped else streak.reason
        watcher.notice(reason)
        return Tally(streak.played, skipped, reason)


async def _drain(
    plan: RolloutPlan, waiting: list[Episode], store: Store, streak: "_Streak", *, concurrency: int
) -> None:
    critics = {g.benchmark.name: plan.cast.critic(g.benchmark.name) for g in plan.sets}
    queue: Iterator[Episode] = iter(waiting)

    async def work() -> None:
        for episode in queue:
            if not plan.budget.begin():
                return
            trajectory = await _episode(plan, episode, critics[episode.benchmark.name])
            plan.budget.end(trajectory.events)
            streak.add(_write(store, trajectory))
            # Simulated parties never wait, so that an interrupt would have no way in.
            await asyncio.sleep(0)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(concurrency, len(waiting))):
                group.create_task(work())
    except* _GivenUp:
        pass  # The streak knows why; what was under way is cancelled and unplayed.
    except* SidecriticError as errors:
        # Episodes record their own failures; what comes through concerns the run as a whole.
        raise first_error(errors) from errors


class _GivenUp(Exception):
    """The next episodes would fail the same way."""


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

    def add(self, trajectory: Trajectory) -> None:
        """Count the episode in, and pass it on."""
        self.played += 1
        kind, self._message = _failure_in(trajectory)
        same = bool(kind) and kind == self._kind
        self._length = self._length + 1 if same else int(bool(kind))
        self._kind = kind
        self._watcher.episode(trajectory)
        if self._limit is not None and self._length >= self._limit:
            raise _GivenUp


def _failure_in(trajectory: Trajectory) -> tuple[str, str]:
    """Return kind and message of what ended an episode, both empty when it has an outcome."""
    causes = [e for e in trajectory.events if isinstance(e, Failed) and e.where != "critic"]
    if not causes or (trajectory.ended and trajectory.ended.outcome):
        return "", ""
    return f"{causes[-1].where}: {causes[-1].error}", causes[-1].message


async def _episode(plan: RolloutPlan, episode: Episode, critic: Critic) -> Trajectory:
    task, seeds = episode.task, seeds_for(plan.seed, episode.key)
    actor, user = plan.cast.actor(task, seeds["actor"]), plan.cast.user(task, seeds["user"])
    supervisor = Supervisor(
        actor=actor,
        critic=critic,
        gate=plan.cast.gate,
        limits=plan.cast.limits,
        sampling=plan.cast.sampling.model_copy(update={"seed": seeds["actor"]}),
    )
    log: list[Event] = []
    briefing = ""
    try:
        with boundary(EnvError, f"preparing task {task.id!r}"):
            environment = episode.benchmark.environment(task, user)
            briefing = digest(briefing_for(environment))
        try:
            await run_episode(environment, supervisor, log, task_id=task.id)
        finally:
            with boundary(EnvError, "closing the environment"):
                await environment.close()
    except (EnvError, ModelError) as error:
        # What breaks behind a graded end changes nothing about the grade.
        if not (log and isinstance(log[-1], Ended)):
            log.extend(_failure(error))
    return Trajectory(
        id=episode_id(plan.seed, episode.key),
        task=task,
        trial=episode.trial,
        actor=actor.name,
        critic=critic.name,
        user=user.name,
        simulated=tuple(_simulated(actor=actor, user=user, critic=critic)),
        seeds=seeds,
        versions=_versions(episode.benchmark),
        briefing=briefing,
        events=tuple(log),
    )


def _simulated(**parties: object) -> Iterator[str]:
    """Yield the roles that a script or simulation plays."""
    for role, party in parties.items():
        if isinstance(party, Simulating) and party.simulated:
            yield role


def _failure(error: SidecriticError) -> tuple[Event, Event]:
    failed = Failed(where="environment", error=type(error).__name__, message=str(error))
    return (failed, Ended(reason="error", outcome=None))


def _write(store: Store, trajectory: Trajectory) -> Trajectory:
    """Append the trajectory; what JSON cannot hold is written as a failure of its episode."""
    try:
        store.append(trajectory)
    except (PydanticSerializationError, UnicodeEncodeError) as cause:
        events = _failure(EnvError(f"the episode cannot be written as JSON: {cause}"))
        trajectory = trajectory.model_copy(update={"events": events})
        store.append(trajectory)
    return trajectory


def _versions(benchmark: Benchmark) -> dict[str, str]:
    return {"sidecritic": _VERSION, **benchmark.versions}


def _record(plan: RolloutPlan) -> RunRecord:
    return RunRecord(
        command=plan.command,
        settings=dict(plan.settings),
        episodes=len(plan.episodes()),
        versions={g.benchmark.name: _versions(g.benchmark) for g in plan.sets},
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
