"""What a score counts, and what it leaves out."""

from collections.abc import Sequence

import pytest
from pydantic import JsonValue

from sidecritic.scoring import compare, score
from sidecritic.scoring.comparison import Side
from sidecritic.scoring.statistics import bootstrap, mcnemar, pass_hat_k, sign_flip, wilson
from sidecritic.trace import Ended, Executed, Failed, Trajectory
from sidecritic.types import UNVERIFIED, Assistant, Fault, Halt, Outcome, Revise
from sidecritic.writes import normal_form
from tests.parties import call, calling
from tests.rounds import (
    BRIEFINGS,
    answered,
    executed,
    graded,
    judged,
    proposed,
    trajectory,
)

PUT = calling(call())
WRONG = (Fault(kind="wrong_item", step=0),)
NO = Revise(feedback="The item is another one.")
CRASH = (Failed(where="actor", error="ModelUnavailable", message="refused"),)


def runs(*passes: Sequence[bool]) -> list[Trajectory]:
    """One task for each argument, one trial for each of its values."""
    return [
        trajectory(f"t{task}", trial, end=graded(passed))
        for task, trials in enumerate(passes)
        for trial, passed in enumerate(trials)
    ]


def crashed(task: str = "t0", trial: int = 0) -> Trajectory:
    return trajectory(task, trial, events=CRASH, end=Ended(reason="error", outcome=None))


# --- pass^k and reward -------------------------------------------------------------------------


def test_pass_hat_k_is_the_share_of_draws_that_all_pass() -> None:
    assert pass_hat_k(4, 2, 1) == 0.5
    assert pass_hat_k(4, 2, 2) == pytest.approx(1 / 6)
    assert pass_hat_k(4, 2, 3) == 0.0


def test_every_task_has_the_same_weight_whatever_its_number_of_trials() -> None:
    scores = score(runs([True], [False, False, False]))
    assert scores.pass_hat_k[0] == 0.5
    assert scores.reward is not None
    assert scores.reward.value == 0.5


def test_tasks_with_too_few_trials_are_left_out_of_pass_k_and_counted() -> None:
    scores = score(runs([True, True], [False], [True, False]))
    assert scores.pass_hat_k == (0.5, 0.5)
    assert [(row.tasks, row.left_out) for row in scores.pass_hat_k_detail] == [(3, 0), (2, 1)]


def test_an_infrastructure_failure_is_no_failed_trial() -> None:
    scores = score([*runs([True]), crashed(trial=1), crashed("t9")])
    assert scores.pass_hat_k == (1.0,)
    assert (scores.episodes, scores.graded, scores.tasks) == (3, 1, 2)
    assert scores.failures.by_kind == {"actor: ModelUnavailable": 2}
    assert scores.failures.examples == {"actor: ModelUnavailable": "refused"}


def test_a_critic_failure_does_not_make_an_infrastructure_failure() -> None:
    failed = Failed(where="critic", error="CriticTimeout", message="late")
    scores = score([trajectory(events=[proposed(PUT), failed, executed(PUT)])])
    assert scores.failures.episodes == 0
    assert scores.interventions.critic_failures == 1


def test_the_last_line_counts_where_an_episode_was_played_again() -> None:
    assert score([crashed(), trajectory()]).pass_hat_k == (1.0,)
    assert score([trajectory(end=graded(True)), trajectory(end=graded(False))]).passed == 0


def test_a_run_without_a_single_grade_has_no_estimate() -> None:
    scores = score([crashed()])
    assert scores.pass_hat_k == ()
    assert scores.reward is None
    assert score([]).episodes == 0


def test_roles_that_were_simulated_are_named() -> None:
    assert score([trajectory(simulated=("user",))]).simulated == ("user",)
    assert score([trajectory(simulated=())]).simulated == ()


# --- statistics --------------------------------------------------------------------------------


def test_an_interval_is_as_wide_as_its_standard_error_says() -> None:
    interval = bootstrap([0.0, 1.0] * 50)
    assert interval.value == 0.5
    assert interval.high - interval.low == pytest.approx(2 * 1.96 * 0.05, rel=0.1)


def test_an_interval_is_never_a_point_however_much_tasks_agree() -> None:
    three, many = bootstrap([1.0] * 3), bootstrap([1.0] * 300)
    assert (three.high, many.high) == (1.0, 1.0)
    assert three.low == pytest.approx(wilson(3, 3)[0])
    assert three.low < 0.5 < 0.98 < many.low


def test_an_interval_of_equal_changes_reaches_both_ways() -> None:
    same = bootstrap([0.0] * 40, least=-1.0)
    assert same.low == -same.high
    assert 0.05 < same.high < 0.1


@pytest.mark.parametrize(("n", "of", "low", "high"), [(0, 3, 0, 0.5615), (7, 10, 0.3968, 0.8922)])
def test_wilsons_interval_is_that_of_the_tables(n: int, of: int, low: float, high: float) -> None:
    assert wilson(n, of) == pytest.approx((low, high), abs=1e-3)
    assert wilson(of - n, of) == pytest.approx((1 - high, 1 - low), abs=1e-3)


def test_nothing_is_known_of_the_share_of_no_cases() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


@pytest.mark.parametrize(
    ("gained", "lost", "p"), [(5, 0, 0.0625), (8, 1, 0.0390625), (3, 3, 1.0), (0, 0, 1.0)]
)
def test_mcnemar_is_the_exact_binomial(gained: int, lost: int, p: float) -> None:
    assert mcnemar(gained, lost) == pytest.approx(p)
    assert mcnemar(lost, gained) == pytest.approx(p)


def test_sign_flips_are_exact_for_few_tasks_and_drawn_for_many() -> None:
    assert sign_flip([1.0, 0.5, 0.5, 1.0, 0.5, 0.0]) == pytest.approx(2 / 2**5)
    assert sign_flip([0.5, -0.5]) == 1.0
    assert sign_flip([]) == 1.0
    assert sign_flip([1.0] * 30) == pytest.approx(1 / 10_001)
    assert sign_flip([1.0, -1.0] * 20) == 1.0


# --- two runs ----------------------------------------------------------------------------------


def test_only_episodes_that_both_runs_graded_are_compared() -> None:
    baseline = [*runs([True, False], [False]), crashed("t2")]
    supervised = [*runs([True, True], [True], [True])]
    paired = compare(Side(baseline), Side(supervised)).paired
    assert paired is not None
    assert (paired.n, paired.tasks, paired.left_out) == (3, 2, 1)
    assert paired.delta == pytest.approx(0.75)
    assert (paired.gained, paired.lost) == (2, 0)
    assert (paired.baseline, paired.supervised) == (0.25, 1.0)


def test_a_run_compared_with_itself_differs_by_nothing() -> None:
    side = Side(runs([True, False], [False, False]))
    comparison = compare(side, side)
    assert comparison.paired is not None
    assert comparison.paired.delta == 0
    assert comparison.paired.low == -comparison.paired.high < 0
    assert comparison.paired.sign_flip_p == comparison.paired.mcnemar_p == 1.0
    assert comparison.warnings == ()


def test_runs_without_a_common_episode_have_no_paired_figure() -> None:
    comparison = compare(Side([trajectory("a")]), Side([trajectory("b")]))
    assert comparison.paired is None
    assert comparison.pass_hat_k_delta == ()


def test_runs_of_different_task_sets_are_compared_with_a_warning() -> None:
    other = trajectory().model_copy(update={"versions": {"task set": "desk 2"}})
    comparison = compare(Side([trajectory()]), Side([other]))
    assert comparison.warnings == ("different task set of desk: desk 1 and desk 2",)


def test_pass_k_differences_are_paired_too() -> None:
    comparison = compare(Side(runs([True, False])), Side(runs([True, True])))
    assert [(d.k, d.estimate.value) for d in comparison.pass_hat_k_delta] == [(1, 0.5), (2, 1.0)]


# --- interventions, by faults ------------------------------------------------------------------


def test_a_refused_fault_is_right_and_a_refused_good_action_wrong() -> None:
    found = score(
        [
            trajectory("a", events=[proposed(PUT, faults=WRONG), judged(NO, category="c")]),
            trajectory("b", events=[proposed(PUT), judged(NO, category="c")]),
        ]
    ).interventions
    assert (found.right, found.wrong, found.missed) == (1, 1, 0)
    assert found.by_kind["wrong_item"].right == 1
    assert (found.by_category["c"].right, found.by_category["c"].wrong) == (1, 1)
    assert found.basis == "faults"


def test_what_is_sent_back_to_be_verified_first_is_no_wrong_refusal() -> None:
    verify = judged(NO, category=UNVERIFIED)
    found = score(
        [
            trajectory("a", events=[proposed(PUT, faults=WRONG), verify]),
            trajectory("b", events=[proposed(PUT), verify]),
        ]
    ).interventions
    assert (found.right, found.wrong, found.unverified) == (1, 0, 1)


def test_an_executed_fault_is_missed_once_however_often_it_shows() -> None:
    say = Assistant(text="I will change the item. Is that right?")
    announced = [proposed(say, faults=WRONG), executed(say)]
    acted = [proposed(PUT, faults=WRONG), judged(), executed(PUT)]
    found = score([trajectory(events=[*announced, *acted])]).interventions
    assert (found.right, found.missed) == (0, 1)


def test_a_fault_that_was_announced_and_then_refused_is_not_missed() -> None:
    say = Assistant(text="I will change the item. Is that right?")
    events = [
        proposed(say, faults=WRONG),
        executed(say),
        proposed(PUT, faults=WRONG),
        judged(NO),
        proposed(PUT, attempt=1),
        judged(attempt=1),
        executed(PUT),
    ]
    found = score([trajectory(events=events)]).interventions
    assert (found.right, found.wrong, found.missed) == (1, 0, 0)


def test_a_refusal_that_only_repeats_an_earlier_one_is_not_counted_again() -> None:
    again = judged(NO, attempt=1)
    repeated = again.model_copy(
        update={"judgement": again.judgement.model_copy(update={"status": "skipped"})}
    )
    sent = Executed(turn=0, action=Assistant(text="Sorry."), source="fallback", approved=False)
    events = [
        proposed(PUT, faults=WRONG),
        judged(NO),
        proposed(PUT, faults=WRONG, attempt=1),
        repeated,
        sent,
    ]
    found = score([trajectory(events=events)]).interventions
    assert (found.right, found.missed, found.judged) == (1, 0, 1)
    assert (found.exhausted, found.fallbacks) == (1, 1)


def test_a_halted_fault_is_right() -> None:
    halted = judged(Halt(reason="no"))
    end = Ended(reason="halted", outcome=graded(False).outcome)
    found = score([trajectory(events=[proposed(PUT, faults=WRONG), halted], end=end)]).interventions
    assert (found.right, found.halted, found.exhausted) == (1, 1, 0)


# --- interventions, by the reference -------------------------------------------------------------


def real(action: Assistant, *, refused: bool, end: Ended, fails: bool = False) -> Trajectory:
    ran = [judged(), executed(action), answered(*action.calls, is_error=fails)]
    events = [proposed(action), *([judged(NO)] if refused else ran)]
    return trajectory(events=events, end=end, simulated=("user",))


def marks(episode: Trajectory) -> tuple[int, int, int, int]:
    found = score([episode], briefings=BRIEFINGS).interventions
    return (found.right, found.wrong, found.missed, found.unknown)


REFERENCE = (call(item=1),)
OTHER = calling(call(item=2))


def test_a_write_outside_the_reference_of_a_failed_episode_is_missed() -> None:
    assert marks(real(OTHER, refused=False, end=graded(False, REFERENCE))) == (0, 0, 1, 0)


def test_a_write_outside_the_reference_of_a_passed_episode_is_left_out() -> None:
    assert marks(real(OTHER, refused=False, end=graded(True, REFERENCE))) == (0, 0, 0, 0)


def test_a_reference_write_is_matched_once() -> None:
    twice = calling(call(id="a", item=1), call(id="b", item=1))
    assert marks(real(twice, refused=False, end=graded(False, REFERENCE))) == (0, 0, 1, 0)


def test_a_write_that_failed_changed_nothing() -> None:
    failed = real(OTHER, refused=False, end=graded(False, REFERENCE), fails=True)
    assert marks(failed) == (0, 0, 0, 0)


def test_refusing_a_reference_write_is_wrong_and_any_other_write_right() -> None:
    end = graded(False, REFERENCE)
    assert marks(real(calling(call(item=1)), refused=True, end=end)) == (0, 1, 0, 0)
    assert marks(real(OTHER, refused=True, end=end)) == (1, 0, 0, 0)


def test_nobody_can_say_of_refused_words_or_without_a_reference() -> None:
    words = Assistant(text="Good bye.")
    assert marks(real(words, refused=True, end=graded(False, REFERENCE))) == (0, 0, 0, 1)
    assert marks(real(OTHER, refused=True, end=graded(False))) == (0, 0, 0, 1)


def exchange(old: list[str], new: list[str], amount: float = 5) -> str:
    pairs: dict[str, JsonValue] = {"item_ids": [*old], "new_item_ids": [*new], "amount": amount}
    return normal_form("exchange", pairs)


def test_calls_that_mean_the_same_have_the_same_form() -> None:
    assert exchange(["1", "2"], ["8", "9"]) == exchange(["2", "1"], ["9", "8"], amount=5.0)
    assert exchange(["1", "2"], ["8", "9"]) != exchange(["1", "2"], ["9", "8"])
    assert normal_form("put", {"a": None, "b": 1}) == normal_form("put", {"b": 1.0})
    assert normal_form("put", {"on": True}) != normal_form("put", {"on": 1})


# --- what it cost --------------------------------------------------------------------------------


def test_revisions_and_judging_are_what_supervision_adds_to_a_turn() -> None:
    events = [
        proposed(PUT, seconds=5.0),
        judged(NO, seconds=1.0),
        proposed(PUT, attempt=1, seconds=2.0),
        judged(attempt=1, seconds=1.0),
        executed(PUT),
        proposed(Assistant(text="Done."), seconds=5.0),
        executed(Assistant(text="Done.")),
    ]
    scores = score([trajectory(events=events)])
    assert scores.turns == 2
    assert scores.added_seconds_per_turn == pytest.approx(2.0)
    assert scores.roles["actor"].seconds_mean == 5.0
    assert scores.roles["actor revisions"].calls == 1
    assert scores.roles["critic"].seconds_total == 2.0
    assert scores.roles["actor"].input_tokens == 20


def test_an_unknown_price_is_not_nothing() -> None:
    use = score([trajectory(events=[proposed(PUT), executed(PUT)])]).roles["actor"]
    assert use.cost_usd is None
    assert use.unpriced_calls == 1


def test_json_speaks_of_pass_k_by_its_name() -> None:
    text = score(runs([True, True])).model_dump_json()
    assert '"pass^k":[1.0,1.0]' in text
    assert type(score([])).model_validate_json(text).pass_hat_k == (1.0, 1.0)


def test_refusing_a_reference_write_that_its_own_tool_refuses_counts_neither_way() -> None:
    (put,) = PUT.calls
    entry = {"name": put.name, "arguments": put.arguments, "effect": "write", "ok": False}
    native = {"reference": [entry]}
    outcome = Outcome.model_validate({"reward": 1.0, "passed": True, "native": native})
    refused = [proposed(PUT), judged(Revise(feedback="no"), category="item check")]
    end = Ended(reason="env_done", outcome=outcome)
    found = score([trajectory(events=refused, end=end)]).interventions
    assert (found.right, found.wrong, found.unknown) == (0, 0, 1)
