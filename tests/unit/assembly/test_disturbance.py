"""What the benchmark of disturbed runs makes of judgements: by half of users, and by check."""

import pytest
from benchmarks.disturbance import Row, Run, half_of, hints, not_held, row, without

from sidecritic.critics.policy import noisy_or
from sidecritic.recorded import JudgedProposal
from sidecritic.scoring.detection import Example
from sidecritic.scoring.replays import KnownProposal
from sidecritic.types import Approve, Flag, Judgement, Revise

ENV = "tau2:retail"


def judged(**risks: float) -> JudgedProposal:
    """Return a judgement by the flags of these checks."""
    flags = tuple(Flag(name=name, risk=risk) for name, risk in risks.items())
    risk = noisy_or(risks.values())
    verdict = Revise(feedback="No.") if risk >= 0.5 else Approve()
    return JudgedProposal(
        file="a.json",
        simulation=0,
        turn=0,
        attempt=0,
        env=ENV,
        task_id="0",
        actor="acts",
        gate="standard",
        critic="default",
        kind="write",
        tools=("put",),
        looked=False,
        judgement=Judgement(verdict=verdict, critic="default", risk=risk, flags=flags, seconds=0.0),
        cpu_seconds=0.0,
    )


def run(user: str, *lines: JudgedProposal, failed: bool = False) -> Run:
    return Run(ENV, user, failed, lines)


def wrong(line: JudgedProposal) -> tuple[str, KnownProposal]:
    score = line.judgement.risk or 0.0
    example = Example(score=score, wrong=True, group="ana", stratum="retail")
    return ENV, KnownProposal("write", "put", example, line, ())


def test_a_check_that_sends_back_the_successes_of_more_users_does_not_hold() -> None:
    bad = [run("ana", judged(bad=0.7)), run("ben", judged(bad=0.7)), run("cy", judged(bad=0.7))]
    good = [run("dee", judged(good=0.7)), run("eve", judged(good=0.7), failed=True)]
    failures = [run("fay", judged(bad=0.7), failed=True)]
    assert not_held([*bad, *failures, *good]) == {(ENV, "bad")}


def test_many_runs_of_one_user_count_once() -> None:
    same = [run("ana", judged(rule=0.8)) for _ in range(9)]
    assert not_held([*same, run("ben", judged(rule=0.8), failed=True)]) == set()


def test_hints_are_not_told_apart_as_they_refuse_nothing_alone() -> None:
    assert "fewer deeds than requests" in hints(ENV)
    assert "made-up id" not in hints(ENV)


@pytest.mark.parametrize(
    ("line", "refused"),
    [
        (judged(bad=0.7), False),
        (judged(bad=0.7, good=0.6), True),
        (judged(bad=0.7, good=0.4), False),
        (judged(good=0.6), True),
        (judged(good=0.1), False),
    ],
)
def test_a_check_that_is_evidence_refuses_nothing_by_itself(
    line: JudgedProposal, refused: bool
) -> None:
    assert without({(ENV, "bad")})(line, ENV) is refused


def test_successes_are_counted_once_and_wrong_writes_each() -> None:
    runs = [
        run("ana", judged(good=0.7), judged(good=0.7)),
        run("ben", judged(good=0.1)),
        run("cy", judged(good=0.9), failed=True),
    ]
    writes = [wrong(judged(good=0.7)), wrong(judged(good=0.2))]
    found = row(runs, writes, without(set()))
    assert found == Row(successes=2, disturbed=1, wrong_writes=2, caught=1)
    assert (found + found).shares == {"share_disturbed": 0.5, "share_caught": 0.5}
    assert Row().shares == {"share_disturbed": None, "share_caught": None}


def test_users_stay_in_their_half_and_both_have_some() -> None:
    halves = [half_of(f"user {n}") for n in range(100)]
    assert halves == [half_of(f"user {n}") for n in range(100)]
    assert 30 < sum(halves) < 70
