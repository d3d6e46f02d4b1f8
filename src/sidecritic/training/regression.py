"""Weights by maximum a posteriori: logistic regression, shrunk towards what checks claim.

    minimise  sum of log losses + 1/2 × strength × sum of (weight - prior)²,  weight >= 0

The prior of a weight is what the check says of itself, so a flag that was seen twice keeps
nearly what its author gave it, and one that was seen often gets what the runs say.

Examples of runs of ours have an intercept of their own, which is not kept: how often a simulated
actor errs says nothing about how often a real one does. What they teach is which flags tell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from sidecritic.critics.head_weights import POWER, Cell, logit
from sidecritic.training.examples import Example, folds_of

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

DIGITS = 4
"""Of a weight on file: sums that BLAS adds up in another order are the same to so many."""

INNER_FOLDS = 5
_LOOSE = 1e-3
_FIRST_TOOL = 2
"""Column, after the constant and the intercept of own runs."""
_STEPS = 100


@dataclass(frozen=True, slots=True)
class Shrinkage:
    """How strongly weights are held where the priors put them."""

    flags: float
    tools: float | None
    """Strength that holds offsets of tools at 0; `None` allows none."""


GRID = tuple(Shrinkage(flags, tools) for tools, flags in product((None, 3.0), (32.0,)))
"""Strongest first: of two that are equally good the stronger is chosen."""


class Design:
    """The examples of one cell as a matrix: a constant, whether own, tools, flags."""

    def __init__(self, examples: Sequence[Example]) -> None:
        self.examples = tuple(examples)
        self.wrong = np.array([example.wrong for example in examples], dtype=np.float64)
        self.knowable = np.array([example.knowable for example in examples], dtype=np.bool_)
        self.amount = np.array([example.weight for example in examples], dtype=np.float64)
        standard = _standard(self)
        self.base = round(float(np.average(self.wrong[standard])), DIGITS) if any(standard) else 0.0
        """Share of wrong actions among all standard examples, not only those fitted to."""
        self.tools = sorted({example.tool for example in examples})
        named = [each for example in examples for each in example.flags.items()]
        # Of one name the flag of the highest prior risk.
        self.flags = dict(sorted(named, key=lambda each: (each[0], each[1].risk)))
        self.first_flag = _FIRST_TOOL + len(self.tools)
        tools = {tool: _FIRST_TOOL + at for at, tool in enumerate(self.tools)}
        flags = {name: self.first_flag + at for at, name in enumerate(self.flags)}
        self.matrix = np.zeros((len(examples), self.first_flag + len(self.flags)))
        self.matrix[:, 0] = 1
        self.matrix[:, 1] = self.knowable & ~standard
        for row, example in enumerate(examples):
            # How often a simulated actor errs with a tool says nothing either.
            self.matrix[row, tools[example.tool]] = 1 - self.matrix[row, 1]
            for name in example.flags:
                self.matrix[row, flags[name]] = 1
        # Most examples look like others: each sort of row is computed with once.
        self.sorts, sort = np.unique(self.matrix, axis=0, return_inverse=True)
        self.sort = sort.reshape(-1)

    @property
    def hints(self) -> Rows:
        """Which columns are flags."""
        return np.arange(self.matrix.shape[1]) >= self.first_flag

    @property
    def everything(self) -> Rows:
        return np.ones(len(self.examples), dtype=np.bool_)

    def fit(self, rows: Rows, shrinkage: Shrinkage) -> Floats:
        """Return the most probable weights by the rows, without wrong ones that could not be known.

        A flag that is in none of the rows has its prior. There must be right and wrong rows.
        """
        used = rows & self.knowable
        sort, count = self.sort[used], len(self.sorts)
        amount = _summed(self.amount[used], sort, count)
        wrong = _summed((self.amount * self.wrong)[used], sort, count)
        prior = self.prior
        priors = [prior.prior(flag) for flag in self.flags.values()]
        weights = np.array([prior.intercept, 0.0, *[0.0] * len(self.tools), *priors])
        free = np.ones(len(weights), dtype=np.bool_)
        free[_FIRST_TOOL : self.first_flag] = shrinkage.tools is not None
        strength = np.full(len(weights), shrinkage.flags)
        strength[_FIRST_TOOL : self.first_flag] = shrinkage.tools or 0.0
        strength[:_FIRST_TOOL] = _LOOSE
        lowest = np.where(self.hints, 0.0, -np.inf)
        weights[free] = _minimum(
            _Posterior(
                matrix=self.sorts[amount > 0][:, free],
                hints=self.hints[free],
                amount=amount[amount > 0],
                wrong=wrong[amount > 0],
                strength=strength[free],
                mean=weights[free],
            ),
            lowest[free],
        )
        return weights

    def cell(self, rows: Rows, shrinkage: Shrinkage) -> Cell:
        """Return the same as it is kept."""
        used = rows & self.knowable
        rounded = [round(float(weight), DIGITS) for weight in self.fit(rows, shrinkage)]
        tools = dict(zip(self.tools, rounded[_FIRST_TOOL : self.first_flag], strict=True))
        known = dict(zip(self.flags, rounded[self.first_flag :], strict=True))
        wrong = int(self.wrong[used].sum())
        return self.prior.model_copy(
            update={
                "intercept": rounded[0],
                "tools": tools if shrinkage.tools is not None else {},
                "against": known,
                "right": int(used.sum()) - wrong,
                "wrong": wrong,
            }
        )

    @property
    def prior(self) -> Cell:
        """A cell that has learned the share of wrong actions and nothing else."""
        return Cell(base=self.base, intercept=logit(self.base))


def choose(design: Design, rows: Rows) -> Shrinkage:
    """Return the strongest shrinkage that is as good as the best, by user-grouped CV.

    As good is a log loss within one standard error over users, paired, of the least.
    """
    users = [example.user for example in design.examples]
    kept = sorted({user for user, row in zip(users, rows, strict=True) if row})
    folds = folds_of(kept, INNER_FOLDS)
    held = np.array([folds.get(user, -1) for user in users])
    owner = np.array([kept.index(user) if user in folds else -1 for user in users])
    totals = np.zeros((len(GRID), len(kept)))
    for at, shrinkage in enumerate(GRID):
        loss = _losses(design, rows, held, shrinkage)
        totals[at] = np.bincount(owner[rows], loss[rows], minlength=len(kept))
    worse = totals - totals[totals.sum(axis=1).argmin()]
    more, error = worse.sum(axis=1).tolist(), (worse.std(axis=1) * len(kept) ** 0.5).tolist()
    # So many digits are the same on every machine.
    return next(s for s, m, e in zip(GRID, more, error, strict=True) if round(m - e, 6) <= 0)


def _losses(design: Design, rows: Rows, held: NDArray[np.int64], shrinkage: Shrinkage) -> Floats:
    """Return the log loss of each row by weights fitted without its fold; 0 for other rows."""
    found = np.zeros(len(rows))
    for fold in range(INNER_FOLDS):
        train, test = rows & (held != fold), rows & (held == fold) & design.knowable
        if can_fit(design, train):
            weights = design.fit(train, shrinkage)
            logits = _logits(design.matrix[test], design.hints, weights)[0]
            loss = np.logaddexp(0, logits) - design.wrong[test] * logits
            found[test] = design.amount[test] * loss
    return found


def can_fit(design: Design, rows: Rows) -> bool:
    """Whether there are right and wrong examples."""
    return len(set(design.wrong[rows & design.knowable].tolist())) == 2


def _standard(design: Design) -> Rows:
    """Return the examples whose share of mistakes is real: those of recorded runs.

    Where these have nothing right, or nothing wrong, every example is one.
    """
    recorded = np.array([not example.own for example in design.examples], dtype=np.bool_)
    return design.knowable & recorded if can_fit(design, recorded) else design.knowable


def _summed(values: Floats, sort: NDArray[np.intp], count: int) -> Floats:
    """Return the sum of the values of each sort."""
    return np.bincount(sort, values, count).astype(np.float64)


# --- optimisation --------------------------------------------------------------------------


def _logits(matrix: Floats, hints: Rows, weights: Floats) -> tuple[Floats, Floats]:
    """Return the logit of each row, and its derivative by each weight."""
    slopes = matrix.copy()
    heavy = np.maximum(weights[hints], 0)
    norm = (matrix[:, hints] @ heavy**POWER) ** (1 / POWER)
    slopes[:, hints] *= (heavy / np.maximum(norm, 1e-9)[:, None]) ** (POWER - 1)
    return matrix[:, ~hints] @ weights[~hints] + norm, slopes


@dataclass(frozen=True, slots=True)
class _Posterior:
    """The negative log posterior with its derivatives."""

    matrix: Floats
    hints: Rows
    amount: Floats
    """How much each row counts."""
    wrong: Floats
    """How much of that is wrong."""
    strength: Floats
    mean: Floats

    def value(self, weights: Floats) -> float:
        logits, _ = _logits(self.matrix, self.hints, weights)
        loss = self.amount @ np.logaddexp(0, logits) - self.wrong @ logits
        return float(loss + (self.strength * (weights - self.mean) ** 2).sum() / 2)

    def slopes(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return gradient and Gauss-Newton curvature."""
        logits, by_weight = _logits(self.matrix, self.hints, weights)
        risk = 1 / (1 + np.exp(-logits))
        expected = self.amount * risk
        gradient = by_weight.T @ (expected - self.wrong) + self.strength * (weights - self.mean)
        curved = (by_weight * (expected * (1 - risk))[:, None]).T @ by_weight
        return gradient, curved + np.diag(self.strength)


def _minimum(posterior: _Posterior, lowest: Floats) -> Floats:
    """Return the minimum with no weight below its lowest, by projected Newton steps.

    Source: Bertsekas, Projected Newton Methods (SIAM J. Control and Optimization, 1982).
    """
    weights = np.maximum(posterior.mean, lowest)
    value = posterior.value(weights)
    for _ in range(_STEPS):
        gradient, curvature = posterior.slopes(weights)
        free = (weights > lowest) | (gradient < 0)
        step = np.zeros_like(weights)
        step[free] = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
        length = 1.0
        while (after := posterior.value(np.maximum(weights - length * step, lowest))) > value:
            length /= 2
            if length < 1e-6:
                return weights
        moved = np.maximum(weights - length * step, lowest)
        far = float(np.abs(moved - weights).max())
        weights, value = moved, after
        if far < 1e-6:
            break
    return weights
