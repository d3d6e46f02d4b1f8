"""Tokens, money and time, by role."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal, NamedTuple

from sidecritic.scoring.results import RoleUse
from sidecritic.scoring.statistics import p95
from sidecritic.trace import Judged, Observed, Proposed, Trajectory
from sidecritic.types import Usage

Role = Literal["actor", "actor revisions", "critic", "user"]
ROLES: tuple[Role, ...] = ("actor", "actor revisions", "critic", "user")


class _Call(NamedTuple):
    role: Role
    usage: Usage
    seconds: float


def spending(trajectories: Iterable[Trajectory]) -> dict[str, RoleUse]:
    """Return what each role consumed."""
    calls = [call for trajectory in trajectories for call in _calls(trajectory)]
    return {role: _use([call for call in calls if call.role == role]) for role in ROLES}


def _calls(trajectory: Trajectory) -> Iterator[_Call]:
    for event in trajectory.events:
        match event:
            case Proposed(attempt=attempt, completion=completion):
                role: Role = "actor revisions" if attempt else "actor"
                yield _Call(role, completion.usage, completion.seconds)
            case Judged(judgement=judgement) if judgement.status != "skipped":
                yield _Call("critic", judgement.usage, judgement.seconds)
            case Observed(observation=observation):
                yield _Call("user", observation.usage, observation.seconds)
            case _:
                pass


def _use(calls: Sequence[_Call]) -> RoleUse:
    # Sorted, because sums of floats depend on order and scores must not.
    seconds, uses = sorted(call.seconds for call in calls), [call.usage for call in calls]
    costs = sorted(use.cost_usd for use in uses if use.cost_usd is not None)
    return RoleUse(
        calls=len(calls),
        input_tokens=sum(use.input_tokens for use in uses),
        output_tokens=sum(use.output_tokens for use in uses),
        cached_tokens=sum(use.cached_tokens for use in uses),
        cost_usd=sum(costs) if costs else None,
        unpriced_calls=sum(use.cost_usd is None and use.input_tokens > 0 for use in uses),
        seconds_total=sum(seconds),
        seconds_mean=sum(seconds) / len(seconds) if seconds else 0.0,
        seconds_p95=p95(seconds),
    )
