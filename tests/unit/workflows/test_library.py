"""Workflows are a library: they need no command line, and speak only to their watcher."""

from pathlib import Path

import pytest

from sidecritic.settings.evaluation import Settings
from sidecritic.workflows.evaluation import compare_runs, evaluate
from sidecritic.workflows.labellers import LabelRequest
from sidecritic.workflows.labels import label_runs
from sidecritic.workflows.watchers import Watcher


class Heard(Watcher):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def settings(out: Path, critic: str) -> Settings:
    return Settings(env=("shop",), limit=2, critic=critic, out=str(out))


def test_a_workflow_prints_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    alone = evaluate(settings(tmp_path / "alone", "none"))
    supervised = evaluate(settings(tmp_path / "supervised", "policy"))
    assert (alone.graded, supervised.graded) == (2, 2)
    assert compare_runs(tmp_path / "alone", tmp_path / "supervised").paired
    assert label_runs([tmp_path / "alone"], LabelRequest(sources=("fault", "outcome"))).counted
    assert capsys.readouterr() == ("", "")


def test_what_is_worth_saying_reaches_the_watcher(tmp_path: Path) -> None:
    evaluate(settings(tmp_path, "none"))
    with (tmp_path / "trajectories.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    heard = Heard()
    evaluate(settings(tmp_path, "none"), watcher=heard)
    assert any("not a trajectory" in line or "schema" in line for line in heard.lines), heard.lines
