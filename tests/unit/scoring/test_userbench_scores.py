"""UserBench's metrics by hand, the agents without a key, and what nobody may see."""

from collections.abc import Sequence
from math import sqrt
from random import Random

import pytest
from pydantic import JsonValue

from sidecritic.critics.base import FunctionCritic, JudgeFunction, NoCritic
from sidecritic.envs.userbench.benchmark import UserBench
from sidecritic.envs.userbench.simulated import RuleBasedUser, rule_based_user, simulated_agent
from sidecritic.episode import briefing_for, run_episode
from sidecritic.errors import ModelError
from sidecritic.models.scripted import FunctionModel
from sidecritic.ports import Model
from sidecritic.scoring import score
from sidecritic.scoring.results import UserBenchScores
from sidecritic.scoring.userbench import userbench_scores
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Ended, Event, Failed, Trajectory, actor_view, proposals
from sidecritic.types import Assistant, Outcome, Proposal, Request, Revise, Task, User
from tests.travel import turn

ENV = "userbench:fixture"


def graded(
    answers: Sequence[str],
    *,
    task: str = "t1",
    trial: int = 0,
    turns: Sequence[tuple[str, float]] = (),
    one_choice: bool = True,
    gold: tuple[str, ...] = ("F9", "C4"),
    elicited: tuple[int, int, int] = (0, 0, 4),
) -> Trajectory:
    active, passive, preferences = elicited
    native: dict[str, JsonValue] = {
        "benchmark": "userbench",
        "one_choice": one_choice,
        "gold": {best: {"best": best, "correct": [best, f"{best[0]}5"]} for best in gold},
        "answers": list(answers),
        "turns": [{"kind": kind, "reward": reward, "note": ""} for kind, reward in turns],
        "active": active,
        "passive": passive,
        "preferences": preferences,
    }
    outcome = Outcome(reward=0.0, passed=False, native=native)
    return Trajectory(
        id=f"{task}-{trial}",
        task=Task(id=task, env=ENV, split="test"),
        trial=trial,
        actor="a",
        critic="none",
        events=(Ended(reason="env_done", outcome=outcome),),
    )


def scores_of(*trajectories: Trajectory) -> UserBenchScores:
    return userbench_scores(trajectories)[ENV]


# --- formulas ---------------------------------------------------------------------------------


def test_score_counts_the_first_answer_of_each_aspect() -> None:
    assert scores_of(graded(["F9", "C5"])).score.value == pytest.approx(0.9)
    assert scores_of(graded(["F2", "F9", "C5"])).score.value == pytest.approx(0.4)
    assert scores_of(graded(["F9"])).score.value == pytest.approx(0.5)
    assert scores_of(graded([])).score.value == 0.0


def test_with_many_choices_the_best_answer_of_an_aspect_counts() -> None:
    several = graded(["F2", "F5", "F9", "C3", "C5", "C2"], one_choice=False)
    assert scores_of(several).score.value == pytest.approx((1.0 + 0.8) / 2)


def test_score_weighs_scenarios_and_the_rates_weigh_aspects() -> None:
    small = graded(["F9"], gold=("F9",))
    large = graded(["F5"], task="t2", gold=("F9", "C4", "H1"))
    found = scores_of(small, large)
    assert found.score.value == pytest.approx((1.0 + 0.8 / 3) / 2)
    assert found.best_exist_rate == pytest.approx(1 / 4)
    assert found.correct_exist_rate == pytest.approx(2 / 4)
    assert found.aspects == 4


def test_over_scenarios_of_one_size_score_follows_from_the_rates() -> None:
    found = scores_of(graded(["F9", "C5"]), graded(["F2", "C5"], task="t2"))
    identity = found.best_exist_rate + 0.8 * (found.correct_exist_rate - found.best_exist_rate)
    assert found.score.value == pytest.approx(identity)


def test_valid_searches_count_outages_as_invalid() -> None:
    turns = [("search", 0.2), ("search", 0.0), ("search", 0.0), ("action", 0.2), ("answer", 1.0)]
    found = scores_of(graded(["F9"], turns=turns))
    assert found.valid_search_rate == pytest.approx(1 / 3)
    assert found.valid_action_rate == 1.0


def test_rates_of_what_was_never_tried_are_none() -> None:
    found = scores_of(graded(["F9"], turns=[("answer", 1.0)]))
    assert found.valid_search_rate is None
    assert found.valid_action_rate is None


def test_what_was_elicited_is_a_share_of_the_preferences_in_the_id() -> None:
    found = scores_of(graded([], elicited=(1, 1, 4)), graded([], task="t2", elicited=(2, 0, 6)))
    assert found.elicited_active == pytest.approx(3 / 10)
    assert found.elicited_passive == pytest.approx(1 / 10)
    assert found.elicited == pytest.approx(4 / 10)


def test_timing_weighs_the_first_answer_with_a_reward() -> None:
    turns = [("search", 0.2), ("answer", 0.0), ("answer", 0.8), ("answer", 1.0)]
    assert scores_of(graded([], turns=turns)).weighted_timing == pytest.approx(1 / 3)
    assert scores_of(graded([], turns=[("search", 0.2)])).weighted_timing == 0.0


def test_micro_max_is_the_highest_reward_of_a_turn_and_not_the_score() -> None:
    search = graded([], turns=[("search", 0.2), ("action", 0.0)])
    lucky = graded(["F9"], task="t2", turns=[("answer", 1.0)], gold=("F9", "C4", "H1", "R1"))
    found = scores_of(search, lucky)
    assert found.micro_max == pytest.approx(0.6)
    assert found.micro_avg == pytest.approx(1.2 / 3)
    assert found.score.value == pytest.approx(0.125)


def test_several_trials_give_a_mean_and_a_best() -> None:
    found = scores_of(graded(["F9", "C4"]), graded([], trial=1))
    assert found.score.value == pytest.approx(0.5)
    assert found.score_best_of_trials == pytest.approx(1.0)


def test_an_episode_whose_user_failed_is_invalid_and_no_zero() -> None:
    failed = graded([], task="t2").model_copy(
        update={
            "events": (
                Failed(where="user", error="UserError", message="prose"),
                Ended(reason="error", outcome=None),
            )
        }
    )
    found = scores_of(graded(["F9", "C4"]), failed)
    assert found.score.value == 1.0
    assert (found.episodes, found.invalid) == (1, 1)


def test_the_metrics_are_part_of_a_runs_scores() -> None:
    assert score([graded(["F9", "C4"])]).userbench[ENV].best_exist_rate == 1.0


# --- whole episodes ---------------------------------------------------------------------------


async def played(
    actor: Model, task: Task, user: Model, *, critic: JudgeFunction | None = None
) -> list[Event]:
    bench = UserBench(ENV)
    log: list[Event] = []
    judge = NoCritic() if critic is None else FunctionCritic(critic)
    supervisor = Supervisor(actor, judge, gate="none" if critic is None else "all")
    await run_episode(bench.environment(task, user), supervisor, log, task_id=task.id)
    return log


def outcome_of(log: list[Event]) -> Outcome:
    last = log[-1]
    assert isinstance(last, Ended)
    assert last.outcome is not None
    return last.outcome


def trajectory(task: Task, log: list[Event], trial: int = 0) -> Trajectory:
    return Trajectory(
        id=f"{task.id}-{trial}", task=task, trial=trial, actor="a", critic="n", events=tuple(log)
    )


async def test_a_scripted_agent_completes_every_fixture_task_with_full_score() -> None:
    for task in UserBench(ENV).tasks("test"):
        log = await played(simulated_agent(rate=0.0)(task, 1), task, RuleBasedUser())
        outcome = outcome_of(log)
        assert outcome.reward == 1.0
        assert outcome.native["active"] == outcome.native["preferences"]


async def test_what_the_environment_grades_is_what_the_metrics_find() -> None:
    for task in UserBench(ENV).tasks("test")[:12]:
        log = await played(simulated_agent(rate=0.9)(task, 4), task, RuleBasedUser())
        found = userbench_scores([trajectory(task, log)])[ENV]
        assert found.score.value == pytest.approx(outcome_of(log).reward)


def guessing_agent(bench: UserBench, task: Task, seed: int) -> Model:
    """Answers for each aspect with one of the options shown, drawn uniformly; asks nothing."""
    trip = bench.trip(task)

    def guess(request: Request) -> Assistant:
        done = sum(isinstance(message, Assistant) for message in request.messages)
        aspect = trip.aspects[done % len(trip.aspects)]
        ids = [str(option["id"]) for kind in aspect.options.values() for option in kind]
        return turn("answer", Random(f"{seed}/{trip.id}/{aspect.name}").choice(ids))

    return FunctionModel(guess, name="guessing")


async def test_a_guessing_agent_scores_what_theory_says() -> None:
    runs: list[Trajectory] = []
    bench = UserBench(ENV)
    for task in bench.tasks("test"):
        for trial in range(20):
            log = await played(guessing_agent(bench, task, trial), task, RuleBasedUser())
            runs.append(trajectory(task, log, trial))
    found = scores_of(*runs)
    for share, theory in (
        (found.best_exist_rate, 1 / 18),
        (found.correct_exist_rate, 3 / 18),
    ):
        assert abs(share - theory) < 2.6 * sqrt(theory * (1 - theory) / found.aspects)
    assert found.random_score == pytest.approx(0.144, abs=0.001)


async def test_a_fault_that_is_refused_is_mended() -> None:
    def strict(proposal: Proposal) -> Revise | None:
        choice = (proposal.action.calls[0].arguments or {}).get("choice")
        asked = any("action" in c.raw for m in proposal.history for c in getattr(m, "calls", ()))
        return Revise(feedback="Ask first.") if choice == "answer" and not asked else None

    task = UserBench(ENV).tasks("test")[0]
    agent = simulated_agent(rate=1.0, repair=1.0)(task, 2)
    alone = outcome_of(await played(agent, task, RuleBasedUser()))
    guarded = outcome_of(await played(agent, task, RuleBasedUser(), critic=strict))
    assert guarded.native["active"] != 0
    assert guarded.reward >= alone.reward


# --- what nobody may see ----------------------------------------------------------------------


async def test_hidden_progress_reaches_neither_actor_nor_critic() -> None:
    bench = UserBench(ENV)
    task = bench.tasks("test")[0]
    trip = bench.trip(task)
    seen: list[Proposal] = []

    def watch(proposal: Proposal) -> None:
        seen.append(proposal)

    log = await played(simulated_agent(rate=0.5)(task, 3), task, RuleBasedUser(), critic=watch)
    briefing = briefing_for(bench.environment(task, RuleBasedUser()))
    told = [*map(str, actor_view(log)), *map(str, seen), briefing.model_dump_json()]
    hidden = [trip.scenario, "suitable", "best_id", "correct_ids", '"reason"', "reward", "active:"]
    for secret in hidden:
        assert not any(secret in text for text in told)
    assert len(list(proposals(log, task_id=task.id, briefing=briefing))) == len(seen)


async def test_the_opening_asks_for_the_cheapest() -> None:
    task = UserBench(ENV).tasks("test")[0]
    observation = await UserBench(ENV).environment(task, RuleBasedUser()).start()
    (opening,) = observation.messages
    assert isinstance(opening, User)
    assert opening.text.startswith(str(task.data["initial_description"]))
    assert "cheapest" in opening.text


async def test_a_fork_goes_on_alone() -> None:
    task = UserBench(ENV).tasks("test")[0]
    env = UserBench(ENV).environment(task, RuleBasedUser())
    await env.start()
    await env.step(turn("answer", "F1"))
    fork = env.snapshot().fork()
    await fork.step(turn("answer", "H1"))
    mine, other = (await env.outcome()).native, (await fork.outcome()).native
    assert mine["answers"] == ["F1"]
    assert other["answers"] == ["F1", "H1"]
    look = env.snapshot().look(3)
    assert (await look.call("interact_with_env", {})).is_error


# --- the rule-based user ----------------------------------------------------------------------


async def test_the_rule_based_user_is_labelled() -> None:
    user = rule_based_user()(UserBench(ENV).tasks("test")[0], 0)
    assert user.simulated
    assert "not comparable" in user.name
    with pytest.raises(ModelError, match="judgements"):
        await user.complete(Request(messages=(User(text="Hello"),)))
