"""How well a score tells wrong from right: pure functions of numbers.

Intervals resample *groups* (the users of the tasks), because proposals of one user are alike.
Ties are never broken: examples of one score are alarmed together or not at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.detection_records import Bin, Detection, Measured
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
    table = Table(found)
    weights = np.vstack((np.ones(n), resampled(found, resamples)))
    auroc, ap = table.auroc(weights), table.average_precision(weights)
    recalls = {f"{rate:.2f}": table.recall(weights, rate) for rate in FALSE_ALARMS}
    apart = {f"{rate:.2f}": table.recall_apart(weights, rate) for rate in FALSE_ALARMS}
    return Detection(
        n=n,
        wrong=wrong,
        auroc=_value(auroc),
        auroc_ci=_interval(auroc),
        ap=_value(ap),
        ap_ci=_interval(ap),
        recall_at_fpr={rate: _value(values) for rate, values in recalls.items()},
        recall_at_fpr_ci={rate: _interval(values) for rate, values in recalls.items()},
        recall_at_fpr_by_domain={rate: _measured(values) for rate, values in apart.items()},
        calibration_error=_measured(table.calibration_error(weights)),
        reliability=table.reliability(),
    )


def _value(values: Floats) -> float | None:
    return None if np.isnan(values[0]) else float(values[0])


def _interval(values: Floats) -> tuple[float, float] | None:
    # A resample without anything wrong, or right, says nothing.
    known = values[1:][~np.isnan(values[1:])]
    if np.isnan(values[0]) or not known.size:
        return None
    low, high = np.percentile(known, (2.5, 97.5))
    return float(low), float(high)


def _measured(values: Floats) -> Measured:
    return Measured(value=_value(values), ci=_interval(values))


def resampled(examples: Sequence[Example], resamples: int) -> Floats:
    """Return how often each example counts in each resample of the groups."""
    groups = sorted({example.group for example in examples})
    place = {group: at for at, group in enumerate(groups)}
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(groups), [1 / len(groups)] * len(groups), size=resamples)
    return drawn[:, [place[example.group] for example in examples]].astype(np.float64)


class Table:
    """Examples by falling score; every measure takes one row of weights a resample."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self._scores = np.array([example.score for example in examples])
        self._wrong = np.array([example.wrong for example in examples], dtype=np.float64)
        self._strata = np.array([example.stratum for example in examples])
        edges = np.flatnonzero(np.diff(self._scores)) + 1
        self._starts = np.concatenate(([0], edges))

    def _tied(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return the weight of wrong and of right examples at each distinct score."""
        wrong = np.add.reduceat(weights * self._wrong, self._starts, axis=1)
        right = np.add.reduceat(weights * (1 - self._wrong), self._starts, axis=1)
        return wrong, right

    def auroc(self, weights: Floats) -> Floats:
        """Return the chance that a wrong example scores higher than a right one; ties half."""
        wrong, right = self._tied(weights)
        above = np.cumsum(wrong, axis=1) - wrong / 2
        return _ratio((above * right).sum(axis=1), wrong.sum(axis=1) * right.sum(axis=1))

    def average_precision(self, weights: Floats) -> Floats:
        """Return the sum of precision × gain in recall over the distinct scores."""
        wrong, right = self._tied(weights)
        caught, alarms = np.cumsum(wrong, axis=1), np.cumsum(wrong + right, axis=1)
        precision = np.divide(caught, alarms, out=np.zeros_like(caught), where=alarms > 0)
        return _ratio((precision * wrong).sum(axis=1), wrong.sum(axis=1))

    def recall(self, weights: Floats, rate: float) -> Floats:
        """Return the best recall whose share of false alarms is at most `rate`."""
        caught, wrong, _ = self._caught(weights, rate)
        return _ratio(caught, wrong)

    def recall_apart(self, weights: Floats, rate: float) -> Floats:
        """Return the same where each stratum has a threshold of its own."""
        caught, wrong = np.zeros(len(weights)), np.zeros(len(weights))
        for stratum in np.unique(self._strata):
            here, all_wrong, _ = self._caught(weights * (self._strata == stratum), rate)
            caught, wrong = caught + here, wrong + all_wrong
        return _ratio(caught, wrong)

    def _caught(self, weights: Floats, rate: float) -> tuple[Floats, Floats, Floats]:
        wrong, right = self._tied(weights)
        all_wrong, all_right = wrong.sum(axis=1), right.sum(axis=1)
        # Sums of weights are exact, the product of rate and count is not.
        allowed = np.cumsum(right, axis=1) <= all_right[:, None] * rate + 1e-9
        caught = np.where(allowed, np.cumsum(wrong, axis=1), 0).max(axis=1)
        return np.where(all_right > 0, caught, np.nan), all_wrong, all_right

    def calibration_error(self, weights: Floats) -> Floats:
        """Return the expected calibration error over bins of equal width.

        Source: Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning
        (AAAI 2015).
        """
        gap = np.zeros(len(weights))
        for inside in self._bins():
            gap += np.abs(weights @ (inside * (self._scores - self._wrong)))
        return _ratio(gap, weights.sum(axis=1))

    def reliability(self) -> tuple[Bin, ...]:
        """Return mean score and share of wrong examples by bin, empty bins left out."""
        return tuple(
            Bin(
                low=at / BINS,
                high=(at + 1) / BINS,
                n=int(inside.sum()),
                score=float(self._scores[inside].mean()),
                wrong=float(self._wrong[inside].mean()),
            )
            for at, inside in enumerate(self._bins())
            if inside.any()
        )

    def _bins(self) -> list[NDArray[np.bool_]]:
        at = np.minimum((self._scores * BINS).astype(int), BINS - 1)
        return [at == number for number in range(BINS)]


def _ratio(above: Floats, below: Floats) -> Floats:
    return np.divide(above, below, out=np.full(len(below), np.nan), where=below > 0)
