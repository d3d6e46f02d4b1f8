"""What an intervention is worth: the episode continued from a proposal, with it and without.

Without: the proposal runs. With: it is sent back with feedback, and the same actor tries again
in the same turn, as under supervision. From there on no critic judges on either side, so the
difference is the effect of this one intervention: a Monte Carlo estimate of the advantage,
success with minus success without.

Both sides are played in rounds of growing size, and playing stops when the interval excludes 0,
is narrow enough, or the most continuations are reached. Looking at the interval after each
round is looking several times, so each look has its share of the error (Bonferroni): the
interval holds with at least 95 % wherever playing stops.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from sidecritic.critics.base import NoCritic
from sidecritic.episode import run_episode
from sidecritic.labelling.intervals import Rate, newcombe, wilson, z_of
from sidecritic.labelling.logged import LoggedProposal
from sidecritic.ports import ModelFor, Snapshot
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Executed, Judged, Trajectory
from sidecritic.types import Judgement, Limits, Outcome, Revise, Sampling

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Effort:
    """How many continuations are played."""

    most: int = 32
    """Of both sides together."""
    narrow: float = 0.25
    """Width of the interval below which playing stops."""

    def rounds(self) -> tuple[int, ...]:
        """Return how many continuations a side has after each round: doubling up to the most."""
        most = max(1, self.most // 2)
        sizes = [min(4, most)]
        while sizes[-1] < most:
            sizes.append(min(2 * sizes[-1], most))
        return tuple(sizes)


@dataclass(frozen=True, slots=True)
class Players:
    """The parties of a continuation."""

    actor: ModelFor
    user: ModelFor
    limits: Limits = field(default_factory=Limits)
    sampling: Sampling = field(default_factory=Sampling)
    at_once: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(8))


@dataclass(frozen=True, slots=True)
class Branch:
    """A proposal, its environment, and what is said to the actor on the side with intervention."""

    trajectory: Trajectory
    place: LoggedProposal
    snapshot: Snapshot
    """Of the environment before the proposal's turn."""
    feedback: str


@dataclass(frozen=True, slots=True)
class Advantage:
    """The effect of an intervention."""

    with_it: Rate
    without: Rate
    interval: tuple[float, float]

    @property
    def value(self) -> float:
        return self.with_it.value - self.without.value

    @property
    def continuations(self) -> int:
        return self.with_it.trials + self.without.trials

    @property
    def helps(self) -> bool:
        """Whether the actor does better with the intervention."""
        return self.interval[0] > 0

    @property
    def harms(self) -> bool:
        return self.interval[1] < 0

    @property
    def safe_without(self) -> float:
        """Least success without intervention that is still likely."""
        return wilson(self.without, z_of(CONFIDENCE))[0]


async def advantage(branch: Branch, players: Players, effort: Effort) -> Advantage | None:
    """Return the effect of the intervention; `None` when no continuation could be graded."""
    rounds = effort.rounds()
    z = z_of(1 - (1 - CONFIDENCE) / len(rounds))
    with_it, without, played = Rate(), Rate(), 0
    low, high = -1.0, 1.0
    for size in rounds:
        numbers = range(played, size)
        played = size
        more = await asyncio.gather(
            _rate(branch, players, numbers, intervenes=True),
            _rate(branch, players, numbers, intervenes=False),
        )
        with_it, without = with_it + more[0], without + more[1]
        low, high = newcombe(with_it, without, z)
        if low > 0 or high < 0 or high - low <= effort.narrow:
            break
    if not with_it.trials or not without.trials:
        return None
    return Advantage(with_it, without, (low, high))


async def _rate(
    branch: Branch, players: Players, numbers: Sequence[int], *, intervenes: bool
) -> Rate:
    played = [_continued(branch, players, number, intervenes=intervenes) for number in numbers]
    graded = [outcome for outcome in await asyncio.gather(*played) if outcome is not None]
    passed = [o.reward >= 1 if o.passed is None else o.passed for o in graded]
    return Rate(sum(passed), len(passed))


async def _continued(
    branch: Branch, players: Players, number: int, *, intervenes: bool
) -> Outcome | None:
    """Play one continuation; `None` when a party broke."""
    trajectory, task = branch.trajectory, branch.trajectory.task
    seed = _seed(branch, number, intervenes=intervenes)
    # The actor is that of the episode and keeps its plan; only its luck differs.
    actor = players.actor(task, trajectory.seeds.get("actor", seed))
    limits, revisions = players.limits, branch.place.proposal.attempt + 1
    supervisor = Supervisor(
        actor=actor,
        critic=NoCritic(),
        gate="none",
        limits=limits.model_copy(update={"max_revisions": max(limits.max_revisions, revisions)}),
        sampling=players.sampling.model_copy(update={"seed": seed}),
    )
    log = begun(branch, intervenes=intervenes)
    async with players.at_once:
        environment = branch.snapshot.fork(players.user(task, seed))
        try:
            await run_episode(environment, supervisor, log, task_id=task.id)
        finally:
            await environment.close()
    last = log[-1]
    return last.outcome if isinstance(last, Ended) else None


def begun(branch: Branch, *, intervenes: bool) -> list[Event]:
    """Return the log that a continuation begins with."""
    proposal = branch.place.proposal
    before = branch.trajectory.events[: branch.place.at + 1]
    if not intervenes:
        ran = Executed(turn=proposal.turn, action=proposal.action, source="actor")
        return [*before, ran]
    judgement = Judgement(verdict=Revise(feedback=branch.feedback), critic="intervention")
    return [*before, Judged(turn=proposal.turn, attempt=proposal.attempt, judgement=judgement)]


def _seed(branch: Branch, number: int, *, intervenes: bool) -> int:
    proposal = branch.place.proposal
    parts = (branch.trajectory.id, proposal.turn, proposal.attempt, intervenes, number)
    digest = sha256("\x1f".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") & 0x7FFF_FFFF
