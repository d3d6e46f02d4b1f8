"""What a replay counts: which writes are right, wrong, first, repeated or detectable."""

import json
from collections.abc import Sequence
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from rich.table import Table

from sidecritic.errors import ConfigError
from sidecritic.gates import kind_of
from sidecritic.labelling.label_files import read_labels_file
from sidecritic.recorded import JudgedProposal, ReadersLabels, Recorded
from sidecritic.recordings import load
from sidecritic.replay.judgement import covered
from sidecritic.reports.replay import replay_sections, to_replay_tables
from sidecritic.scoring.replay_results import Detection, Measured, ReplayScores, Slices
from sidecritic.scoring.replays import ReplaySource, score_replay
from sidecritic.scoring.writes import writes_of
from sidecritic.trace import proposals
from sidecritic.types import Approve, Judgement, Proposal, Revise, Usage
from sidecritic.writes import normal_form
from tests.recordings import CANCEL, ORDER, USER, Json, called, chat, results, simulation, task

ADDRESS: Json = {
    "user_id": USER,
    "address1": "1 Main St",
    "address2": "",
    "city": "Austin",
    "state": "TX",
    "country": "USA",
    "zip": "78701",
}
GOLD: Json = {"name": "cancel_pending_order", "arguments": CANCEL}
RIGHT = called("cancel_pending_order", CANCEL, "{}", id="r")
WRONG = called("modify_user_address", ADDRESS, "{}", id="w")
AGAIN = called("modify_user_address", ADDRESS, "{}", id="x")
OTHER = called("modify_user_address", {**ADDRESS, "zip": "78702"}, "{}", id="y")
REFUSED = called("modify_user_address", ADDRESS, "Error: no", id="z")


def runs_of(folder: Path, *simulations: Json, gold: Sequence[Json] = (GOLD,)) -> list[Recorded]:
    file = folder / "runs.json"
    file.write_text(json.dumps(results(*simulations, tasks=[task(*gold)])))
    found = load([file])
    assert not found.problems
    return list(found.runs)


def judged(runs: Sequence[Recorded], risk: dict[str, float]) -> list[JudgedProposal]:
    """Judge with a risk by tool; `final` stands for words."""
    lines: list[JudgedProposal] = []
    for run in runs:
        keys = set(covered(run, "writes+final"))
        rebuilt = proposals(
            run.trajectory.events, task_id=run.trajectory.task.id, briefing=run.briefing
        )
        for proposal, _ in rebuilt:
            tools = tuple(call.name for call in proposal.action.calls)
            score = risk.get(tools[0] if tools else "final", 0.0)
            line = line_of(run, proposal, score, tools)
            if line.key in keys:
                lines.append(line)
    return lines


def line_of(
    run: Recorded, proposal: Proposal, risk: float, tools: tuple[str, ...]
) -> JudgedProposal:
    verdict = Revise(feedback="no") if risk >= 0.5 else Approve()
    return JudgedProposal(
        file=run.file,
        simulation=run.simulation,
        turn=proposal.turn,
        attempt=proposal.attempt,
        env=run.trajectory.task.env,
        task_id=run.trajectory.task.id,
        actor=run.trajectory.actor,
        gate="writes+final",
        critic="test",
        kind=kind_of(proposal),
        tools=tools,
        looked=True,
        judgement=Judgement(
            verdict=verdict,
            critic="test",
            risk=risk,
            usage=Usage(input_tokens=100, output_tokens=2),
        ),
        cpu_seconds=0.002,
    )


SOURCE = ReplaySource("test", "writes+final", "", 1, 1, (), 0, {})


def scored(
    runs: Sequence[Recorded], risk: dict[str, float], labels: ReadersLabels | None = None
) -> ReplayScores:
    return score_replay(runs, judged(runs, risk), SOURCE, labels)


# --- right and wrong -----------------------------------------------------------------------


def test_writes_are_right_by_the_reference_and_wrong_in_failed_runs_alone(tmp_path: Path) -> None:
    failed, passed = runs_of(
        tmp_path,
        simulation(chat(RIGHT, WRONG, AGAIN, OTHER)),
        simulation(chat(RIGHT, WRONG), reward=1.0),
    )
    assert [w.standing for w in writes_of(failed)] == ["right", "wrong", "wrong", "wrong"]
    assert [w.first_wrong for w in writes_of(failed)] == [False, True, False, False]
    assert [w.repeated for w in writes_of(failed)] == [False, False, True, False]
    assert [w.standing for w in writes_of(passed)] == ["right", "left out"]


def test_a_call_that_failed_is_no_write_but_may_be_repeated(tmp_path: Path) -> None:
    (run,) = runs_of(tmp_path, simulation(chat(REFUSED, WRONG)))
    assert [(w.standing, w.repeated) for w in writes_of(run)] == [("wrong", True)]


def test_a_reference_that_fails_on_fresh_records_does_not_count(tmp_path: Path) -> None:
    unknown: Json = {"name": "cancel_pending_order", "arguments": {**CANCEL, "order_id": "#W0"}}
    made = called("cancel_pending_order", unknown["arguments"], "{}")
    (run,) = runs_of(tmp_path, simulation(chat(made)), gold=[unknown])
    assert [w.standing for w in writes_of(run)] == ["wrong"]


def test_a_run_without_a_reward_has_nothing_to_tell(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(RIGHT, WRONG), reward_info=None))
    assert writes_of(runs[0]) == ()
    assert scored(runs, {}).end["raw"]["all"].n == 0


def test_flights_are_compared_by_number_and_date() -> None:
    bare: Json = {"flights": [{"flight_number": "HAT1", "date": "2024-05-20"}]}
    rich: Json = {"flights": [{"date": "2024-05-20", "flight_number": "HAT1", "price": 99}]}
    other: Json = {"flights": [{"flight_number": "HAT2", "date": "2024-05-20"}]}
    name = "update_reservation_flights"
    assert normal_form(name, bare) == normal_form(name, rich) != normal_form(name, other)


# --- what is counted -----------------------------------------------------------------------


def test_clean_counts_the_first_wrong_write_and_no_repetition_and_raw_counts_all(
    tmp_path: Path,
) -> None:
    runs = runs_of(tmp_path, simulation(chat(RIGHT, WRONG, AGAIN, OTHER)))
    scores = scored(runs, {})
    assert (scores.writes["raw"]["all"].n, scores.writes["raw"]["all"].wrong) == (4, 3)
    assert (scores.writes["clean"]["all"].n, scores.writes["clean"]["all"].wrong) == (2, 1)
    assert (scores.write_proposals, scores.wrong_writes) == (4, 3)


def test_noisy_tasks_are_raw_only(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(RIGHT, WRONG), task_id="59"), gold=[])
    scores = scored(runs, {})
    assert (scores.writes["raw"]["all"].n, scores.writes["clean"]["all"].n) == (2, 0)


def test_risk_tells_wrong_from_right(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(RIGHT, WRONG)), simulation(chat(RIGHT), reward=1.0))
    found = scored(runs, {"modify_user_address": 0.9}).writes["clean"]
    assert found["all"].auroc == found["retail"].auroc == 1.0
    by_tool = scored(runs, {}).writes_by["clean"]["tool"]
    assert {name: (d.n, d.wrong) for name, d in by_tool.items()} == {
        "cancel_pending_order": (2, 0),
        "modify_user_address": (1, 1),
    }


def counts(slices: dict[str, Slices], by: str) -> dict[str, tuple[int, int]]:
    return {name: (found.n, found.wrong) for name, found in slices[by].items()}


def test_by_benchmark_tool_and_actor_there_are_raw_figures_beside_the_clean_ones(
    tmp_path: Path,
) -> None:
    runs = runs_of(
        tmp_path,
        simulation(chat(RIGHT, WRONG, AGAIN, OTHER)),
        simulation(chat(RIGHT, WRONG), task_id="59"),
    )
    by = scored(runs, {}).writes_by
    assert set(by) == {"clean", "raw"}
    assert counts(by["clean"], "tool") == {
        "cancel_pending_order": (1, 0),
        "modify_user_address": (1, 1),
    }
    assert counts(by["raw"], "tool")["modify_user_address"] == (4, 4)
    for name in ("benchmark", "actor"):
        ((_, clean),) = counts(by["clean"], name).items()
        ((_, raw),) = counts(by["raw"], name).items()
        assert (clean, raw) == ((2, 1), (6, 5)), "the noisy task has no reference writes"


def test_the_end_is_told_by_benchmark_and_actor(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path,
        simulation(chat()),
        simulation(chat(RIGHT), reward=1.0),
        simulation(chat(), task_id="59"),
        simulation(chat(WRONG)),
    )
    by = scored(runs, {"final": 0.7}).end_by
    assert set(by) == {"clean", "raw", "every_run"}
    for name in ("benchmark", "actor"):
        for family, expected in (("clean", (2, 1)), ("raw", (3, 2)), ("every_run", (3, 2))):
            assert list(counts(by[family], name).values()) == [expected]
            ((_, found),) = by[family][name].items()
            assert found.auroc == 0.5


@pytest.mark.parametrize(
    ("risk", "auroc"),
    [
        ({"transfer_to_human_agents": 0.9, "final": 0.2}, 1.0),
        ({"transfer_to_human_agents": 0.1, "final": 0.2}, 0.5),
    ],
    ids=["the hand-over is riskier", "the words are"],
)
def test_a_hand_over_and_the_words_after_it_are_one_end(
    tmp_path: Path, risk: dict[str, float], auroc: float
) -> None:
    handed = called("transfer_to_human_agents", {"summary": "s"}, "Transfer successful", id="t")
    runs = runs_of(tmp_path, simulation(chat(handed)), simulation(chat(RIGHT), reward=1.0))
    assert scored(runs, risk).end["clean"]["all"].auroc == auroc


def test_a_reader_is_shown_bins_with_intervals_and_raw_beside_clean(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path, simulation(chat(RIGHT, WRONG, AGAIN)), simulation(chat(), task_id="59")
    )
    sections = {s.title: s for s in replay_sections(scored(runs, {"modify_user_address": 0.9}))}
    by_tool = sections["All wrong writes, first of a run, clean tasks, by tool; raw below"]
    assert [row[:2] for row in by_tool.rows] == [
        ("cancel_pending_order", "0/1"),
        ("raw", "0/1"),
        ("modify_user_address", "1/1"),
        ("raw", "2/2"),
    ]
    ends = [title for title in sections if title.startswith("Will the run fail? At its end")]
    assert [title.rpartition(", by ")[2] for title in ends[1:]] == [
        "benchmark; raw below",
        "actor; raw below",
    ]
    (low, high) = sections["Reliability (clean, all)"].rows
    assert (low[2], low[3]) == ("0.00 (0.00-0.00)", "0.00 (0.00-0.00)")
    assert (high[2], high[3]) == ("0.90 (0.90-0.90)", "1.00 (1.00-1.00)")


def test_every_figure_of_a_table_stands_above_its_interval_and_fits_a_terminal(
    tmp_path: Path,
) -> None:
    wide, narrow = Measured(value=1.0, ci=(0.0, 1.0)), Measured(value=0.5, ci=(0.25, 0.75))
    found = Detection(
        n=10_000,
        wrong=5_000,
        auroc=0.9,
        auroc_ci=(0.8, 1.0),
        ap=0.7,
        ap_ci=(0.6, 0.75),
        recall_at_fpr_by_domain={"0.01": narrow, "0.05": wide, "0.10": wide},
    )
    known = scored(runs_of(tmp_path, simulation(chat(RIGHT, WRONG))), {})
    slices = {"all": found, "telecom": Detection(n=3, wrong=0)}
    scores = known.model_copy(update={"writes": known.writes | {"clean": slices}})
    table = next(iter(replay_sections(scores)))
    assert table.header == ("", "wrong/n", "AUROC", "AP", "at 1 %", "at 5 %", "at 10 %")
    assert table.rows == (
        ("all", "5000/10000", "0.90", "0.70", "50 %", "100 %", "100 %"),
        ("95 %", "", "0.80-1.00", "0.60-0.75", "25-75", "0-100", "0-100"),
        ("telecom", "0/3", "", "", "", "", ""),
    )
    shown = StringIO()
    console = Console(file=shown, width=200)
    for part in to_replay_tables(scores):
        console.print(part) if isinstance(part, Table) else None
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert max(map(len, lines)) <= 80


def test_a_reader_is_told_where_the_other_calibration_errors_are(tmp_path: Path) -> None:
    scores = scored(runs_of(tmp_path, simulation(chat(RIGHT, WRONG))), {})
    for calibrated in (False, True):
        shown = replay_sections(scores.model_copy(update={"calibrated": calibrated}))
        (notes,) = [each.notes for each in shown if each.title == "Reliability (clean, all)"]
        assert "--json (`calibration_error`, `reliability`)" in " ".join(notes)


def test_only_detectable_wrong_writes_stay_where_labels_say_so(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, *(simulation(chat(RIGHT, WRONG)) for _ in range(3)))
    form = normal_form("modify_user_address", ADDRESS)
    labels = {("runs.json", 0, form): True, ("runs.json", 1, form): False}
    scores = scored(runs, {}, labels)
    assert (scores.writes["detectable"]["all"].n, scores.writes["detectable"]["all"].wrong) == (
        4,
        1,
    )
    assert scores.labels_unmatched == 1


def test_the_end_is_judged_by_the_last_farewell_of_runs_that_wrote_nothing_wrong(
    tmp_path: Path,
) -> None:
    runs = runs_of(
        tmp_path,
        simulation(chat()),
        simulation(chat(RIGHT), reward=1.0),
        simulation(chat(WRONG)),
    )
    scores = scored(runs, {"final": 0.7})
    assert (scores.end["clean"]["all"].n, scores.end["clean"]["all"].wrong) == (2, 1)
    assert scores.end["every_run"]["all"].n == 3
    assert scores.end["clean"]["all"].auroc == 0.5


def test_interference_counts_runs_at_the_threshold_of_the_critic(tmp_path: Path) -> None:
    runs = runs_of(
        tmp_path,
        simulation(chat(RIGHT, WRONG)),
        simulation(chat(WRONG, RIGHT)),
        simulation(chat(RIGHT), reward=1.0),
    )
    found = scored(runs, {"cancel_pending_order": 0.8}).interference["all"]
    assert (found.failed_caught.n, found.failed_caught.of) == (1, 2)
    assert found.failed_caught_at.n == 0
    assert (found.failed_caught_anywhere.n, found.failed_caught_anywhere.of) == (2, 2)
    assert (found.passed_disturbed.n, found.passed_disturbed.of) == (1, 1)
    assert found.passed_disturbed_in_earnest.n == 1, "its tool did what it was asked for"


def test_a_critic_that_failed_knows_nothing_and_is_counted(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(WRONG)), simulation(chat(RIGHT), reward=1.0))
    lines = [
        line.model_copy(update={"judgement": line.judgement.model_copy(update={"status": "error"})})
        for line in judged(runs, {"modify_user_address": 0.9})
    ]
    scores = score_replay(runs, lines, SOURCE)
    assert scores.cost.failed == len(lines)
    assert scores.writes["clean"]["all"].auroc == 0.5


def test_a_verdict_without_a_risk_counts_as_all_or_nothing(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(WRONG)), simulation(chat(RIGHT), reward=1.0))
    lines = [
        line.model_copy(update={"judgement": line.judgement.model_copy(update={"risk": None})})
        for line in judged(runs, {"modify_user_address": 0.9})
    ]
    assert score_replay(runs, lines, SOURCE).writes["clean"]["all"].auroc == 1.0


def test_order_does_not_matter(tmp_path: Path) -> None:
    runs = runs_of(tmp_path, simulation(chat(RIGHT, WRONG)), simulation(chat(RIGHT), reward=1.0))
    lines = judged(runs, {"modify_user_address": 0.9, "final": 0.2})
    assert score_replay(runs, lines, SOURCE) == score_replay(runs[::-1], lines[::-1], SOURCE)


def test_the_cost_is_per_verdict(tmp_path: Path) -> None:
    scores = scored(runs_of(tmp_path, simulation(chat(RIGHT))), {})
    assert scores.cpu_ms_per_verdict == pytest.approx(2.0)
    assert (scores.cost.verdicts, scores.cost.input_tokens) == (2, 100)


# --- labels --------------------------------------------------------------------------------


def test_a_bad_label_is_named_by_its_line(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    file.write_text('\n{"file": "a", "simulation": 0, "tool": "t", "arguments": {}}\n')
    with pytest.raises(ConfigError, match=r"line 2: detectable"):
        read_labels_file(file)


def test_a_label_finds_its_write_whatever_the_order_of_the_arguments(tmp_path: Path) -> None:
    file = tmp_path / "labels.jsonl"
    backwards = dict(reversed(CANCEL.items()))
    label = {"file": "a", "simulation": 0, "tool": "cancel_pending_order"}
    file.write_text(json.dumps({**label, "arguments": backwards, "detectable": True, "why": ""}))
    assert read_labels_file(file).readers == {
        ("a", 0, normal_form("cancel_pending_order", CANCEL)): True
    }
    assert ORDER in normal_form("cancel_pending_order", CANCEL)
