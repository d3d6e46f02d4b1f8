"""The four parties, as protocols: whoever implements one writes one file and touches no other.

They live in a module of their own, below `models`, `envs` and `critics`, because an
environment has a user, a user is a `Model`, and a strategy is a `Model` made from `Model`s:
nobody has to import a neighbour to say so.
"""

from collections.abc import Callable
from typing import Protocol, TypeGuard, runtime_checkable

from sidecritic.types import (
    Assistant,
    Completion,
    Judgement,
    Observation,
    Outcome,
    Proposal,
    ReadOnlyTools,
    Request,
    Task,
    ToolSpec,
)


@runtime_checkable
class Model(Protocol):
    """Whoever can continue a conversation: an LLM, a strategy, a simulated user, a script.

    A model keeps no state between calls: everything it may use is in the request. That is
    what makes it safe to share between episodes and to fork a conversation.
    """

    @property
    def name(self) -> str:
        """A short name for logs and tables."""
        ...

    @property
    def simulated(self) -> bool:
        """Whether this stands in for a real model; shown wherever its numbers are shown."""
        ...

    async def complete(self, request: Request) -> Completion:
        """Return the next assistant message.

        Raises:
            ModelError: no usable completion.
        """
        ...


class Critic(Protocol):
    """Whoever judges a proposal before it takes effect."""

    @property
    def name(self) -> str: ...

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a judgement.

        Raises:
            CriticError: no usable verdict.
        """
        ...


@runtime_checkable
class Simulating(Protocol):
    """A party that says whether it stands in for a real model; critics may leave it open."""

    @property
    def simulated(self) -> bool: ...


@runtime_checkable
class Versioned(Protocol):
    """A critic that has learned something, and says which version of it."""

    @property
    def version(self) -> str:
        """Changes whenever the same proposal may get another risk, such as a digest of weights."""
        ...


def version_of(*critics: Critic) -> str:
    """Return the versions of the critics that have one, joined; empty when none has."""
    found = (each.version for each in critics if isinstance(each, Versioned))
    return "+".join(version for version in found if version)


@runtime_checkable
class Warm(Protocol):
    """A critic that can get ready while the actor is still writing."""

    async def warm(self, proposal: Proposal) -> None:
        """Prepare for the coming proposal, whose action is still empty.

        Runs beside the actor and is cancelled when the actor is done. It decides nothing:
        a critic judges the same without it, only later.
        """
        ...


def can_warm(critic: Critic) -> TypeGuard[Warm]:
    """Whether a critic can get ready; asked in every turn, where `isinstance` takes its time."""
    return hasattr(critic, "warm")


class Snapshot(Protocol):
    """An environment frozen at one point, user included."""

    def fork(self, user: Model | None = None) -> "Environment":
        """Return an environment that goes on from here; forks never affect each other.

        A `user` takes the seat of the one who has played so far.
        """
        ...

    def look(self, budget: int) -> ReadOnlyTools:
        """Return its READ tools, for at most `budget` calls."""
        ...


class Environment(Protocol):
    """Single use: one instance, one episode.

    The order is `start`, then `step` until an observation is `done`, then `outcome`.
    """

    @property
    def policy(self) -> str: ...

    @property
    def tools(self) -> tuple[ToolSpec, ...]: ...

    async def start(self) -> Observation:
        """Return the opening of the conversation, up to the actor's first turn."""
        ...

    async def step(self, action: Assistant) -> Observation:
        """Execute `action` and return what comes back, up to the actor's next turn.

        Raises:
            EnvError: the environment or its user broke; the episode cannot go on.
        """
        ...

    async def outcome(self) -> Outcome:
        """Grade the episode as it stands; may be asked at any time, changes nothing."""
        ...

    def snapshot(self) -> Snapshot: ...

    async def close(self) -> None: ...


@runtime_checkable
class Prompted(Protocol):
    """An environment whose benchmark fixes the actor's whole system prompt."""

    @property
    def system(self) -> str: ...


@runtime_checkable
class Benchmark(Protocol):
    """A family of tasks that can be played: where environments come from."""

    @property
    def name(self) -> str:
        """As it is written on the command line, such as `tau2:retail`."""
        ...

    @property
    def versions(self) -> dict[str, str]:
        """Package, task set and grader, as they are printed beside every score."""
        ...

    def tasks(self, split: str) -> tuple[Task, ...]:
        """Return the tasks of a split, in the benchmark's order.

        Raises:
            ConfigError: there is no such split; the message names those there are.
        """
        ...

    def splits(self) -> dict[str, int]:
        """Return the number of tasks by split."""
        ...

    def environment(self, task: Task, user: Model) -> Environment:
        """Return a fresh environment for one episode of `task`.

        `user` sits at the other side of the table: in its requests the actor's words are
        `User` messages, its own are `Assistant` messages, and the system prompt holds the
        benchmark's guidelines and the task's scenario.
        """
        ...


@runtime_checkable
class Peopled(Protocol):
    """A benchmark that can say which users a task is about, so that splits can share none."""

    def users_of(self, task: Task) -> frozenset[str]:
        """Return the ids of the users; empty where its tasks all have the same one, or none."""
        ...


ModelFor = Callable[[Task, int], Model]
"""Task and episode seed to the model that plays one role in that episode."""
