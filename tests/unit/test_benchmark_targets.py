"""Benchmarks that have targets fail when one is missed, and say which."""

from typing import Any

import pytest
from benchmarks import branching, learn_smoke

from sidecritic.scoring.paired import Difference
from sidecritic.scoring.promotion import AUROC, PASSES, Criterion, PromotionDecision
from sidecritic.scoring.replay_results import Measured


def branched(**changes: Any) -> dict[str, Any]:
    usual = {"cases": 200, "covered": 0.9, "p99": 999.0, "episodes": 100, "seconds": 59.0}
    given = {**usual, **changes}
    return {
        "cases": given["cases"],
        "covered": given["covered"],
        "fork_us": {"p99": given["p99"]},
        "labelling": {"episodes": given["episodes"], "seconds": given["seconds"]},
    }


def test_branching_that_keeps_its_targets_misses_none() -> None:
    assert branching.misses(branched()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"cases": 199}, "199 cases were tried"),
        ({"covered": 0.89}, "in 89.0% of cases; the target is 90%"),
        ({"p99": 1000.0}, "a fork took 1000 µs"),
        ({"episodes": 99}, "99 of 100 episodes"),
        ({"seconds": 60.0}, "labelling took 60.0 s"),
    ],
)
def test_each_target_of_branching_is_named_when_it_is_missed(
    changes: dict[str, Any], says: str
) -> None:
    (missed,) = branching.misses(branched(**changes))
    assert says in missed


def decision(
    auroc: float | None, passes: float | None, interval: tuple[float, float] | None = None
) -> PromotionDecision:
    def row(name: str, value: float | None) -> Criterion:
        measured = Difference(new=Measured(value=value), difference=Measured(ci=interval))
        return Criterion(name=name, measured=measured, margin=0, better="higher", passed=True)

    criteria = (row(AUROC, auroc), row(PASSES, passes))
    return PromotionDecision(promoted=True, reasons=(), criteria=criteria)


BETTER = (decision(0.8, 0.7), decision(0.9, 0.7))


def test_rounds_that_get_no_worse_in_time_miss_nothing() -> None:
    assert learn_smoke.misses(BETTER, 599.0) == []


def test_a_fall_that_chance_explains_is_no_miss() -> None:
    assert learn_smoke.misses((BETTER[0], decision(0.9, 0.69, (-0.02, 0.0))), 9.0) == []
    assert learn_smoke.misses((BETTER[0], decision(0.9, 0.69, (-0.02, -0.001))), 9.0) != []


@pytest.mark.parametrize(
    ("decisions", "seconds", "says"),
    [
        (BETTER[:1], 9.0, "1 of 2 rounds"),
        ((BETTER[0], decision(0.79, 0.7)), 9.0, f"{AUROC} of round 2 is 0.790, lower than 0.800"),
        ((BETTER[0], decision(0.9, 0.69)), 9.0, f"{PASSES} of round 2 is 0.690, lower than 0.700"),
        ((BETTER[0], decision(None, 0.7)), 9.0, f"{AUROC} of a round could not be measured"),
        (BETTER, 600.0, "it took 600 s"),
    ],
)
def test_each_target_of_the_smoke_test_is_named_when_it_is_missed(
    decisions: tuple[PromotionDecision, ...], seconds: float, says: str
) -> None:
    (missed,) = learn_smoke.misses(decisions, seconds)
    assert says in missed
