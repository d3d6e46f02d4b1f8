"""The estimators and tests, each a pure function of numbers."""

from collections.abc import Sequence
from itertools import product
from math import comb

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.results import Interval

RESAMPLES = 10_000
SEED = 20_260_404
"""Of every resampling, so that the same trajectories always give the same interval."""

_EXACT_UP_TO = 14
"""Tasks whose 2^n sign flips are enumerated instead of drawn."""


def pass_hat_k(trials: int, passed: int, k: int) -> float:
    """Return the unbiased estimate C(c, k) / C(n, k) of pass^k for one task.

    Source: Yao et al., τ-bench (arXiv:2406.12045), section 3. `trials` must be at least `k`.
    """
    return comb(passed, k) / comb(trials, k)


def bootstrap(values: Sequence[float]) -> Interval:
    """Return the mean with its 95 % percentile interval; `values` holds one per task."""
    data = np.asarray(values, dtype=np.float64)
    random = np.random.default_rng(SEED)
    picked = random.integers(0, data.size, size=(RESAMPLES, data.size))
    low, high = np.percentile(data[picked].mean(axis=1), (2.5, 97.5))
    return Interval(value=float(data.mean()), low=float(low), high=float(high))


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
