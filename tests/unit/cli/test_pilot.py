"""`pilot`, and what `promote --route` makes of it."""

import json
from pathlib import Path

import pytest

from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord
from sidecritic.trace import to_line
from tests.rounds import BRIEFINGS, graded, trajectory
from tests.unit.cli.commands import answer, complaint, run


def run_of(folder: Path, critic: str, passes: int, *, of: int = 40) -> str:
    folder.mkdir()
    record = RunRecord(
        command="sidecritic eval",
        settings={"critic": critic},
        episodes=of,
        versions={},
        briefings=BRIEFINGS,
    )
    (folder / RUN_FILE).write_text(record.model_dump_json())
    lines = [to_line(trajectory(f"t{n}", end=graded(n < passes))) for n in range(of)]
    (folder / TRAJECTORIES_FILE).write_text("".join(lines))
    return str(folder)


def export_of(file: Path, *verdicts: tuple[str, str]) -> str:
    rows = [
        {
            "id": f"r{n}.0.0",
            "request": f"r{n}",
            "choice": 0,
            "turn": 0,
            "attempt": 0,
            "tenant": "t",
            "route": "desk",
            "mode": "shadow",
            "fate": "released",
            "verdict": verdict,
            "digest": str(n),
            "critic": "policy",
            "label": label,
            "as_label": None,
            "content": None,
            "actor_seconds": 0.1,
        }
        for n, (verdict, label) in enumerate(verdicts)
    ]
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(file)


def test_two_runs_are_weighed_and_what_was_simulated_is_said(tmp_path: Path) -> None:
    alone = run_of(tmp_path / "alone", "none", 10)
    supervised = run_of(tmp_path / "supervised", "default", 30)
    found = answer("pilot", alone, supervised)
    assert (found["verdict"], found["basis"]) == ("enforce", "runs")
    assert found["simulated"] == ["actor", "user"]
    assert found["margin"]["ci"][0] > 0
    shown = run("pilot", supervised, alone).stdout
    assert "Pilot: enforce (simulated actor, simulated user)" in shown


def test_an_export_of_shadow_decisions_is_weighed_by_assumed_rates(tmp_path: Path) -> None:
    lines = [*[("revise", "right")] * 20, *[("approve", "right")] * 40]
    file = export_of(tmp_path / "decisions.jsonl", *lines)
    found = answer("pilot", file)
    assert found["verdict"] == "stay in shadow"
    assert set(found["assumed"].values()) == {0.21, 1.0}
    generous = answer("pilot", file, "--repair", "0.5", "--spoil", "0.01")
    assert set(generous["assumed"].values()) == {0.5, 0.01}
    assert "0.21 is assumed, not measured" in " ".join(run("pilot", file).stdout.split())


def test_what_replay_printed_is_weighed(tmp_path: Path) -> None:
    file = tmp_path / "replay.json"
    decided = {"caught": {"n": 9, "of": 9}, "disturbed": {"n": 0, "of": 10}}
    file.write_text(json.dumps({"simulations": 8, "decided": {"all": decided}}))
    found = answer("pilot", str(file), "--repair", "0.21")
    assert (found["verdict"], found["labels"], found["conversations"]) == (
        "not enough labels",
        19,
        8,
    )
    assert found["more"] > 0


def test_shares_that_are_assumed_to_be_nothing_settle_nothing(tmp_path: Path) -> None:
    file = export_of(tmp_path / "d.jsonl", ("revise", "right"), ("approve", "wrong"))
    found = answer("pilot", file, "--repair", "0", "--spoil", "0")
    assert (found["verdict"], found["break_even"]["value"]) == ("not enough labels", None)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["alone"], "no episode with the critic"),
        (["alone", "d.jsonl"], "sources of several kinds"),
        (["alone", "one", "two"], "runs of several critics: one, two"),
        (["nothing.jsonl"], "cannot read"),
        (["d.jsonl", "--route", "other"], "no decision was judged"),
        (["broken.json"], "give what `sidecritic replay --json` printed"),
    ],
)
def test_sources_that_say_nothing_are_refused_with_the_reason(
    names: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for critic, folder in {"none": "alone", "one": "one", "two": "two"}.items():
        run_of(tmp_path / folder, critic, 3, of=4)
    export_of(tmp_path / "d.jsonl", ("revise", "wrong"))
    (tmp_path / "broken.json").write_text("[]")
    assert said in complaint("pilot", *names)
