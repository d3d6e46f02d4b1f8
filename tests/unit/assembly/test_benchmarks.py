"""Benchmarks as commands: what they take by default, and when they fail."""

import sys
from pathlib import Path
from typing import Any

import pytest
from benchmarks import critic_faults, critic_signals
from benchmarks.critic_faults import Verdict, table
from benchmarks.recorded import Missing, recorded_runs

from sidecritic.types import Fault


def recorded(root: Path) -> Path:
    (root / "dev").mkdir(parents=True)
    (root / "sealed").mkdir()
    for file in ("dev/b.json.gz", "dev/a.json.gz", "sealed/c.json.gz", "dev_labels.jsonl"):
        (root / file).write_bytes(b"")
    return root


def test_recorded_runs_are_the_dev_files_of_the_folder_that_the_environment_names(
    tmp_path: Path,
) -> None:
    root = recorded(tmp_path / "runs")
    found = recorded_runs((), None, {"SIDECRITIC_RECORDED": str(root)})
    assert [file.name for file in found.files] == ["a.json.gz", "b.json.gz"]
    assert found.labels == root / "dev_labels.jsonl"


def test_files_that_are_named_go_before_the_environment(tmp_path: Path) -> None:
    root, other = recorded(tmp_path / "runs"), recorded(tmp_path / "other")
    named = [root / "dev" / "a.json.gz"]
    environment = {"SIDECRITIC_RECORDED": str(other)}
    assert recorded_runs(named, None, environment).labels == root / "dev_labels.jsonl"
    own = other / "dev_labels.jsonl"
    assert recorded_runs(named, own, environment).labels == own


def test_labels_that_are_missing_are_named(tmp_path: Path) -> None:
    root = recorded(tmp_path / "runs")
    (root / "dev_labels.jsonl").unlink()
    with pytest.raises(Missing, match=r"dev_labels.jsonl; name them with --labels"):
        recorded_runs((), None, {"SIDECRITIC_RECORDED": str(root)})


def test_signals_without_recorded_runs_say_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIDECRITIC_RECORDED", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["critic_signals"])
    assert critic_signals.main() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "set SIDECRITIC_RECORDED to the folder that holds dev/" in printed.err


# --- simulated mistakes --------------------------------------------------------------------


def verdict(number: int, *, wrong: bool, refused: bool, task: str = "0") -> Verdict:
    fault = Fault(kind="wrong_value", step=number) if wrong else None
    return Verdict(
        episode=("tau2:retail", task, 0),
        writes=True,
        faults=(fault,) if fault else (),
        refused=refused,
        category="",
        action=(f"write {number}",),
    )


def verdicts(*, caught: int, missed: int, right: int, alarms: int) -> list[Verdict]:
    flags = [(True, True)] * caught + [(True, False)] * missed
    flags += [(False, False)] * right + [(False, True)] * alarms
    return [verdict(n, wrong=wrong, refused=refused) for n, (wrong, refused) in enumerate(flags)]


@pytest.mark.parametrize(
    ("counts", "met"),
    [
        ({"caught": 90, "missed": 10, "right": 98, "alarms": 2}, True),
        ({"caught": 89, "missed": 11, "right": 98, "alarms": 2}, False),
        ({"caught": 90, "missed": 10, "right": 97, "alarms": 3}, False),
        ({"caught": 0, "missed": 0, "right": 98, "alarms": 0}, False),
        ({"caught": 9, "missed": 0, "right": 0, "alarms": 0}, False),
    ],
)
def test_the_target_takes_recall_and_few_false_alarms(counts: dict[str, int], met: bool) -> None:
    found: dict[str, Any] = table(verdicts(**counts))
    assert found["target"] == {"recall": 0.9, "false_alarm_rate_clean": 0.02, "met": met}


def test_false_alarms_of_noisy_tasks_are_told_and_do_not_miss_the_target() -> None:
    found = verdicts(caught=9, missed=1, right=100, alarms=0)
    noisy = [verdict(500 + n, wrong=False, refused=True, task="59") for n in range(10)]
    counted = table([*found, *noisy])
    assert counted["writes"]["false_alarms"] == 10
    assert counted["target"]["met"]


@pytest.mark.parametrize(("missed", "code"), [(1, 0), (2, 1)])
def test_a_missed_target_is_printed_and_is_the_exit_code(
    missed: int, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = table(verdicts(caught=9, missed=missed, right=10, alarms=0))
    assert critic_faults.shown(found, as_json=False) == code
    printed = capsys.readouterr().out
    assert ("MISSED" in printed) == bool(code)
    assert "wrong_value" in printed
