"""Laws of the estimators, and of scores as a whole."""

from itertools import combinations, product
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.scoring import compare, score
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.results import Comparison, Scores
from sidecritic.scoring.statistics import bootstrap, mcnemar, pass_hat_k, sign_flip
from sidecritic.trace import Ended, Failed, Trajectory
from sidecritic.types import Fault, Revise
from sidecritic.writes import normal_form
from tests.parties import call, calling
from tests.rounds import executed, graded, judged, proposed, trajectory

few = settings(max_examples=25, deadline=None)

trials = st.lists(st.booleans(), min_size=1, max_size=6)
deltas = st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), max_size=8)


@st.composite
def episodes(draw: st.DrawFn) -> list[Trajectory]:
    """At most one trajectory an episode, some of them crashed, some with a refused fault."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from("abcd"), st.integers(0, 3)),
            unique=True,
            min_size=1,
            max_size=10,
        )
    )
    return [draw(_episode(task, trial)) for task, trial in keys]


@st.composite
def _episode(draw: st.DrawFn, task: str, trial: int) -> Trajectory:
    if draw(st.booleans()) and draw(st.booleans()):
        crash = Failed(where="user", error="UserError", message="no answer")
        return trajectory(task, trial, events=[crash], end=Ended(reason="error"))
    action = calling(call())
    faults = [Fault(kind=draw(st.sampled_from(["x", "y"])), step=0)] * draw(st.integers(0, 1))
    seconds = draw(st.floats(0, 9))
    events = [proposed(action, faults=faults, seconds=seconds)]
    if draw(st.booleans()):
        events = [*events, judged(Revise(feedback="no"), seconds=seconds / 3)]
    else:
        events = [*events, executed(action)]
    return trajectory(task, trial, events=events, end=graded(draw(st.booleans())))


@given(trials, st.integers(1, 6))
def test_pass_hat_k_is_the_mean_over_all_draws_of_k_trials(passed: list[bool], k: int) -> None:
    draws = list(combinations(passed, k))
    if draws:
        expected = sum(map(all, draws)) / len(draws)
        assert abs(pass_hat_k(len(passed), sum(passed), k) - expected) < 1e-12


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
@few
def test_an_interval_holds_its_mean_stays_within_bounds_and_is_no_point(
    values: list[float],
) -> None:
    interval = bootstrap(values)
    slack = 1e-9
    assert -slack <= interval.low <= interval.value + slack
    assert interval.value - slack <= interval.high <= 1 + slack
    assert interval.high - interval.low >= 1 / (len(values) + 4) - slack


@given(deltas)
def test_sign_flips_agree_with_trying_every_flip(values: list[float]) -> None:
    observed = abs(sum(values))
    flips = list(product((-1, 1), repeat=len(values)))
    beyond = sum(
        abs(sum(s * v for s, v in zip(flip, values, strict=True))) >= observed - 1e-12
        for flip in flips
    )
    assert abs(sign_flip(values) - beyond / len(flips)) < 1e-12


@given(st.integers(0, 40), st.integers(0, 40))
def test_mcnemar_is_a_probability_and_falls_as_one_side_gains(gained: int, lost: int) -> None:
    p = mcnemar(gained, lost)
    assert 0 < p <= 1
    if gained >= lost:
        assert mcnemar(gained + 1, lost) <= p


@given(episodes(), st.randoms(use_true_random=False))
@few
def test_the_order_of_episodes_does_not_change_scores(
    played: list[Trajectory], random: Random
) -> None:
    shuffled = list(played)
    random.shuffle(shuffled)
    assert score(shuffled) == score(played)
    assert compare(Side(shuffled), Side(played)) == compare(Side(played), Side(shuffled))


@given(episodes())
@few
def test_every_episode_is_graded_or_a_failure(played: list[Trajectory]) -> None:
    scores = score(played)
    assert scores.graded + scores.failures.episodes == scores.episodes == len(played)
    assert sum(scores.endings.values()) == scores.episodes


@given(episodes())
@few
def test_scores_survive_json(played: list[Trajectory]) -> None:
    scores, comparison = score(played), compare(Side(played), Side(played))
    assert Scores.model_validate_json(scores.model_dump_json()) == scores
    assert Comparison.model_validate_json(comparison.model_dump_json()) == comparison


@given(episodes(), episodes())
@few
def test_exchanging_the_runs_turns_the_difference_round(
    one: list[Trajectory], other: list[Trajectory]
) -> None:
    there, back = compare(Side(one), Side(other)).paired, compare(Side(other), Side(one)).paired
    assert (there is None) == (back is None)
    if there is not None and back is not None:
        assert abs(there.delta + back.delta) < 1e-12
        assert (there.gained, there.lost, there.n) == (back.lost, back.gained, back.n)
        assert there.sign_flip_p == back.sign_flip_p


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["item_ids", "new_item_ids", "a", "b"]), values))
def test_the_form_of_a_call_depends_on_neither_order_of_keys_nor_of_items(
    arguments: dict[str, JsonValue],
) -> None:
    turned = dict(reversed(arguments.items()))
    items, new = arguments.get("item_ids"), arguments.get("new_item_ids")
    if isinstance(items, list) and "new_item_ids" not in arguments:
        turned["item_ids"] = list(reversed(items))
    if isinstance(items, list) and isinstance(new, list) and len(items) == len(new):
        turned["item_ids"] = list(reversed(items))
        turned["new_item_ids"] = list(reversed(new))
    assert normal_form("f", turned) == normal_form("f", arguments)
