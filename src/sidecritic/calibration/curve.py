"""From a score to a probability, and from a wanted share of false alarms to a threshold.

A calibration never reverses the order of two scores. Applying one needs no numpy arrays: it
is a few operations on floats, at every verdict.
"""

from bisect import bisect_right
from collections.abc import Sequence
from math import exp, floor
from typing import Annotated, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from sidecritic.types import Record

Floats = NDArray[np.float64]

_STEPS = 100
"""Newton steps; a problem with two parameters takes about ten."""


class Platt(Record, allow_inf_nan=False):
    """The sigmoid of a line."""

    method: Literal["platt"] = "platt"
    slope: float = Field(ge=0)
    intercept: float

    def probability(self, score: float) -> float:
        """Return the probability that an action of this score is wrong."""
        at = self.slope * score + self.intercept
        # Of the two forms the one whose exponential cannot overflow.
        return 1 / (1 + exp(-at)) if at >= 0 else exp(at) / (1 + exp(at))


class Isotonic(Record, allow_inf_nan=False):
    """A line through points that never falls; flat beyond the first and the last."""

    method: Literal["isotonic"] = "isotonic"
    scores: tuple[float, ...] = Field(min_length=1)
    """Strictly rising."""
    probabilities: tuple[Annotated[float, Field(ge=0, le=1)], ...]
    """Never falling, one for each score."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if len(self.scores) != len(self.probabilities):
            raise ValueError("needs as many probabilities as scores")
        if any(a >= b for a, b in zip(self.scores, self.scores[1:], strict=False)):
            raise ValueError("scores must rise from one to the next")
        if any(a > b for a, b in zip(self.probabilities, self.probabilities[1:], strict=False)):
            raise ValueError("probabilities must not fall from one to the next")
        return self

    def probability(self, score: float) -> float:
        """Return the probability that an action of this score is wrong."""
        after = bisect_right(self.scores, score)
        if after in (0, len(self.scores)):
            return self.probabilities[max(after - 1, 0)]
        left, right = self.scores[after - 1 : after + 1]
        low, high = self.probabilities[after - 1 : after + 1]
        return min(low + (high - low) * ((score - left) / (right - left)), high)


Calibration = Annotated[Platt | Isotonic, Field(discriminator="method")]
Method = Literal["isotonic", "platt"]


def fit(method: Method, scores: Sequence[float], wrong: Sequence[bool]) -> Platt | Isotonic:
    """Return the calibration that fits best; there must be at least one example.

    No finite number of examples makes anything certain: probabilities stay within
    1 / (n + 2) of 0 and 1.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(wrong, dtype=np.float64)
    return _platt(x, y) if method == "platt" else _isotonic(x, y)


def _platt(x: Floats, y: Floats) -> Platt:
    """Minimise the cross-entropy with the targets that Platt proposed, by damped Newton steps.

    Source: Platt, Probabilistic Outputs for Support Vector Machines (1999), in the numerically
    stable form of Lin, Lin and Weng (Machine Learning 68, 2007).
    """
    wrong = float(y.sum())
    likely, unlikely = (wrong + 1) / (wrong + 2), 1 / (len(y) - wrong + 2)
    targets: Floats = y * likely + (1 - y) * unlikely
    flat = np.array([0.0, np.log(targets.mean() / (1 - targets.mean()))])
    found = _newton(np.column_stack((x, np.ones_like(x))), targets, flat)
    # A score that falls as mistakes rise tells nothing: all that is known is the rate.
    slope, intercept = found if found[0] > 0 else flat
    return Platt(slope=float(slope), intercept=float(intercept))


def _newton(design: Floats, targets: Floats, start: Floats) -> Floats:
    at, loss = start, _loss(design @ start, targets)
    for _ in range(_STEPS):
        chances = 1 / (1 + np.exp(-np.clip(design @ at, -500, 500)))
        gradient = design.T @ (chances - targets)
        weighted = design * (chances * (1 - chances))[:, None]
        step = np.linalg.solve(design.T @ weighted + 1e-9 * np.eye(2), gradient)
        size = 1.0
        while size > 1e-10 and _loss(design @ (at - size * step), targets) > loss:
            size /= 2
        better = _loss(design @ (at - size * step), targets)
        if loss - better <= 1e-12 * max(1.0, abs(loss)):
            break
        at, loss = at - size * step, better
    return at


def _loss(z: Floats, targets: Floats) -> float:
    return float((np.logaddexp(0, z) - targets * z).sum())


def _isotonic(x: Floats, y: Floats) -> Isotonic:
    """Pool adjacent violators; equal scores count as one point from the start.

    Source: Ayer et al., An Empirical Distribution Function for Sampling with Incomplete
    Information (Annals of Mathematical Statistics 26, 1955).
    """
    levels, place = np.unique(x, return_inverse=True)
    wrong, n = np.bincount(place, weights=y), np.bincount(place)
    blocks: list[tuple[float, int, int, int]] = []  # wrong, n, first level, last level
    for at in range(len(levels)):
        block = (float(wrong[at]), int(n[at]), at, at)
        while blocks and blocks[-1][0] * block[1] >= block[0] * blocks[-1][1]:
            before = blocks.pop()
            block = (before[0] + block[0], before[1] + block[1], before[2], block[3])
        blocks.append(block)
    least = 1 / (len(x) + 2)
    points: dict[float, float] = {}
    for some, of, first, last in blocks:
        chance = min(max(some / of, least), 1 - least)
        points[float(levels[first])] = points[float(levels[last])] = chance
    return Isotonic(scores=tuple(points), probabilities=tuple(points.values()))


def threshold_for(
    scores: Sequence[float], wrong: Sequence[bool], false_alarms: float
) -> float | None:
    """Return the lowest threshold that alarms at most a share `false_alarms` of what is right.

    An alarm is a score at or above it. Scores lie in [0, 1] and `false_alarms` in [0, 1). Among
    thresholds that do the same to these examples it is the middle one: half-way from the score
    that must not alarm to the next that may, or to 1. `None` when there is none: too many right
    examples have the score 1, or there is no right example at all.
    """
    right = sorted((s for s, bad in zip(scores, wrong, strict=True) if not bad), reverse=True)
    if not right:
        return None
    # What is allowed is counted, so that the share never exceeds what is wanted.
    silent = right[floor(false_alarms * len(right) + 1e-9)]
    if silent >= 1:
        return None
    loud = min((score for score in scores if score > silent), default=1.0)
    between = silent + (loud - silent) / 2
    return between if between > silent else loud
