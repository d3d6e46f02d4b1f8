"""When enforcing a critic pays, and when nobody can tell."""

import pytest

from sidecritic.errors import ConfigError
from sidecritic.scoring.pilot import JudgedLabels, Pilot, Rate, Sample, pilot_of
from sidecritic.scoring.pilot_counts import (
    DecisionLine,
    ReplayLine,
    decisions_counted,
    episodes_counted,
    replay_counted,
)
from tests.rounds import graded, trajectory


def decision(
    n: int, verdict: str = "approve", label: str = "", *, attempt: int = 0, fate: str = "released"
) -> DecisionLine:
    return DecisionLine(
        id=f"r{n}.0.{attempt}",
        request=f"r{n}",
        attempt=attempt,
        route="desk",
        mode="shadow",
        fate=fate,
        verdict=verdict,
        digest=f"{n}/{attempt}",
        critic="policy",
        label=label,  # pyright: ignore[reportArgumentType]
        conversation=f"c{n}",
    )


def weighed(lines: list[DecisionLine], *, repair: float = 0.21, spoil: float = 1.0) -> Pilot:
    return pilot_of(*decisions_counted(lines, repair=repair, spoil=spoil))


def enforced(n: int, label: str, sent: str) -> list[DecisionLine]:
    """A refused first proposal, and what was sent in its place."""
    first = decision(n, "revise", label, fate="withheld")
    if sent == "nothing":
        return [first]
    return [first, decision(n, "approve", sent, attempt=1)]


# --- the rule -----------------------------------------------------------------------------------


def test_the_three_shares_are_of_the_same_cases_and_add_up_to_the_gain() -> None:
    rates = {
        "wrong": Rate(n=30, of=100),
        "caught": Rate(n=20, of=30),
        "disturbed": Rate(n=7, of=70),
        "repaired": Rate(assumed=0.5),
        "spoilt": Rate(assumed=0.25),
    }
    sample = Sample(basis="replay", labels=100, conversations=100)
    found = pilot_of(JudgedLabels(**rates), sample)
    assert found.p.value == pytest.approx(0.3)
    assert found.r.value == pytest.approx(20 / 30 / 2)
    assert found.d.value == pytest.approx(0.1 / 4)
    assert found.break_even.value == pytest.approx(0.025 / (1 / 3 + 0.025))
    assert found.gain.value == pytest.approx(0.3 / 3 - 0.7 * 0.025)


def test_a_critic_that_repairs_much_and_spoils_little_should_be_enforced() -> None:
    lines = [line for n in range(40) for line in enforced(n, "wrong", "right")]
    lines += [line for n in range(40, 50) for line in enforced(n, "right", "right")]
    lines += [decision(n, "approve", "right") for n in range(50, 100)]
    found = weighed(lines)
    assert (found.verdict, found.more, found.assumed) == ("enforce", None, {})
    assert (found.labels, found.conversations) == (100, 100)


def test_a_critic_that_spoils_what_was_right_stays_in_shadow() -> None:
    lines = [line for n in range(30) for line in enforced(n, "right", "nothing")]
    lines += [line for n in range(30, 40) for line in enforced(n, "wrong", "wrong")]
    lines += [decision(n, "approve", "right") for n in range(40, 80)]
    assert weighed(lines).verdict == "stay in shadow"


def test_in_shadow_repair_and_spoiling_are_assumed_and_said_to_be() -> None:
    lines = [decision(n, "revise", "wrong") for n in range(15)]
    lines += [decision(n, "revise", "right") for n in range(15, 30)]
    lines += [decision(n, "approve", "right") for n in range(30, 60)]
    found = weighed(lines)
    assert found.verdict == "stay in shadow"
    assert sorted(found.assumed.values()) == [0.21, 1.0]
    assert any("0.21 is assumed, not measured" in remark for remark in found.remarks)
    assert weighed(lines, repair=0.9, spoil=0.05).verdict == "enforce"


# --- few labels ---------------------------------------------------------------------------------


def test_few_labels_are_not_enough_and_it_says_how_many_more() -> None:
    lines = [line for n in range(4) for line in enforced(n, "wrong", "right")]
    lines += [line for n in range(4, 6) for line in enforced(n, "right", "nothing")]
    lines += [decision(n, "approve", "right") for n in range(6, 10)]
    found = weighed(lines)
    assert found.verdict == "not enough labels"
    assert found.more is not None and 10 < found.more < 1000
    assert any("only 10 labels" in remark for remark in found.remarks)


@pytest.mark.parametrize("labels", [1, 2, 3])
def test_no_interval_of_a_few_labels_is_a_point(labels: int) -> None:
    lines = [line for n in range(labels) for line in enforced(n, "wrong", "right")]
    lines += [decision(n, "approve", "right") for n in range(10, 10 + labels)]
    lines += enforced(30, "right", "right")
    found = weighed(lines)
    for measured in (found.p, found.r, found.d, found.margin):
        assert measured.ci is not None
        assert measured.ci[1] - measured.ci[0] > 0.2
    for rate in found.rates.values():
        assert rate.measured.ci is not None
        assert rate.measured.ci[0] < rate.measured.ci[1]


def test_labels_of_refusals_alone_say_nothing_of_how_often_the_actor_fails() -> None:
    found = weighed([decision(n, "revise", "wrong") for n in range(50)])
    assert (found.verdict, found.p.value) == ("not enough labels", None)
    assert any("wrong, of the approved" in remark for remark in found.remarks)


def test_refusals_that_are_labelled_more_often_do_not_make_the_actor_look_worse() -> None:
    lines = [decision(n, "revise", "wrong") for n in range(10)]
    lines += [decision(n, "approve", "right" if n < 20 else "") for n in range(10, 100)]
    assert weighed(lines).p.value == pytest.approx(0.1)


def test_decisions_of_one_conversation_count_as_one() -> None:
    lines = [decision(n, "revise", "wrong") for n in range(40)]
    lines += [decision(n, "approve", "right") for n in range(40, 80)]
    alike = [line.model_copy(update={"conversation": "c"}) for line in lines]
    apart, together = weighed(lines), weighed(alike)
    assert apart.p.ci is not None and together.p.ci is not None
    assert together.p.ci[1] - together.p.ci[0] > 2 * (apart.p.ci[1] - apart.p.ci[0])
    assert together.conversations == 1


# --- what counts --------------------------------------------------------------------------------


def test_a_refusal_whose_successor_nobody_labelled_is_left_out_and_said() -> None:
    lines = [line for n in range(5) for line in enforced(n, "wrong", "right")]
    lines += enforced(5, "wrong", "")
    lines += [decision(6, "approve", "right")]
    found = weighed(lines)
    assert found.rates["repaired, of the wrong refused"].of == 5
    assert any(remark.startswith("1 labelled refusals") for remark in found.remarks)


def test_a_right_action_that_is_repeated_and_sent_is_not_spoilt() -> None:
    again = decision(0, "approve", attempt=1).model_copy(update={"digest": "0/0"})
    lines = [*enforced(0, "right", "nothing"), again, decision(1, "approve", "right")]
    rate = weighed(lines).rates["spoilt, of the right refused"]
    assert (rate.n, rate.of) == (0, 1)


def unverified(line: DecisionLine) -> DecisionLine:
    return line.model_copy(update={"category": "unverified"})


def test_what_was_sent_back_to_be_verified_is_counted_apart_from_refusals() -> None:
    lines = [unverified(decision(n, "revise", "right")) for n in range(4)]
    lines += [decision(4, "revise", "wrong"), decision(5, "approve", "right")]
    found = weighed(lines)
    assert (found.rates["refused"].n, found.rates["refused"].of) == (1, 6)
    assert (found.rates["wrong, of the refused"].of, found.d.value) == (1, 0.0)
    assert any(remark.startswith("4 of 6 first proposals") for remark in found.remarks)


@pytest.mark.parametrize(("sent", "spoilt"), [("right", 0), ("nothing", 1)])
def test_sent_back_to_be_verified_is_a_refusal_where_nothing_was_sent_after_it(
    sent: str, spoilt: int
) -> None:
    first, *then = enforced(0, "right", sent)
    found = weighed([unverified(first), *then, decision(1, "approve", "right")])
    assert found.rates["refused"].n == spoilt
    assert found.rates["spoilt, of the right refused"].n == spoilt


def test_a_ruling_on_a_case_is_a_label() -> None:
    line = decision(0, "revise").model_dump() | {"as_label": {"wrong": True}}
    assert DecisionLine.model_validate(line).wrong


def test_decisions_that_no_critic_judged_are_not_weighed() -> None:
    with pytest.raises(ConfigError, match="no decision was judged"):
        weighed([decision(0, "none", "wrong")])


# --- runs and replays ---------------------------------------------------------------------------


def test_pairs_of_episodes_say_what_was_repaired_and_spoilt() -> None:
    alone = [trajectory(f"t{n}", end=graded(n >= 30)) for n in range(60)]
    supervised = [trajectory(f"t{n}", end=graded(n >= 10)) for n in range(60)]
    found = pilot_of(*episodes_counted(alone, supervised))
    assert (found.verdict, found.basis, found.labels) == ("enforce", "runs", 60)
    assert (found.p.value, found.r.value, found.d.value) == (0.5, pytest.approx(2 / 3), 0.0)
    assert found.simulated == ("actor", "user")


def test_pairs_that_gain_as_much_as_they_lose_settle_nothing() -> None:
    alone = [trajectory(f"t{n}", end=graded(n % 2 == 0)) for n in range(40)]
    supervised = [trajectory(f"t{n}", end=graded(n % 2 == 1)) for n in range(40)]
    found = pilot_of(*episodes_counted(alone, supervised))
    assert (found.verdict, found.more) == ("not enough labels", None)


def test_a_critic_that_changes_nothing_is_not_enforced() -> None:
    alone = [trajectory(f"t{n}", end=graded(n % 2 == 0)) for n in range(40)]
    found = pilot_of(*episodes_counted(alone, alone))
    assert found.verdict == "not enough labels"
    assert found.break_even.value is None
    assert found.remarks[0] == "in these cases the critic repaired nothing and spoilt nothing"


def test_runs_without_a_common_episode_are_refused() -> None:
    with pytest.raises(ConfigError, match="no episode is graded in both"):
        episodes_counted([trajectory("a")], [trajectory("b")])


def test_a_replay_of_labelled_chats_is_weighed_with_assumed_rates() -> None:
    decided = {"caught": {"n": 45, "of": 50}, "disturbed": {"n": 1, "of": 150}}
    replay = ReplayLine.model_validate({"simulations": 200, "decided": {"all": decided}})
    found = pilot_of(*replay_counted(replay, repair=0.21, spoil=1.0))
    assert (found.verdict, found.labels) == ("enforce", 200)
    assert found.p.value == 0.25


def test_a_replay_of_benchmark_runs_is_weighed_by_whole_runs() -> None:
    runs = {
        "failed_caught": {"n": 187, "of": 375},
        "failed_caught_anywhere": {"n": 200, "of": 400},
        "passed_disturbed": {"n": 304, "of": 1060},
    }
    replay = ReplayLine.model_validate({"simulations": 1868, "interference": {"all": runs}})
    found = pilot_of(*replay_counted(replay, repair=0.2, spoil=1 / 7))
    assert found.break_even.value == pytest.approx(0.30, abs=0.01)


def test_a_replay_without_labels_is_refused() -> None:
    with pytest.raises(ConfigError, match="no labelled action"):
        replay_counted(ReplayLine(simulations=3), repair=0.2, spoil=1.0)


def test_a_replay_without_the_sum_of_its_labels_is_refused() -> None:
    none = {"n": 0, "of": 0}
    decided = {"caught": none, "disturbed": none}
    replay = ReplayLine.model_validate({"simulations": 3, "decided": {"desk": decided}})
    with pytest.raises(ConfigError, match="no labelled action"):
        replay_counted(replay, repair=0.2, spoil=1.0)
