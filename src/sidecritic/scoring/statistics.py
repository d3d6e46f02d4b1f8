"""The estimators and tests, each a pure function of numbers."""

from collections.abc import Sequence
from itertools import product
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.results import Interval

RESAMPLES = 10_000
SEED = 20_260_404
"""Of every resampling, so that the same trajectories always give the same interval."""

Z = 1.959964
"""Quantile of the normal distribution that leaves 2.5 % above it."""

_EXACT_UP_TO = 14
"""Tasks whose 2^n sign flips are enumerated instead of drawn."""


def pass_hat_k(trials: int, passed: int, k: int) -> float:
    """Return the unbiased estimate C(c, k) / C(n, k) of pass^k for one task.

    Source: Yao et al., τ-bench (arXiv:2406.12045), section 3. `trials` must be at least `k`.
    """
    return comb(passed, k) / comb(trials, k)


def bootstrap(values: Sequence[float], *, least: float = 0.0, most: float = 1.0) -> Interval:
    """Return the mean with its 95 % percentile interval; `values` holds one per task.

    Resamples of few tasks, or of tasks that agree, know nothing of tasks unlike them. As many of
    those as n tasks can have missed (Wilson's upper end of 0 of n) may lie anywhere between `least`
    and `most`: the interval is never narrower than that makes it.
    """
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(SEED)
    picked = random.integers(0, data.size, size=(RESAMPLES, data.size))
    low, high = np.percentile(data[picked].mean(axis=1), (2.5, 97.5))
    mean, (_, missed) = float(data.mean()), wilson(0, data.size)
    return Interval(
        value=mean,
        low=min(float(low), mean - missed * (mean - least)),
        high=max(float(high), mean + missed * (most - mean)),
    )


def wilson(happened: float, of: float) -> tuple[float, float]:
    """Return the 95 % interval of a share; all of [0, 1] for no cases.

    Source: Wilson, Probable Inference, the Law of Succession, and Statistical Inference (1927).
    """
    if of <= 0:
        return 0.0, 1.0
    share, spread = happened / of, Z**2 / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z * sqrt(share * (1 - share) / of + spread / (4 * of)) / (1 + spread)
    # At the ends, rounding may leave a bit of nothing.
    return (middle - half if happened else 0.0), (middle + half if happened < of else 1.0)


def likely_shares(happened: float, of: float, random: np.random.Generator) -> NDArray[np.float64]:
    """Draw shares that agree with what was seen: the posterior of Jeffreys' prior.

    It is never a point, also where nothing, or everything, happened.
    """
    return random.beta(happened + 0.5, of - happened + 0.5, size=RESAMPLES)


def mcnemar(gained: int, lost: int) -> float:
    """Return the exact two-sided binomial p value of McNemar's test."""
    n = gained + lost
    tail = sum(comb(n, i) for i in range(min(gained, lost) + 1))
    return min(1.0, 2 * tail / 2**n)


def sign_flip(deltas: Sequence[float]) -> float:
    """Return the two-sided p value of the hypothesis that each delta could as well be negative.

    Exact for few non-zero deltas, otherwise 10,000 draws with the observed one counted in.
    """
    data = np.asarray([delta for delta in deltas if delta], dtype=np.float64)
    if not data.size:
        return 1.0
    if data.size <= _EXACT_UP_TO:
        signs = np.array(list(product((-1, 1), repeat=data.size)))
        return float(_at_least_as_far(data, signs).mean())
    signs = np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES, data.size)) * 2 - 1
    return float((_at_least_as_far(data, signs).sum() + 1) / (RESAMPLES + 1))


def _at_least_as_far(data: NDArray[np.float64], signs: NDArray[np.int64]) -> NDArray[np.bool_]:
    # Sums that are equal on paper may differ in the last bit.
    return np.abs(signs @ data) >= abs(data.sum()) - 1e-12


def p95(values: Sequence[float]) -> float:
    """Return the 95th percentile; 0 for no values."""
    return float(np.percentile(np.asarray(values), 95)) if values else 0.0
