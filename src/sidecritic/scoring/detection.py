"""How well a score tells wrong from right: pure functions of numbers.

Intervals resample *groups* (the users of the tasks), because proposals of one user are alike.
Ties are never broken: examples of one score are alarmed together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.replay_results import Bin, Detection, Measured, Share
from sidecritic.scoring.statistics import SEED

RESAMPLES = 1_000
FALSE_ALARMS = (0.01, 0.05, 0.10)
BINS = 10

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """One thing that was scored, and what it was."""

    score: float
    """In [0, 1]; higher is more suspicious."""
    wrong: bool
    group: str
    """What is resampled together: the user id of the task."""
    stratum: str = ""
    """What has a threshold of its own: the domain."""


def detection(examples: Sequence[Example], *, resamples: int = RESAMPLES) -> Detection:
    """Return every measure, each with a 95 % percentile interval over groups.

    A measure that is not defined (nothing wrong, or nothing right, among the examples) is
    `None`. The order of the examples does not matter.
    """
    found = sorted(examples, key=lambda e: (-e.score, e.wrong, e.group, e.stratum))
    n, wrong = len(found), sum(example.wrong for example in found)
    if not found:
        return Detection(n=0, wrong=0)
    table = Table(found, np.vstack((np.ones(n), resampled([e.group for e in found], resamples))))
    auroc, ap = table.auroc(), table.average_precision()
    recalls = {f"{rate:.2f}": table.recall(rate) for rate in FALSE_ALARMS}
    apart = {f"{rate:.2f}": table.recall_apart(rate) for rate in FALSE_ALARMS}
    return Detection(
        n=n,
        wrong=wrong,
        auroc=_value(auroc),
        auroc_ci=_interval(auroc),
        ap=_value(ap),
        ap_ci=_interval(ap),
        recall_at_fpr={rate: _value(values) for rate, values in recalls.items()},
        recall_at_fpr_ci={rate: _interval(values) for rate, values in recalls.items()},
        recall_at_fpr_by_domain={rate: measured(values) for rate, values in apart.items()},
        calibration_error=measured(table.calibration_error()),
        reliability=table.reliability(),
    )


def share(cases: Sequence[tuple[str, bool]]) -> Share:
    """Return the share of cases that are met; each case comes with its group, the user."""
    if not cases:
        return Share(n=0, of=0)
    weights = np.vstack((np.ones(len(cases)), resampled([group for group, _ in cases], RESAMPLES)))
    met = np.array([met for _, met in cases], dtype=np.float64)
    shares = (weights @ met) / weights.sum(axis=1)
    return Share(n=int(met.sum()), of=len(cases), share=measured(shares))


def measured(values: Floats) -> Measured:
    """Return the first value, with a 95 % percentile interval of the others, the resamples."""
    return Measured(value=_value(values), ci=_interval(values))


def _value(values: Floats) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])


def _interval(values: Floats) -> tuple[float, float] | None:
    # A resample without anything wrong, or right, says nothing.
    known = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not known.size:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def resampled(groups: Sequence[str], resamples: int) -> Floats:
    """Return how often each member of a group counts in each resample of the groups."""
    names = sorted(set(groups))
    place = {name: at for at, name in enumerate(names)}
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(names), [1 / len(names)] * len(names), size=resamples)
    return drawn[:, [place[group] for group in groups]].astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Levels:
    """The weight of wrong and of right examples at each distinct score, one row a resample."""

    scores: Floats
    wrong: Floats
    right: Floats
    caught: Floats
    """Weight of the wrong ones at this score or above."""
    alarms: Floats
    """Of the right ones."""

    def recall(self, rate: float) -> tuple[Floats, Floats]:
        """Return what the best allowed threshold catches, NaN where nothing is right, of what."""
        all_wrong, all_right = self.caught[:, -1], self.alarms[:, -1]
        # Sums of weights are exact, the product of rate and count is not.
        allowed = self.alarms <= all_right[:, None] * rate + 1e-9
        caught = np.where(allowed, self.caught, 0).max(axis=1)
        return np.where(all_right > 0, caught, np.nan), all_wrong


def _levels(scores: Floats, wrong: Floats, weights: Floats) -> _Levels:
    starts = np.concatenate(([0], np.flatnonzero(np.diff(scores)) + 1))
    of_wrong = np.add.reduceat(weights * wrong, starts, axis=1)
    of_right = np.add.reduceat(weights, starts, axis=1) - of_wrong
    caught, alarms = np.cumsum(of_wrong, axis=1), np.cumsum(of_right, axis=1)
    return _Levels(scores[starts], of_wrong, of_right, caught, alarms)


@dataclass(frozen=True, slots=True)
class _Binned:
    """The examples of one bin by resample; the first of these is the examples as they are."""

    weight: Floats
    wrong: Floats
    """Weight of the wrong ones."""
    scores: Floats
    """Sum of the scores."""

    def row(self, low: float, high: float) -> Bin:
        score, wrong = _ratio(self.scores, self.weight), _ratio(self.wrong, self.weight)
        return Bin(
            low=low,
            high=high,
            n=int(self.weight[0]),
            score=float(score[0]),
            score_ci=_interval(score),
            wrong=float(wrong[0]),
            wrong_ci=_interval(wrong),
        )


class Table:
    """Examples by falling score; every measure has a value for each row of weights, a resample."""

    def __init__(self, examples: Sequence[Example], weights: Floats) -> None:
        """Sort nothing: `weights` has a column for each example, in their order."""
        self._scores = np.array([example.score for example in examples])
        self._wrong = np.array([example.wrong for example in examples], dtype=np.float64)
        self._strata = np.array([example.stratum for example in examples])
        self._weights = weights

    # Shared by all measures: summing the weights again for each took most of the scoring time.
    @cached_property
    def _whole(self) -> _Levels:
        return _levels(self._scores, self._wrong, self._weights)

    @cached_property
    def _apart(self) -> tuple[_Levels, ...]:
        """The levels of each stratum."""
        strata = np.unique(self._strata)
        if len(strata) == 1:
            return (self._whole,)
        inside = [self._strata == stratum for stratum in strata]
        return tuple(
            _levels(self._scores[here], self._wrong[here], self._weights[:, here])
            for here in inside
        )

    @cached_property
    def _binned(self) -> dict[int, _Binned]:
        """The bins that hold an example; as scores fall, each is a run of levels."""
        levels = self._whole
        number = np.minimum((levels.scores * BINS).astype(int), BINS - 1)
        starts = np.concatenate(([0], np.flatnonzero(np.diff(number)) + 1))
        every = levels.wrong + levels.right
        parts = (every, levels.wrong, every * levels.scores)
        sums = [np.add.reduceat(part, starts, axis=1).T for part in parts]
        return {
            int(number[start]): _Binned(*each)
            for start, each in zip(starts, zip(*sums, strict=True), strict=True)
        }

    def auroc(self) -> Floats:
        """Return the chance that a wrong example scores higher than a right one; ties half."""
        found = self._whole
        above = found.caught - found.wrong / 2
        pairs = found.caught[:, -1] * found.alarms[:, -1]
        return _ratio((above * found.right).sum(axis=1), pairs)

    def average_precision(self) -> Floats:
        """Return the sum of precision × gain in recall over the distinct scores."""
        found = self._whole
        caught, alarms = found.caught, found.caught + found.alarms
        precision = np.divide(caught, alarms, out=np.zeros_like(caught), where=alarms > 0)
        return _ratio((precision * found.wrong).sum(axis=1), caught[:, -1])

    def recall(self, rate: float) -> Floats:
        """Return the best recall whose share of false alarms is at most `rate`."""
        return _ratio(*self._whole.recall(rate))

    def recall_apart(self, rate: float) -> Floats:
        """Return the same where each stratum has a threshold of its own."""
        parts = [levels.recall(rate) for levels in self._apart]
        return _ratio(
            np.sum([caught for caught, _ in parts], axis=0),
            np.sum([all_ for _, all_ in parts], axis=0),
        )

    def calibration_error(self) -> Floats:
        """Return the expected calibration error over bins of equal width.

        Source: Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning
        (AAAI 2015).
        """
        gaps = [np.abs(each.scores - each.wrong) for each in self._binned.values()]
        return _ratio(np.sum(gaps, axis=0), self._weights.sum(axis=1))

    def reliability(self) -> tuple[Bin, ...]:
        """Return mean score and share of wrong examples by bin, empty bins left out."""
        return tuple(
            self._binned[at].row(at / BINS, (at + 1) / BINS) for at in sorted(self._binned)
        )


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
