"""What a critic refused never ran: runs that it supervised are not counted against it."""

import json
from dataclasses import replace
from pathlib import Path

from sidecritic.recorded import JudgedProposal, Recorded
from sidecritic.recordings import load
from sidecritic.scoring.replay_results import ReplayScores
from sidecritic.scoring.replays import ReplaySource, known_proposals, score_replay
from sidecritic.types import Approve, Judgement
from tests.recordings import CANCEL, called, chat, results, simulation

CANCELLED = called("cancel_pending_order", CANCEL, "{}")


def run_of(folder: Path, critic: str) -> Recorded:
    file = folder / "runs.json"
    file.write_text(json.dumps(results(simulation(chat(CANCELLED)))))
    (run,) = load([file]).runs
    return replace(run, trajectory=run.trajectory.model_copy(update={"critic": critic}))


def judged(run: Recorded) -> JudgedProposal:
    return JudgedProposal(
        **run.key(0, 0)._asdict(),
        env=run.trajectory.task.env,
        task_id=run.trajectory.task.id,
        actor="a",
        gate="writes",
        critic="default",
        kind="write",
        tools=("cancel_pending_order",),
        looked=False,
        judgement=Judgement(verdict=Approve(), critic="policy", risk=0.1),
        cpu_seconds=0.0,
    )


def scored(run: Recorded) -> ReplayScores:
    source = ReplaySource("default", "writes", "", 1, 1, (), 0, {})
    return score_replay([run], [judged(run)], source)


def test_a_run_counts_where_another_critic_or_none_supervised_it(tmp_path: Path) -> None:
    for critic in ("none", "llm:judge"):
        scores = scored(run_of(tmp_path, critic))
        assert (scores.supervised, scores.wrong_writes) == (0, 1)


def test_a_run_that_the_critic_supervised_is_left_out_and_counted(tmp_path: Path) -> None:
    for critic in ("default", "policy"):
        run = run_of(tmp_path, critic)
        scores = scored(run)
        assert (scores.supervised, scores.wrong_writes, scores.simulations) == (1, 0, 1)
        assert known_proposals([run], [judged(run)]) == ()
