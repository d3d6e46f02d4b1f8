"""Laws of the measures: they depend on scores and truth alone, and agree with plain counting."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sidecritic.scoring.detection import Example, detection, share

scores = st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0])
examples = st.lists(
    st.builds(
        Example,
        score=scores,
        wrong=st.booleans(),
        group=st.sampled_from("abcd"),
        stratum=st.sampled_from(["retail", "airline"]),
    ),
    min_size=1,
    max_size=40,
)


@given(examples, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_examples_does_not_matter(found: list[Example], random: Random) -> None:
    shuffled = list(found)
    random.shuffle(shuffled)
    assert detection(shuffled, resamples=20) == detection(found, resamples=20)


@given(examples)
@settings(deadline=None)
def test_auroc_is_the_share_of_pairs_that_are_in_order(found: list[Example]) -> None:
    wrong = [example.score for example in found if example.wrong]
    right = [example.score for example in found if not example.wrong]
    pairs = [(w > r) + (w == r) / 2 for w, r in itertools.product(wrong, right)]
    auroc = detection(found, resamples=2).auroc
    assert auroc == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(examples, st.sampled_from([0.01, 0.05, 0.10]))
@settings(deadline=None)
def test_recall_is_the_best_that_a_threshold_reaches_within_the_allowance(
    found: list[Example], rate: float
) -> None:
    wrong = [example.score for example in found if example.wrong]
    right = [example.score for example in found if not example.wrong]
    best = 0.0
    for threshold in {example.score for example in found}:
        alarms = sum(score >= threshold for score in right)
        if wrong and right and alarms <= rate * len(right):
            best = max(best, sum(score >= threshold for score in wrong) / len(wrong))
    recall = detection(found, resamples=2).recall_at_fpr[f"{rate:.2f}"]
    assert recall == (pytest.approx(best) if wrong and right else None)


@given(examples)
@settings(deadline=None)
def test_average_precision_is_precision_times_gain_in_recall(found: list[Example]) -> None:
    wrong = sum(example.wrong for example in found)
    total, before = 0.0, 0
    for threshold in sorted({example.score for example in found}, reverse=True):
        alarms = [example for example in found if example.score >= threshold]
        caught = sum(example.wrong for example in alarms)
        total += (caught - before) / max(wrong, 1) * caught / len(alarms)
        before = caught
    assert detection(found, resamples=2).ap == (pytest.approx(total) if wrong else None)


@given(examples)
@settings(deadline=None)
def test_intervals_and_shares_stay_within_zero_and_one(found: list[Example]) -> None:
    seen = detection(found, resamples=50)
    assert 0 <= (seen.calibration_error.value or 0) <= 1
    assert sum(row.n for row in seen.reliability) == seen.n
    for interval in (seen.auroc_ci, seen.ap_ci, *seen.recall_at_fpr_ci.values()):
        assert interval is None or 0 <= interval[0] <= interval[1] <= 1


def example(score: float, wrong: bool, group: str = "a", stratum: str = "") -> Example:
    return Example(score=score, wrong=wrong, group=group, stratum=stratum)


def test_a_score_that_is_the_truth_is_perfect_and_calibrated() -> None:
    seen = detection([example(float(wrong), wrong) for wrong in (True, False) * 10])
    assert (seen.auroc, seen.ap, seen.recall_at_fpr["0.01"]) == (1.0, 1.0, 1.0)
    assert seen.calibration_error.value == 0


def test_confidence_in_the_wrong_is_a_calibration_error() -> None:
    seen = detection([example(0.9, False)] * 3 + [example(0.9, True)])
    assert seen.calibration_error.value == pytest.approx(0.65)


def test_each_domain_may_have_a_threshold_of_its_own() -> None:
    found = [
        *(example(0.9, False, stratum="airline") for _ in range(20)),
        example(0.95, True, stratum="airline"),
        *(example(0.1, False, stratum="retail") for _ in range(20)),
        example(0.5, True, stratum="retail"),
    ]
    seen = detection(found)
    assert seen.recall_at_fpr["0.05"] == 0.5
    assert seen.recall_at_fpr_by_domain["0.05"].value == 1.0


def test_examples_of_one_group_do_not_narrow_the_interval() -> None:
    apart = [
        example(score, wrong, f"{score}{wrong}") for score in (0.2, 0.8) for wrong in (False, True)
    ]
    copies = [each for each in apart for _ in range(30)]
    assert detection(copies).auroc_ci == detection(apart).auroc_ci


def test_nothing_to_tell_apart_has_no_figures() -> None:
    assert detection([]).auroc is None
    assert detection([example(0.5, True)]).recall_at_fpr["0.05"] is None


def test_a_share_is_counted_over_cases_and_resampled_over_groups() -> None:
    seen = share([("a", True), ("a", True), ("b", False)])
    assert (seen.n, seen.of, seen.share.value) == (2, 3, pytest.approx(2 / 3))
    assert seen.share.ci == (0.0, 1.0)
    assert share([]).share.value is None


@given(examples)
@settings(deadline=None)
def test_each_bin_has_an_interval_around_what_was_counted_in_it(found: list[Example]) -> None:
    for row in detection(found, resamples=200).reliability:
        inside = [e for e in found if row.low <= e.score < row.high or e.score == row.high == 1]
        assert row.n == len(inside)
        assert row.wrong == pytest.approx(sum(e.wrong for e in inside) / row.n)
        for value, ci in ((row.wrong, row.wrong_ci), (row.score, row.score_ci)):
            assert ci is not None
            assert 0 <= ci[0] <= ci[1] <= 1
            if len({e.group for e in inside}) == 1:
                assert ci == (pytest.approx(value), pytest.approx(value))


def test_the_interval_of_a_bin_resamples_groups_and_not_examples() -> None:
    one_user = [example(0.3, number < 15, "ann") for number in range(30)]
    (alone,) = detection(one_user).reliability
    assert alone.wrong_ci == (0.5, 0.5), "one user is one witness: nothing varies between users"
    users = [example(0.3, number % 2 == 0, f"user {number % 2}") for number in range(30)]
    (apart,) = detection(users).reliability
    assert apart.wrong_ci == (0.0, 1.0)
