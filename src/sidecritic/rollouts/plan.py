"""What a run plays: tasks, parties and seeds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from pydantic import JsonValue

from sidecritic.executors.protocol import Executor, Job
from sidecritic.gates import Gate
from sidecritic.ports import Benchmark, Critic, ModelFor
from sidecritic.rollouts.budget import Budget
from sidecritic.types import Limits, Outcome, Sampling, Task

CriticFor = Callable[[str], Critic]
"""Name of the environment to the critic that judges in it."""

Key = tuple[str, str, int]
"""Environment, task and trial of an episode."""

ROLES = ("actor", "user", "critic")


@dataclass(frozen=True, slots=True)
class Cast:
    """The parties of a run, and its rules."""

    actor: ModelFor
    user: ModelFor
    critic: CriticFor
    gate: Gate = "writes+final"
    limits: Limits = field(default_factory=Limits)
    sampling: Sampling = field(default_factory=Sampling)


@dataclass(frozen=True, slots=True)
class TaskSet:
    """Tasks of one benchmark."""

    benchmark: Benchmark
    tasks: tuple[Task, ...]


@dataclass(frozen=True, slots=True)
class Episode:
    """One trial of one task."""

    benchmark: Benchmark
    task: Task
    trial: int

    @property
    def key(self) -> Key:
        return (self.task.env, self.task.id, self.trial)


@dataclass(frozen=True, slots=True)
class Played:
    """An episode that has ended, as far as a run is interested while it goes on."""

    key: Key
    line: str
    """What is kept of it."""
    outcome: Outcome | None
    """`None` for an infrastructure failure."""
    cost: float
    """US dollars, as far as prices are known."""
    failure: tuple[str, str] = ("", "")
    """Kind and message of what ended it, both empty when it has an outcome."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Who plays episodes, and the job that makes the plan again in each process that does."""

    executor: Executor
    job: Job[Key, Played]


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """Everything that decides what a run will hold."""

    sets: tuple[TaskSet, ...]
    cast: Cast
    trials: int = 1
    seed: int = 0
    settings: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """What `run.json` remembers, and a resumed run must agree with."""
    command: str = ""
    budget: Budget = field(default_factory=Budget)
    """What may be spent; several plans may share one."""
    elsewhere: Elsewhere | None = None
    """Where episodes are played, if not in this process."""

    def episodes(self) -> tuple[Episode, ...]:
        """Return every episode, first trials first: a running pass rate soon covers all tasks."""
        return tuple(
            Episode(group.benchmark, task, trial)
            for trial in range(self.trials)
            for group in self.sets
            for task in group.tasks
        )


def seeds_for(run_seed: int, key: Key) -> dict[str, int]:
    """Return a seed of 31 bits for each role.

    They depend on the run's seed and the episode alone: not on order, concurrency or the
    critic, so that a supervised run meets the same faults as its baseline.
    """
    return {role: _hashed(run_seed, *key, role) & 0x7FFF_FFFF for role in ROLES}


def episode_id(run_seed: int, key: Key) -> str:
    """Return the id of an episode's trajectory, the same in every repetition."""
    return f"{_hashed(run_seed, *key):016x}"


def _hashed(*parts: object) -> int:
    text = "\x1f".join(str(part) for part in parts)
    return int.from_bytes(sha256(text.encode()).digest()[:8], "big")
