"""Thresholds by whole runs: how many right ones are disturbed, and how much is handed on.

A run has many proposals, and one refusal disturbs it: a threshold for a share of proposals says
little about runs. Everything here is numbers; `whole_runs` makes them of recorded runs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, inf
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecritic.critics.base import is_by_risk, score_of
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.scoring.replays import KnownProposal, supervised
from sidecritic.scoring.statistics import Z
from sidecritic.scoring.verdicts import refused
from sidecritic.scoring.writes import is_clean, reward_of
from sidecritic.trace import Proposed
from sidecritic.types import UNVERIFIED

_CUTS = 60
"""Thresholds that are tried; with more distinct scores, those at equal shares of them."""

_ROUNDING = 1e-9


class Pair(NamedTuple):
    """Below `low` approve, from `high` refuse, hand on what lies between."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Judged:
    """A judged proposal of a run."""

    score: float
    wrong: bool | None = None
    """`None` where nobody knows."""
    refused_anyway: bool = False
    """Whether it is sent back whatever the thresholds are: an escalation, for instance."""
    refused_next: bool = False
    """Whether the stronger critic would send it back."""
    next_judged: bool = True
    """Whether the stronger critic has judged it, or nobody asked it to."""


@dataclass(frozen=True, slots=True)
class WholeRun:
    """A run, or a conversation."""

    user: str
    domain: str
    right: bool
    """A successful run, or a conversation of which each judged write is labelled right."""
    proposals: tuple[Judged, ...]
    unlabelled: int = 0
    """Judged writes without a label, where no other label says wrong: it may be right or not."""

    def disturbed(self, pair: Pair) -> bool:
        """Whether one of its proposals is sent back, by either critic."""
        return any(is_refused(each, pair) for each in self.proposals)


def is_handed_on(each: Judged, pair: Pair) -> bool:
    """Whether the next link decides."""
    return not each.refused_anyway and pair.low <= each.score < pair.high


def is_refused(each: Judged, pair: Pair) -> bool:
    """Whether it is sent back, by this critic or the next."""
    by_next = each.refused_next and is_handed_on(each, pair)
    return each.refused_anyway or each.score >= pair.high or by_next


@dataclass(frozen=True, slots=True)
class Wish:
    """What may be disturbed, and handed on."""

    runs_disturbed: float
    pass_on: float | None = None
    """`None`: one threshold, and nothing is handed on."""
    second_known: bool = False
    """Whether the stronger critic has judged as well; else what is handed on counts as caught."""


def runs_needed(share: float) -> int:
    """Return of how many right runs none may be disturbed before `share` can be believed.

    That is: before Wilson's upper end of 0 of n, at 95 %, is `share` at most.
    """
    return ceil(Z**2 * (1 - share) / share - _ROUNDING) if share > 0 else 0


def best_pair(runs: Sequence[WholeRun], wish: Wish) -> Pair:
    """Return the pair that catches most of what is wrong and keeps to the wish on these runs.

    Of pairs that catch as much, the one that hands on least; of those, the one that refuses
    most of what is wrong by itself. A wider wish never catches less.
    """
    if not any(run.right for run in runs):
        return Pair(inf, inf)
    table = _Table(runs, second_known=wish.second_known)
    tried = (
        (table.rank(pair), pair) for pair in _pairs(table.scores, wish) if table.keeps(pair, wish)
    )
    # Nothing refused and nothing handed on disturbs no more than cannot be helped.
    return max(tried, default=((), Pair(inf, inf)))[1]


def _pairs(scores: NDArray[np.float64], wish: Wish) -> Iterator[Pair]:
    cuts = _cuts(scores)
    for at, high in enumerate(cuts):
        for low in cuts[: at + 1] if wish.pass_on is not None else (high,):
            yield Pair(low, high)


def _cuts(scores: NDArray[np.float64]) -> list[float]:
    """Return the lowest score, the middles between one and the next, and infinity."""
    levels = np.unique(scores)
    if not levels.size:
        return [inf]
    between = (levels[:-1] + levels[1:]) / 2
    # A middle of two neighbouring floats may be the lower of them.
    between = np.maximum(between, np.nextafter(levels[:-1], 1.0))
    if between.size > _CUTS:
        between = between[np.unique(np.linspace(0, between.size - 1, _CUTS).round().astype(int))]
    return [float(levels[0]), *map(float, between), inf]


class _Table:
    """The proposals of some runs as columns."""

    def __init__(self, runs: Sequence[WholeRun], *, second_known: bool) -> None:
        flat = [(at, run.right, each) for at, run in enumerate(runs) for each in run.proposals]
        self.scores = np.array([each.score for _, _, each in flat], dtype=np.float64)
        self._run = np.array([at for at, _, _ in flat], dtype=np.int64)
        self._right = np.array([right for _, right, _ in flat], dtype=np.bool_)
        self._wrong = np.array([each.wrong is True for _, _, each in flat], dtype=np.bool_)
        self._anyway = np.array([each.refused_anyway for _, _, each in flat], dtype=np.bool_)
        self._next = np.array([each.refused_next for _, _, each in flat], dtype=np.bool_)
        self._second_known = second_known
        self._right_runs = sum(run.right for run in runs)

    def keeps(self, pair: Pair, wish: Wish) -> bool:
        """Whether a pair disturbs and hands on no more than is wished."""
        on = self._handed_on(pair)
        if wish.pass_on is not None and on.sum() > wish.pass_on * len(on) + _ROUNDING:
            return False
        stopped = self._anyway | (self.scores >= pair.high) | (on & self._next)
        hit = np.unique(self._run[stopped & self._right]).size
        return bool(hit <= wish.runs_disturbed * self._right_runs + _ROUNDING)

    def rank(self, pair: Pair) -> tuple[int, int, int, float]:
        on = self._handed_on(pair)
        alone = self._anyway | (self.scores >= pair.high)
        caught = alone | (on & self._next if self._second_known else on)
        wrong = self._wrong
        return int((caught & wrong).sum()), -int(on.sum()), int((alone & wrong).sum()), pair.high

    def _handed_on(self, pair: Pair) -> NDArray[np.bool_]:
        return ~self._anyway & (self.scores >= pair.low) & (self.scores < pair.high)


# --- from recorded runs ----------------------------------------------------------------------


def whole_runs(
    runs: Iterable[Recorded],
    lines: Sequence[JudgedProposal],
    known: Iterable[KnownProposal],
    stronger: Sequence[JudgedProposal] = (),
) -> tuple[WholeRun, ...]:
    """Return the runs of which it is known whether they were right, or that hold a label.

    Every judged proposal of a right run counts, words and look-ups without a label too: live, each
    may disturb it. Runs that this critic has supervised tell nothing and are left out.
    """
    runs = tuple(runs)
    left_out = supervised(runs, lines)
    truths: dict[ProposalKey, bool] = {}
    for each in known:
        truths[each.line.key] = truths.get(each.line.key, False) or each.example.wrong
    second = {line.key: line for line in stronger}
    of_run: dict[tuple[str, int], list[JudgedProposal]] = {}
    for line in sorted(lines, key=lambda line: line.key):
        if line.judgement.status == "ok":
            of_run.setdefault((line.file, line.simulation), []).append(line)
    found: list[WholeRun] = []
    for run in sorted(runs, key=lambda run: (run.file, run.simulation)):
        if (place := (run.file, run.simulation)) in left_out:
            continue
        own = of_run.get(place, [])
        judged = tuple(
            _judged(line, truths.get(line.key), second.get(line.key), asked=bool(stronger))
            for line in own
        )
        right, missing = _is_right(run), _unlabelled_writes(run, own)
        if right or any(each.wrong is not None for each in judged):
            told = (right and not missing, judged, missing if right else 0)
            found.append(WholeRun(run.user_id, run.domain, *told))
    return tuple(found)


def _judged(
    line: JudgedProposal, wrong: bool | None, second: JudgedProposal | None, *, asked: bool
) -> Judged:
    judgement = line.judgement
    # "Verify first" costs a step and is no refusal: it is counted nowhere here.
    anyway = refused(line) and not is_by_risk(judgement) and judgement.category != UNVERIFIED
    return Judged(
        score=score_of(judgement) if is_by_risk(judgement) else 0.0,
        wrong=wrong,
        refused_anyway=anyway,
        refused_next=second is not None
        and refused(second)
        and second.judgement.category != UNVERIFIED,
        next_judged=second is not None or not asked,
    )


def _is_right(run: Recorded) -> bool:
    if run.is_chat:
        return bool(run.opinions) and not any(each.wrong for each in run.opinions)
    return is_clean(run) and (reward_of(run) or 0.0) >= 1


def _unlabelled_writes(run: Recorded, lines: Iterable[JudgedProposal]) -> int:
    """Return of how many judged writes of a chat some call has no label."""
    if not run.is_chat:
        return 0
    calls = {(each.turn, each.attempt): each.completion.message.calls for each in _proposed(run)}
    reads = {tool.name for tool in run.briefing.tools if tool.effect == "read"}
    told = {(each.turn, each.attempt, each.call_id) for each in run.opinions}

    def is_labelled(turn: int, attempt: int) -> bool:
        writing = [each for each in calls.get((turn, attempt), ()) if each.name not in reads]
        whole = (turn, attempt, None) in told
        return whole or all((turn, attempt, each.id) in told for each in writing)

    writes = [line for line in lines if line.kind == "write"]
    return sum(not is_labelled(line.turn, line.attempt) for line in writes)


def _proposed(run: Recorded) -> Iterator[Proposed]:
    return (event for event in run.trajectory.events if isinstance(event, Proposed))


def by_domain(runs: Sequence[WholeRun]) -> Mapping[str, list[WholeRun]]:
    """Return the runs of each domain."""
    found: dict[str, list[WholeRun]] = {}
    for run in runs:
        found.setdefault(run.domain, []).append(run)
    return {name: found[name] for name in sorted(found)}
