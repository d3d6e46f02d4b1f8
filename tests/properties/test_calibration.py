"""Laws of calibrations, thresholds, profiles, bands and ensembles."""

import asyncio
import itertools
from typing import Literal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from sidecritic.calibration.by_run import Judged as JudgedOnce
from sidecritic.calibration.by_run import (
    Pair,
    WholeRun,
    Wish,
    best_pair,
    is_handed_on,
    is_refused,
)
from sidecritic.calibration.critic import Calibrated
from sidecritic.calibration.curve import Isotonic, Method, Platt, fit, threshold_for
from sidecritic.calibration.profile import (
    NEVER,
    CalibrationRule,
    Profile,
    ProfileData,
    ThresholdRule,
    read_profile,
    to_toml,
)
from sidecritic.critics.banded import Banded
from sidecritic.critics.chain import Chain
from sidecritic.critics.ensemble import Combine, Ensemble, Member
from sidecritic.recorded import Kind
from sidecritic.splits.folds import fold_of
from sidecritic.types import Approve, Judgement, Revise
from tests.scored import Scores, profile, threshold
from tests.talk import Talk, specs

PROPOSAL = Talk(tools=specs("get", "put")).user("Do it.").calls("put")

# Fine grains, so that scores differ by a rounding error, and coarse ones, so that they tie.
score = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.25, 0.5, 0.5 + 1e-16, 0.75, 1.0]))
examples = st.lists(st.tuples(score, st.booleans()), min_size=1, max_size=40)
methods: st.SearchStrategy[Method] = st.sampled_from(["isotonic", "platt"])


def split(found: list[tuple[float, bool]]) -> tuple[list[float], list[bool]]:
    return [score for score, _ in found], [wrong for _, wrong in found]


# --- calibrations --------------------------------------------------------------------------


@given(examples, methods, st.lists(score, min_size=2, max_size=20))
def test_a_calibration_never_reverses_two_scores(
    found: list[tuple[float, bool]], method: Method, asked: list[float]
) -> None:
    fitted = fit(method, *split(found))
    chances = [fitted.probability(each) for each in sorted(asked)]
    assert all(a <= b for a, b in itertools.pairwise(chances))
    assert all(0 <= chance <= 1 for chance in chances)


@given(examples, methods)
def test_a_calibration_is_read_back_to_the_last_bit(
    found: list[tuple[float, bool]], method: Method
) -> None:
    fitted = fit(method, *split(found))
    assert type(fitted).model_validate_json(fitted.model_dump_json()) == fitted


@given(examples)
def test_isotonic_probabilities_add_up_to_what_was_wrong(found: list[tuple[float, bool]]) -> None:
    scores, wrong = split(found)
    fitted = fit("isotonic", scores, wrong)
    n = len(found)
    total = sum(fitted.probability(each) for each in scores)
    # Each probability is held within 1 / (n + 2) of 0 and 1.
    assert total == pytest.approx(sum(wrong), abs=n / (n + 2) + 1e-9)


@given(examples)
def test_isotonic_probabilities_are_never_certain(found: list[tuple[float, bool]]) -> None:
    least = 1 / (len(found) + 2)
    fitted = fit("isotonic", *split(found))
    assert isinstance(fitted, Isotonic)
    assert all(least <= each <= 1 - least for each in fitted.probabilities)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=4, max_size=40))
def test_platt_probabilities_add_up_to_their_targets(found: list[tuple[float, bool]]) -> None:
    scores, wrong = split(found)
    bad, good = sum(wrong), len(wrong) - sum(wrong)
    fitted = fit("platt", scores, wrong)
    total = sum(fitted.probability(each) for each in scores)
    targets = bad * (bad + 1) / (bad + 2) + good / (good + 2)
    assert total == pytest.approx(targets, abs=1e-3)


def test_a_score_that_points_the_wrong_way_tells_only_the_rate() -> None:
    fitted = fit("platt", [0.1, 0.1, 0.9, 0.9], [True, True, False, False])
    assert isinstance(fitted, Platt)
    assert fitted.slope == 0
    assert fitted.probability(0.9) == pytest.approx(0.5)


def test_platt_finds_the_sigmoid_that_made_the_examples() -> None:
    truth = Platt(slope=4.0, intercept=-2.0)
    scores = [at / 1000 for at in range(1000) for _ in range(50)]
    wrong = [
        copy < round(50 * truth.probability(at / 1000)) for at in range(1000) for copy in range(50)
    ]
    fitted = fit("platt", scores, wrong)
    assert isinstance(fitted, Platt)
    assert (fitted.slope, fitted.intercept) == (
        pytest.approx(4.0, abs=0.1),
        pytest.approx(-2.0, abs=0.1),
    )


# --- thresholds ----------------------------------------------------------------------------

rates = st.one_of(st.floats(0, 0.99), st.sampled_from([0.0, 0.01, 0.05, 0.1, 0.29, 0.5]))


@given(examples, rates)
def test_a_threshold_never_alarms_more_than_wanted(
    found: list[tuple[float, bool]], rate: float
) -> None:
    right = [score for score, wrong in found if not wrong]
    at = threshold_for(*split(found), rate)
    if at is None:
        highest = sum(score >= 1 for score in right)
        assert not right or highest > rate * len(right)
    else:
        assert sum(score >= at for score in right) <= rate * len(right) + 1e-9


@given(examples, rates)
def test_any_threshold_that_refuses_more_alarms_too_often(
    found: list[tuple[float, bool]], rate: float
) -> None:
    at = threshold_for(*split(found), rate)
    assume(at is not None)
    right = [score for score, wrong in found if not wrong]
    lower = [score for score, _ in found if at is not None and score < at]
    assert all(sum(s >= each for s in right) > rate * len(right) - 1e-9 for each in lower)
    assert at is not None
    assert 0 < at <= 1


# --- profiles ------------------------------------------------------------------------------

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
fitted = st.tuples(examples, methods).map(lambda each: fit(each[1], *split(each[0])))
cuts: st.SearchStrategy[float | Literal["never"]] = st.one_of(st.floats(0, 1), st.just(NEVER))
some_kinds: st.SearchStrategy[tuple[Kind, ...]] = st.sampled_from(
    [("write",), ("write", "final"), ("final",)]
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    kinds = draw(some_kinds)
    domains = ["", *draw(st.lists(text.filter(bool), max_size=2, unique=True))]
    tools = ["", *draw(st.lists(text.filter(bool), max_size=2, unique=True))]
    return Profile(
        name="a-profile_1.0",
        critic=draw(text),
        critic_version=draw(text),
        false_alarms=draw(rates),
        data=ProfileData(files=tuple(draw(st.lists(text, max_size=3))), runs=draw(st.integers(0))),
        calibrations=tuple(
            CalibrationRule(kind=kind, domain=domain, calibration=draw(fitted))
            for kind in kinds
            for domain in domains
        ),
        thresholds=tuple(
            ThresholdRule(kind=kind, domain=domain, tool=tool, at=draw(cuts))
            for kind in kinds
            for domain in domains
            for tool in tools
        ),
    )


@given(profiles())
def test_a_profile_is_read_back_as_it_was_written(written: Profile) -> None:
    read = read_profile(to_toml(written), "it")
    assert read == written
    assert read.digest == written.digest


@given(profiles(), text, st.lists(text, max_size=3))
def test_the_lowest_threshold_is_below_every_one_that_comes_up(
    some: Profile, domain: str, tools: list[str]
) -> None:
    domain = some.calibrations[-1].domain or domain
    tools = [*tools, some.thresholds[-1].tool]
    every: tuple[Kind, ...] = ("write", "final", "other")
    for kind in every:
        at = some.threshold(kind, domain, tools)
        assert at is None or at >= some.lowest(domain)


# --- critics -------------------------------------------------------------------------------


def judged(critic: Calibrated | Chain | Ensemble | Banded) -> Judgement:
    return asyncio.run(critic.judge(PROPOSAL))


@given(score, st.floats(0, 1))
def test_a_calibrated_critic_refuses_from_its_threshold_on(risk: float, at: float) -> None:
    judgement = judged(Calibrated(Scores(risk, threshold=0.0), profile(threshold(at)), "retail"))
    assert isinstance(judgement.verdict, Revise) == (risk >= at)
    assert judgement.calibrated


@given(score)
def test_threshold_0_refuses_all_and_no_threshold_refuses_nothing(risk: float) -> None:
    all_of_it = Calibrated(Scores(risk), profile(threshold(0.0)), "retail")
    nothing = Calibrated(Scores(risk), profile(threshold(None)), "retail")
    only_certain = Calibrated(Scores(risk), profile(threshold(1.0)), "retail")
    assert isinstance(judged(all_of_it).verdict, Revise)
    assert judged(nothing).verdict == Approve()
    assert isinstance(judged(only_certain).verdict, Revise) == (risk == 1)


@given(score, score, st.floats(0, 1), st.floats(0, 1))
def test_a_chain_with_a_band_answers_by_the_first_link_outside_and_by_the_second_inside(
    first: float, second: float, one: float, other: float
) -> None:
    low, high = sorted((one, other))
    behind = Scores(second, name="second")
    chain = Chain([Banded(Scores(first, name="first"), low=low, high=high), behind])
    judgement = judged(chain)
    inside = low <= first <= high
    assert len(behind.asked) == inside
    assert judgement.critic == ("second" if inside else "first")
    refused = second >= 0.5 if inside else first > high
    assert isinstance(judgement.verdict, Revise) == refused


@given(score, score)
def test_a_band_over_everything_is_the_next_link_alone(first: float, second: float) -> None:
    chain = Chain([Banded(Scores(first), low=0, high=1), Scores(second, name="second")])
    alone = asyncio.run(Scores(second, name="second").judge(PROPOSAL))
    assert judged(chain).verdict == alone.verdict


members = st.lists(st.tuples(score, st.floats(0.1, 9)), min_size=1, max_size=5)
combines: st.SearchStrategy[Combine] = st.sampled_from(["mean", "max"])


@given(members, combines, st.floats(0, 1))
def test_an_ensemble_stays_within_what_its_members_say(
    found: list[tuple[float, float]], combine: Combine, at: float
) -> None:
    made = [Member(Scores(risk, name=f"m{n}"), weight) for n, (risk, weight) in enumerate(found)]
    judgement = judged(Ensemble(made, combine=combine, threshold=at))
    risks = [risk for risk, _ in found]
    assert judgement.risk is not None
    assert min(risks) <= judgement.risk <= max(risks)
    assert combine == "mean" or judgement.risk == max(risks)
    assert isinstance(judgement.verdict, Revise) == (judgement.risk >= at)
    assert judgement.usage.input_tokens == 10 * len(found)


@given(score, st.integers(1, 4), combines)
def test_an_ensemble_of_equals_says_what_one_of_them_says(
    risk: float, number: int, combine: Combine
) -> None:
    made = [Member(Scores(risk)) for _ in range(number)]
    assert judged(Ensemble(made, combine=combine)).risk == risk


# --- folds ---------------------------------------------------------------------------------


@given(st.lists(st.text("abcdef", min_size=1, max_size=2), min_size=1, max_size=40), st.data())
def test_folds_share_no_user_and_leave_none_out(groups: list[str], data: st.DataObject) -> None:
    folds = data.draw(st.integers(1, len(set(groups))))
    fold = fold_of(groups, folds, seed=0)
    assert fold.keys() == set(groups)
    assert set(fold.values()) == set(range(folds))
    assert fold_of(data.draw(st.permutations(groups)), folds, seed=0) == fold


# --- thresholds by whole runs ----------------------------------------------------------------

LEVELS = st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0])
RUNS = st.lists(
    st.builds(
        WholeRun,
        user=st.sampled_from(["a", "b", "c"]),
        domain=st.just("desk"),
        right=st.booleans(),
        proposals=st.lists(
            st.builds(JudgedOnce, score=LEVELS, wrong=st.booleans(), refused_next=st.booleans()),
            max_size=4,
        ).map(tuple),
    ),
    min_size=1,
    max_size=12,
)
SHARES = st.sampled_from([0.01, 0.1, 0.25, 0.5, 0.9])


def _caught(runs: list[WholeRun], pair: Pair, *, known: bool) -> int:
    return sum(
        is_refused(each, pair) or (not known and is_handed_on(each, pair))
        for run in runs
        for each in run.proposals
        if each.wrong
    )


@given(runs=RUNS, share=SHARES, pass_on=st.none() | SHARES, known=st.booleans())
def test_a_pair_keeps_to_the_wish_on_the_runs_that_it_is_fitted_to(
    runs: list[WholeRun], share: float, pass_on: float | None, known: bool
) -> None:
    low, high = pair = best_pair(runs, Wish(share, pass_on, known))
    assert low <= high
    right = [run for run in runs if run.right]
    assert sum(run.disturbed(pair) for run in right) <= share * len(right) + 1e-9
    every = [each for run in runs for each in run.proposals]
    handed_on = sum(is_handed_on(each, pair) for each in every)
    assert handed_on <= (pass_on or 0.0) * len(every) + 1e-9


@given(runs=RUNS, shares=st.tuples(SHARES, SHARES), pass_on=SHARES, known=st.booleans())
def test_who_allows_more_runs_to_be_disturbed_never_catches_less(
    runs: list[WholeRun], shares: tuple[float, float], pass_on: float, known: bool
) -> None:
    few, many = (
        best_pair(runs, Wish(share, pass_on, second_known=known)) for share in sorted(shares)
    )
    assert _caught(runs, few, known=known) <= _caught(runs, many, known=known)
