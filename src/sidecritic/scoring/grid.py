"""An experiment's cells as one table: scores, paired differences, interventions, cost, time."""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from sidecritic.scoring.comparison import Side, compare
from sidecritic.scoring.results import Interval, Paired, Scores
from sidecritic.scoring.score import latest
from sidecritic.scoring.statistics import bootstrap
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Record
from sidecritic.writes import outcome_of


class GridRow(Record):
    """One combination of what varies, its seeds pooled."""

    labels: dict[str, str]
    scores: Scores
    is_baseline: bool
    """Whether others are compared with it."""
    paired: Paired | None
    """Against the baseline of its environment, over pass^1; `None` for a baseline itself."""
    reward_delta: Interval | None
    """Mean reward minus the baseline's, over episodes of both, tasks resampled."""
    cost_usd: float | None
    """Of all roles; `None` when no price is known."""
    unpriced_calls: int
    seconds_per_episode: float
    """Of all calls of all parties, one after the other."""


class Grid(Record):
    schema_version: int = 1
    title: str
    note: str = ""
    simulated: tuple[str, ...]
    """Roles that a script or simulation played in any cell."""
    rows: tuple[GridRow, ...]
    planned: int
    episodes: int
    stopped: str = ""
    """Why the experiment is not complete, if it is not."""


class GridCell(NamedTuple):
    """What there is of one row: a side for each seed."""

    labels: Mapping[str, str]
    sides: Sequence[Side]


def grid_of(
    played: Sequence[GridCell],
    *,
    title: str,
    baseline: Mapping[str, str],
    note: str = "",
    stopped: str = "",
) -> Grid:
    """Return the table; rows without an episode are left out."""
    sides = [(dict(each.labels), _pooled(each.sides)) for each in played]
    rows = [
        _row(labels, side, _reference(labels, sides, baseline))
        for labels, side in sides
        if side.trajectories
    ]
    return Grid(
        title=title,
        note=note,
        simulated=tuple(sorted({role for row in rows for role in row.scores.simulated})),
        rows=tuple(rows),
        planned=sum(side.planned or 0 for _, side in sides),
        episodes=sum(row.scores.episodes for row in rows),
        stopped=stopped,
    )


def _pooled(sides: Sequence[Side]) -> Side:
    """Return runs with different seeds as one run, whose trials are those of all of them."""
    trajectories: list[Trajectory] = []
    briefings: dict[str, Briefing] = {}
    for side in sides:
        first = max((each.trial for each in trajectories), default=-1) + 1
        trajectories += [t.model_copy(update={"trial": t.trial + first}) for t in side.trajectories]
        briefings |= side.briefings
    planned = sum(side.planned or 0 for side in sides)
    return Side(trajectories, briefings, "", planned)


def _reference(
    labels: dict[str, str], rows: Sequence[tuple[dict[str, str], Side]], baseline: Mapping[str, str]
) -> Side | None:
    """Return what a row is compared with; `None` when that is the row itself, or nothing."""
    other = {**labels, **baseline}
    found = (side for known, side in rows if known == other != labels and side.trajectories)
    return next(found, None)


def _row(labels: dict[str, str], side: Side, reference: Side | None) -> GridRow:
    scores, paired, delta = side.scores(), None, None
    if reference is not None:
        comparison = compare(reference, side)
        scores, paired = comparison.supervised, comparison.paired
        delta = _reward_delta(reference.trajectories, side.trajectories)
    uses = scores.roles.values()
    costs = [use.cost_usd for use in uses if use.cost_usd is not None]
    seconds = sum(use.seconds_total for use in uses)
    return GridRow(
        labels=labels,
        scores=scores,
        is_baseline=reference is None,
        paired=paired,
        reward_delta=delta,
        cost_usd=sum(sorted(costs)) if costs else None,
        unpriced_calls=sum(use.unpriced_calls for use in uses),
        seconds_per_episode=seconds / scores.episodes if scores.episodes else 0.0,
    )


def _reward_delta(old: Iterable[Trajectory], new: Iterable[Trajectory]) -> Interval | None:
    before, after = _rewards(old), _rewards(new)
    by_task: dict[tuple[str, str], list[float]] = {}
    for key in sorted(before.keys() & after.keys()):
        by_task.setdefault(key[:2], []).append(after[key] - before[key])
    return bootstrap([sum(d) / len(d) for d in by_task.values()], least=-1.0) if by_task else None


def _rewards(trajectories: Iterable[Trajectory]) -> dict[tuple[str, str, int], float]:
    graded = ((each.key, outcome_of(each)) for each in latest(trajectories))
    return {key: outcome.reward for key, outcome in graded if outcome is not None}
