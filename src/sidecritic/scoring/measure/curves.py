"""What each threshold of a critic would do: caught, disturbed, and the measures over all."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sidecritic.scoring.detection import RESAMPLES, detection
from sidecritic.scoring.measure.seen import Scored
from sidecritic.scoring.replay_results import Detection
from sidecritic.scoring.statistics import wilson

_WEIGHTS = 8_000_000
"""Cases times resamples: more would not fit the memory of a small machine."""


@dataclass(frozen=True, slots=True)
class Count:
    """How many of how many, with the 95 % interval of the share (Wilson)."""

    n: int
    of: int

    @property
    def share(self) -> float | None:
        return self.n / self.of if self.of else None

    @property
    def ci(self) -> tuple[float, float]:
        return wilson(self.n, self.of)


@dataclass(frozen=True, slots=True)
class Cut:
    """What a threshold does: everything of its risk or above is stopped."""

    threshold: float | None
    """`None` for the critic's own, which may differ by tool."""
    caught: Count
    """Of what was wrong."""
    disturbed: Count
    """Of what was right."""

    @property
    def precision(self) -> float | None:
        stopped = self.caught.n + self.disturbed.n
        return self.caught.n / stopped if stopped else None


@dataclass(frozen=True, slots=True)
class Curves:
    measures: Detection
    cuts: tuple[Cut, ...]
    """By falling threshold; the first stops nothing."""
    own: Cut
    """At the threshold that the critic used."""

    @property
    def is_defined(self) -> bool:
        """Whether there is something wrong and something right."""
        return 0 < self.measures.wrong < self.measures.n


def curves(cases: Sequence[Scored]) -> Curves:
    """Return all that thresholds can do; the order of the cases does not matter."""
    wrong = sum(case.example.wrong for case in cases)
    right = len(cases) - wrong
    cuts = [Cut(1.0, Count(0, wrong), Count(0, right))]
    caught = disturbed = 0
    falling = sorted(cases, key=lambda case: -case.example.score)
    for risk, level in groupby(falling, key=lambda case: case.example.score):
        stopped = [case.example.wrong for case in level]
        caught, disturbed = caught + sum(stopped), disturbed + stopped.count(False)
        cuts.append(Cut(risk, Count(caught, wrong), Count(disturbed, right)))
    held = [case.example.wrong for case in cases if case.stopped]
    resamples = min(RESAMPLES, max(100, _WEIGHTS // max(len(cases), 1)))
    return Curves(
        measures=detection([case.example for case in cases], resamples=resamples),
        cuts=tuple(cuts),
        own=Cut(None, Count(sum(held), wrong), Count(held.count(False), right)),
    )
