"""How well a score tells wrong from right: pure functions of numbers.

Intervals resample *groups* (the users of the tasks), because proposals of one user are alike.
Ties are never broken: examples of one score are alarmed together or not at all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.replay_results import Bin, Detection, Measured, Share
from sidecritic.scoring.statistics import SEED, wilson

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
    if not found:
        return Detection(n=0, wrong=0)
    groups = [example.group for example in found]
    table = Table(found, resampled(groups, resamples))
    of = len(set(groups))
    auroc, ap = measured(table.auroc(), of), measured(table.average_precision(), of)
    rates = {f"{rate:.2f}": rate for rate in FALSE_ALARMS}
    recalls = {name: measured(table.recall(rate), of) for name, rate in rates.items()}
    return Detection(
        n=len(found),
        wrong=sum(example.wrong for example in found),
        auroc=auroc.value,
        auroc_ci=auroc.ci,
        ap=ap.value,
        ap_ci=ap.ci,
        recall_at_fpr={name: recall.value for name, recall in recalls.items()},
        recall_at_fpr_ci={name: recall.ci for name, recall in recalls.items()},
        recall_at_fpr_by_domain={n: measured(table.recall_apart(r), of) for n, r in rates.items()},
        calibration_error=measured(table.calibration_error()),
        reliability=tuple(table.reliability()),
    )


def share(cases: Sequence[tuple[str, bool]]) -> Share:
    """Return the share of cases that are met; each case comes with its group, the user."""
    if not cases:
        return Share(n=0, of=0)
    groups = [group for group, _ in cases]
    weights = resampled(groups)
    met = np.array([met for _, met in cases], dtype=np.float64)
    shares = (weights @ met) / weights.sum(axis=1)
    return Share(n=int(met.sum()), of=len(cases), share=measured(shares, len(set(groups))))


def measured(values: Floats, groups: int = 0) -> Measured:
    """Return the first value, with a 95 % percentile interval of the others, the resamples.

    Resamples that all agree know nothing of groups unlike these: of so many groups of a share as
    can have been missed (Wilson's upper end of 0 of n), any may have been 0, or 1.
    """
    if np.isnan(values[0]):
        return Measured()
    # A resample without anything wrong, or right, says nothing.
    known = values[1:][~np.isnan(values[1:])]
    if not known.size:
        return Measured(value=float(values[0]))
    value, (low, high) = float(values[0]), map(float, np.percentile(known, (2.5, 97.5)))
    if low == high and groups:
        _, missed = wilson(0, groups)
        low, high = low - missed * low, high + missed * (1 - high)
    return Measured(value=value, ci=(low, high))


def resampled(groups: Sequence[str], resamples: int = RESAMPLES) -> Floats:
    """Return how often each member of a group counts: once, then in each resample of the groups."""
    names = sorted(set(groups))
    place = {name: at for at, name in enumerate(names)}
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(names), [1 / len(names)] * len(names), size=resamples)
    drawn = drawn[:, [place[group] for group in groups]].astype(np.float64)
    return np.vstack((np.ones(len(groups)), drawn))


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


class _Binned(NamedTuple):
    """The examples of one bin by resample; the first of these is the examples as they are."""

    weight: Floats
    wrong: Floats
    """Weight of the wrong ones."""
    scores: Floats
    """Sum of the scores."""


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
        parts = [(self._scores[i], self._wrong[i], self._weights[:, i]) for i in inside]
        return tuple(_levels(*part) for part in parts)

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
        caught, every = np.sum(parts, axis=0)
        return _ratio(caught, every)

    def calibration_error(self) -> Floats:
        """Return the expected calibration error over bins of equal width.

        Source: Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning
        (AAAI 2015).
        """
        gaps = [np.abs(each.scores - each.wrong) for each in self._binned.values()]
        return _ratio(np.sum(gaps, axis=0), self._weights.sum(axis=1))

    def reliability(self) -> Iterator[Bin]:
        """Yield mean score and share of wrong examples by bin, empty bins left out."""
        for at, each in sorted(self._binned.items()):
            score, wrong = _ratio(each.scores, each.weight), _ratio(each.wrong, each.weight)
            yield Bin(
                low=at / BINS,
                high=(at + 1) / BINS,
                n=int(each.weight[0]),
                score=float(score[0]),
                score_ci=measured(score).ci,
                wrong=float(wrong[0]),
                wrong_ci=measured(wrong).ci,
            )


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
