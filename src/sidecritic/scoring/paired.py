"""Two critics over the same proposals: by how much one is better, with paired intervals.

Intervals resample *tasks*, and each resample is the same for both critics: what a task makes
easy for one it makes easy for the other.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.detection import Example, Table, measured, resampled
from sidecritic.scoring.replay_results import Measured
from sidecritic.types import Record

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class CriticVerdict:
    """What a critic said of a proposal."""

    risk: float
    refused: bool
    """At the critic's own threshold."""


@dataclass(frozen=True, slots=True)
class PairedCase:
    """A proposal that both critics have judged, and whether it was wrong."""

    task: str
    wrong: bool
    old: CriticVerdict
    new: CriticVerdict


class Difference(Record):
    """A measure of two critics, and that of the new one less that of the old one."""

    old: Measured = Measured()
    new: Measured = Measured()
    difference: Measured = Measured()
    n: int = 0
    """What it was measured on."""
    tasks: int = 0

    @property
    def said(self) -> str:
        """The difference with its interval, as text."""
        return self.difference.said("+.3f")

    @property
    def is_gain(self) -> bool:
        """Whether the whole interval lies above 0."""
        return self.difference.ci is not None and self.difference.ci[0] > 0


Measure = Callable[[Sequence[Example], Floats], Floats]
"""Examples by falling score, and one row of weights a resample, to one value a row."""


def auroc(cases: Sequence[PairedCase]) -> Difference:
    """Compare how well wrong proposals are told from right ones."""
    return _compared(cases, lambda examples, weights: Table(examples, weights).auroc())


def brier(cases: Sequence[PairedCase]) -> Difference:
    """Compare the mean squared error of the risk as a probability of being wrong.

    Source: Brier, Verification of Forecasts Expressed in Terms of Probability (1950).
    """
    return _compared(cases, _mean_of(lambda e: (e.score - e.wrong) ** 2))


def calibration_error(cases: Sequence[PairedCase]) -> Difference:
    """Compare the expected calibration error."""
    return _compared(cases, lambda examples, weights: Table(examples, weights).calibration_error())


def refused(cases: Sequence[PairedCase]) -> Difference:
    """Compare the share of the cases that is refused at the critics' own thresholds."""
    shares = _mean_of(lambda e: e.score)
    return _compared(cases, shares, lambda verdict: float(verdict.refused))


def _mean_of(value: Callable[[Example], float]) -> Measure:
    return lambda examples, weights: (
        (weights @ np.array([value(e) for e in examples])) / weights.sum(axis=1)
    )


def _compared(
    cases: Sequence[PairedCase],
    measure: Measure,
    score: Callable[[CriticVerdict], float] = lambda verdict: verdict.risk,
) -> Difference:
    if not cases:
        return Difference()
    ordered = sorted(cases, key=lambda c: (c.task, c.wrong, c.old.risk, c.new.risk))
    weights = resampled([case.task for case in ordered])
    old = _measured(ordered, [score(case.old) for case in ordered], weights, measure)
    new = _measured(ordered, [score(case.new) for case in ordered], weights, measure)
    return Difference(
        old=measured(old),
        new=measured(new),
        difference=measured(new - old),
        n=len(cases),
        tasks=len({case.task for case in cases}),
    )


def _measured(
    cases: Sequence[PairedCase], scores: Sequence[float], weights: Floats, measure: Measure
) -> Floats:
    falling = sorted(range(len(cases)), key=lambda at: -scores[at])
    examples = [Example(scores[at], cases[at].wrong, cases[at].task) for at in falling]
    return measure(examples, weights[:, falling])
