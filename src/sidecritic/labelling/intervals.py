"""How far a difference of two success rates can be trusted, after few trials."""

from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist


@dataclass(frozen=True, slots=True)
class Rate:
    """Successes among trials."""

    passed: int = 0
    trials: int = 0

    @property
    def value(self) -> float:
        return self.passed / self.trials if self.trials else 0.0

    def __add__(self, other: "Rate") -> "Rate":
        return Rate(self.passed + other.passed, self.trials + other.trials)


def z_of(confidence: float) -> float:
    """Return how many standard deviations a two-sided interval of that confidence spans."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(rate: Rate, z: float) -> tuple[float, float]:
    """Return the score interval of a proportion; [0, 1] without trials.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference.
    """
    if not rate.trials:
        return 0.0, 1.0
    n, p = rate.trials, rate.value
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, middle - half), min(1.0, middle + half)


def newcombe(one: Rate, other: Rate, z: float) -> tuple[float, float]:
    """Return the interval of `one` minus `other`, by the square-and-add of score intervals.

    It keeps its promise for few trials and for rates of 0 and 1, where the textbook interval
    has no width at all.
    Source: Newcombe (1998), Interval estimation for the difference between independent
    proportions, method 10.
    """
    low_one, high_one = wilson(one, z)
    low_other, high_other = wilson(other, z)
    difference = one.value - other.value
    below = sqrt((one.value - low_one) ** 2 + (high_other - other.value) ** 2)
    above = sqrt((high_one - one.value) ** 2 + (other.value - low_other) ** 2)
    return max(-1.0, difference - below), min(1.0, difference + above)
