"""A head that learns from runs of simulated actors, and from labels beside a run."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.critics.head_weights import read_weights
from sidecritic.errors import ConfigError
from sidecritic.labelling.label import Label
from sidecritic.runs import read_run
from sidecritic.trace import Proposed
from sidecritic.training.examples import Example
from sidecritic.training.own import LABELS_FILE
from sidecritic.training.regression import Design, Shrinkage
from sidecritic.types import Flag
from sidecritic.workflows.training import head_from_runs, lessons_from

MILD = Shrinkage(flags=2.0, tools=None)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "shop"
    words = [
        "eval",
        "--env",
        "shop",
        "--split",
        "train",
        "--trials",
        "6",
        "--actor",
        "simulated",
        "--user",
        "scripted",
    ]
    result = run(*words, "--critic", "none", "--gate", "all", "--fault-rate", "0.9", "--out", out)
    assert result.exit_code == 0
    return out


def example(*names: str, wrong: bool, own: bool, weight: float = 1.0) -> Example:
    flags = {name: Flag(name=name, risk=0.5) for name in names}
    return Example("d", "write", "put", flags, wrong, "u", weight=weight, own=own)


def test_planted_faults_are_wrong_and_other_writes_are_right(played: Path) -> None:
    taught = lessons_from([played], test_users=True)
    faulty = {
        (event.completion.message.calls[0].name)
        for trajectory in read_run(played).trajectories
        for event in trajectory.events
        if isinstance(event, Proposed)
        and event.completion.faults
        and event.completion.message.calls
    }
    wrong = {e.tool for e in taught.examples if e.wrong and e.kind == "write"}
    assert wrong == {tool for tool in faulty if not tool.startswith("transfer")}
    assert {e.wrong for e in taught.examples if e.kind == "write"} == {True, False}
    assert taught.simulated == {"actor", "user"}


def test_own_runs_alone_make_a_head(played: Path) -> None:
    made = head_from_runs([played], name="round-1", test_users=True)
    assert made.weights.name == "round-1"
    assert made.weights.data.simulated == ("actor", "user")
    assert set(made.weights.cells) == {"shop"}


def test_the_command_needs_no_recorded_files(played: Path, tmp_path: Path) -> None:
    out = tmp_path / "w.json"
    words = ["train", "--kind", "head", "--runs", played, "--out", out, "--workers", "1", "--json"]
    refused = run(*words)
    assert refused.exit_code == 2
    assert "who is in a test task" in refused.stderr, "every user of the shop is in one"
    printed = json.loads(run(*words, "--test-users").stdout)
    assert printed["digest"] == read_weights(out).digest
    own = printed["own"]["shop"]
    assert 0 < own["caught"] <= own["wrong"]
    assert own["false_alarms"] <= own["right"]


def test_without_files_and_runs_there_is_nothing_to_learn(tmp_path: Path) -> None:
    result = run("train", "--kind", "head", "--out", tmp_path / "w.json")
    assert result.exit_code == 2
    assert "nothing to learn from" in result.stderr


def test_a_label_beside_a_run_outweighs_the_planted_fault(played: Path, tmp_path: Path) -> None:
    before = {e.wrong for e in lessons_from([played], test_users=True).examples}
    assert before == {True, False}
    labels = [
        Label(
            trajectory=trajectory.id,
            env=trajectory.task.env,
            task_id=trajectory.task.id,
            turn=event.turn,
            attempt=event.attempt,
            wrong=True,
            source="human",
            weight=0.5,
        )
        for trajectory in read_run(played).trajectories
        for event in trajectory.events
        if isinstance(event, Proposed)
    ]
    copy = tmp_path / "labelled"
    copy.mkdir()
    for name in ("run.json", "trajectories.jsonl"):
        (copy / name).write_bytes((played / name).read_bytes())
    (copy / LABELS_FILE).write_text("".join(f"{one.model_dump_json()}\n" for one in labels))
    after = lessons_from([copy], weight=1.0, test_users=True).examples
    assert {(e.wrong, e.weight) for e in after} == {(True, 0.5)}
    opinions = (one.model_copy(update={"source": "rule"}) for one in labels)
    (copy / LABELS_FILE).write_text("".join(f"{one.model_dump_json()}\n" for one in opinions))
    assert {e.wrong for e in lessons_from([copy], test_users=True).examples} == {True, False}, (
        "a check's opinion"
    )


def test_a_broken_label_and_a_folder_without_a_run_are_named(played: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no run in"):
        lessons_from([tmp_path])
    for name in ("run.json", "trajectories.jsonl"):
        (tmp_path / name).write_bytes((played / name).read_bytes())
    (tmp_path / LABELS_FILE).write_text("{}\n")
    with pytest.raises(ConfigError, match="line 1: trajectory: Field required"):
        lessons_from([tmp_path])


def test_how_often_a_simulated_actor_errs_moves_neither_base_nor_intercept() -> None:
    recorded = [example(wrong=at < 10, own=False) for at in range(100)]
    own = [example(wrong=at < 90, own=True) for at in range(100)]
    alone, both = (Design(found) for found in (recorded, [*recorded, *own]))
    before = alone.cell(alone.everything, MILD)
    after = both.cell(both.everything, MILD)
    assert after.base == before.base == 0.1
    assert after.intercept == pytest.approx(before.intercept, abs=0.01)


def test_a_flag_of_own_runs_gains_weight_the_more_they_count() -> None:
    recorded = [example(wrong=at < 10, own=False) for at in range(100)]
    found: list[float] = []
    for weight in (0.1, 1.0):
        own = [example("f", wrong=True, own=True, weight=weight) for _ in range(20)]
        own += [example(wrong=False, own=True, weight=weight) for _ in range(20)]
        design = Design([*recorded, *own])
        found.append(design.cell(design.everything, MILD).against["f"])
    assert found[0] < found[1]
