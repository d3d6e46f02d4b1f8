"""Play one episode, in whatever process, to the line that its run keeps."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version
from typing import NamedTuple

from pydantic_core import PydanticSerializationError

from sidecritic.episode import briefing_for, run_episode
from sidecritic.errors import EnvError, ModelError, SidecriticError, WorkerLost, boundary
from sidecritic.ports import Benchmark, Critic, Model, Simulating
from sidecritic.rollouts.budget import cost_of
from sidecritic.rollouts.plan import Episode, Key, Played, RolloutPlan, episode_id, seeds_for
from sidecritic.runs import digest
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Failed, Trajectory, to_line

_VERSION = version("sidecritic")


def played_as(trajectory: Trajectory) -> Played:
    """Return what a run is interested in; what JSON cannot hold is a failure of its episode."""
    cost = cost_of(trajectory.events)
    try:
        line = to_line(trajectory)
        line.encode()
    except (PydanticSerializationError, UnicodeEncodeError) as cause:
        events = _failure(EnvError(f"the episode cannot be written as JSON: {cause}"))
        trajectory = trajectory.model_copy(update={"events": events})
        line = to_line(trajectory)
    outcome = trajectory.ended.outcome if trajectory.ended else None
    return Played(trajectory.key, line, outcome, cost, _failure_in(trajectory))


def _failure_in(trajectory: Trajectory) -> tuple[str, str]:
    causes = [e for e in trajectory.events if isinstance(e, Failed) and e.where != "critic"]
    if not causes or (trajectory.ended and trajectory.ended.outcome):
        return "", ""
    return f"{causes[-1].where}: {causes[-1].error}", causes[-1].message


@dataclass(frozen=True, slots=True)
class Here:
    """The job of playing a plan in the process that has made it."""

    plan: RolloutPlan

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[Key], Awaitable[Played]]]:
        """Make the critics, and yield what plays an episode."""
        plan = self.plan
        critics = {g.benchmark.name: plan.cast.critic(g.benchmark.name) for g in plan.sets}
        tasks = {(task.env, task.id): (g.benchmark, task) for g in plan.sets for task in g.tasks}

        async def work(key: Key) -> Played:
            env, task, trial = key
            benchmark, found = tasks[env, task]
            episode = Episode(benchmark, found, trial)
            return played_as(await _episode(plan, episode, critics[benchmark.name]))

        yield work


def lost(plan: RolloutPlan, episode: Episode, reason: str) -> Played:
    """Return an episode whose process ended each time that it was played."""
    parties = _parties(plan, episode, plan.cast.critic(episode.benchmark.name))
    return played_as(_trajectory(plan, episode, parties, _failure(WorkerLost(reason))))


class _Parties(NamedTuple):
    actor: Model
    user: Model
    critic: Critic


def _parties(plan: RolloutPlan, episode: Episode, critic: Critic) -> _Parties:
    task, seeds = episode.task, seeds_for(plan.seed, episode.key)
    actor, user = plan.cast.actor(task, seeds["actor"]), plan.cast.user(task, seeds["user"])
    return _Parties(actor, user, critic)


async def _episode(plan: RolloutPlan, episode: Episode, critic: Critic) -> Trajectory:
    task, parties = episode.task, _parties(plan, episode, critic)
    seed = seeds_for(plan.seed, episode.key)["actor"]
    supervisor = Supervisor(
        actor=parties.actor,
        critic=critic,
        gate=plan.cast.gate,
        limits=plan.cast.limits,
        sampling=plan.cast.sampling.model_copy(update={"seed": seed}),
    )
    log: list[Event] = []
    briefing = ""
    try:
        with boundary(EnvError, f"preparing task {task.id!r}"):
            environment = episode.benchmark.environment(task, parties.user)
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
    return _trajectory(plan, episode, parties, log, briefing)


def _trajectory(
    plan: RolloutPlan,
    episode: Episode,
    parties: _Parties,
    log: Sequence[Event],
    briefing: str = "",
) -> Trajectory:
    return Trajectory(
        id=episode_id(plan.seed, episode.key),
        task=episode.task,
        trial=episode.trial,
        actor=parties.actor.name,
        critic=parties.critic.name,
        user=parties.user.name,
        simulated=tuple(_simulated(**parties._asdict())),
        seeds=seeds_for(plan.seed, episode.key),
        versions=versions_of(episode.benchmark),
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


def versions_of(benchmark: Benchmark) -> dict[str, str]:
    """Return the versions of what an episode of the benchmark is played with."""
    return {"sidecritic": _VERSION, **benchmark.versions}
