"""What a critic did to labelled calls and messages is counted by domain, each call by itself."""

from pathlib import Path

import pytest

from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.scoring.replay_results import ReplayScores
from sidecritic.scoring.replays import ReplaySource, score_replay
from sidecritic.types import Approve, Judgement, Revise, Verdict
from tests.library import TOOLS, Json, batch, label, renewal, written


@pytest.fixture
def runs(tmp_path: Path) -> tuple[Recorded, ...]:
    bad = renewal("bad", loan="B-9", verdict="wrong")
    chats = (renewal("good"), bad, batch())
    return load([written(tmp_path / "chats.jsonl", {"tools": TOOLS}, *chats)]).runs


def judged(
    run: Recorded,
    turn: int,
    verdict: Verdict,
    *,
    risk: float | None = None,
    **more: dict[str, float],
) -> JudgedProposal:
    return JudgedProposal(
        **run.key(turn, 0)._asdict(),
        env=run.trajectory.task.env,
        task_id=run.trajectory.task.id,
        actor="desk-model",
        gate="writes+final",
        critic="c",
        kind="write",
        tools=(),
        looked=False,
        judgement=Judgement.model_validate(
            {"verdict": verdict, "critic": "c", "risk": risk, "category": "why", **more}
        ),
        cpu_seconds=0.0,
    )


def scored(runs: tuple[Recorded, ...], *lines: JudgedProposal) -> ReplayScores:
    source = ReplaySource("c", "writes+final", "", len(runs), 1, (), 0, {})
    return score_replay(runs, lines, source)


def test_caught_and_disturbed_are_counted_over_all_and_by_domain(
    runs: tuple[Recorded, ...],
) -> None:
    good, bad, _ = runs
    no = Revise(feedback="Not that loan.")
    scores = scored(runs, judged(good, 1, no), judged(bad, 1, no), judged(bad, 2, Approve()))
    found = scores.decided
    assert list(found) == ["all", "library", "library:night"]
    assert (found["all"].caught.n, found["all"].caught.of) == (1, 3)
    assert (found["all"].disturbed.n, found["all"].disturbed.of) == (1, 3)
    assert (found["library"].caught.of, found["library"].disturbed.of) == (2, 2)
    assert found["library"].caught.share.value == 0.5
    assert found["library"].caught.share.ci is not None


def test_look_ups_outside_the_gate_count_nowhere_and_messages_do(
    runs: tuple[Recorded, ...],
) -> None:
    labels = scored(runs).labels
    assert labels is not None
    assert (labels.right, labels.wrong, labels.reads_left_out) == (5, 3, 2)
    assert (labels.right_unseen, labels.wrong_unseen) == (3, 3)


def test_a_refusal_that_names_a_call_stops_that_call_alone(runs: tuple[Recorded, ...]) -> None:
    *_, both = runs
    named = judged(both, 0, Revise(feedback="Nobody asked for B-9.", calls=("c2",)))
    night = scored(runs, named).decided["library:night"]
    assert (night.caught.n, night.disturbed.n) == (1, 0)
    whole = scored(runs, judged(both, 0, Revise(feedback="No."))).decided["library:night"]
    assert (whole.caught.n, whole.disturbed.n) == (1, 1)


def test_the_risk_of_each_labelled_write_is_measured(runs: tuple[Recorded, ...]) -> None:
    good, bad, both = runs
    scores = scored(
        runs,
        judged(good, 1, Approve(), risk=0.2),
        judged(bad, 1, Approve(), risk=0.4),
        judged(both, 0, Approve(), risk=0.9, call_risks={"c1": 0.1, "c2": 0.9}),
    )
    found = scores.writes["labelled"]
    assert (found["all"].n, found["all"].wrong, found["all"].auroc) == (4, 2, 1.0)
    assert (found["library"].n, found["library:night"].n) == (2, 2)
    assert found["all"].recall_at_fpr["0.05"] == 1.0


def test_every_wrong_case_and_every_disturbed_one_is_told(runs: tuple[Recorded, ...]) -> None:
    good, bad, _ = runs
    no = Revise(feedback="Not that loan.")
    cases = scored(runs, judged(good, 1, no, risk=0.7), judged(bad, 1, no)).cases
    told = {(case.id, case.turn, case.tool): case for case in cases}
    assert {key: case.outcome for key, case in told.items()} == {
        ("good", 1, "renew_loan"): "disturbed",
        ("bad", 1, "renew_loan"): "caught",
        ("bad", 2, ""): "missed",
        ("batch", 0, "renew_loan"): "missed",
    }
    caught = told["bad", 1, "renew_loan"]
    assert (caught.feedback, caught.note) == ("Not that loan.", "the user named B-7")
    assert not told["bad", 2, ""].judged
    assert told["good", 1, "renew_loan"].risk == 0.7


def test_an_own_domain_called_telecom_is_pooled_like_any_other(tmp_path: Path) -> None:
    chat: Json = {**renewal(verdict="wrong"), "domain": "telecom"}
    found = load([written(tmp_path / "chats.jsonl", {"tools": TOOLS}, chat)]).runs
    scores = scored(found)
    assert scores.decided["all"] == scores.decided["telecom"]
    assert scores.writes["labelled"]["all"].n == 1


def test_runs_without_labels_have_no_such_figures(tmp_path: Path) -> None:
    chat = {**renewal(), "labels": [label(2, "right", "c1")][:0]}
    scores = scored(load([written(tmp_path / "chats.jsonl", chat)]).runs)
    assert (scores.decided, scores.labels, scores.cases) == ({}, None, ())
    assert "labelled" not in scores.writes
