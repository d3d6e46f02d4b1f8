"""What a head learns, from what, and how it is measured on users that it has not seen."""

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.critics.head import call_risks
from sidecritic.critics.head_weights import Cell, logit, read_weights
from sidecritic.envs.tau2.benchmark import GREETING
from sidecritic.recordings import load
from sidecritic.training.examples import Example, folds_of, judged_runs
from sidecritic.training.regression import GRID, Design, Shrinkage, choose
from sidecritic.types import Flag
from tests.recordings import CANCEL, Json, called, results, said, simulation, task

MILD = Shrinkage(flags=2.0, tools=None)


def example(
    *names: str, wrong: bool, user: str = "u", tool: str = "put", knowable: bool = True
) -> Example:
    flags = {name: Flag(name=name, risk=0.5) for name in names}
    return Example("d", "write", tool, flags, wrong, user, knowable)


QUIET = [example(wrong=at < 10, user=f"u{at % 20}") for at in range(100)]


def fitted(*more: Example, shrinkage: Shrinkage = MILD) -> Cell:
    design = Design([*QUIET, *more])
    return design.cell(design.everything, shrinkage)


def prior_of(cell: Cell) -> float:
    return cell.prior(Flag(name="x", risk=0.5))


# --- fitting -------------------------------------------------------------------------------


def test_a_flag_of_wrong_actions_gains_weight_and_one_of_right_actions_loses_it() -> None:
    wrong = [example("telling", wrong=True) for _ in range(12)]
    right = [example("idle", wrong=False) for _ in range(40)]
    cell = fitted(*wrong, *right)
    assert cell.against["telling"] > prior_of(cell) > cell.against["idle"]
    assert cell.against["idle"] >= 0


def test_a_flag_that_was_seen_once_keeps_nearly_its_prior() -> None:
    cell = fitted(example("rare", wrong=True), *[example("often", wrong=True) for _ in range(30)])
    prior = prior_of(cell)
    assert 0 < cell.against["rare"] - prior < (cell.against["often"] - prior) / 3


def test_no_weight_is_negative_however_wrong_its_check() -> None:
    loose = Shrinkage(flags=0.01, tools=None)
    cell = fitted(*[example("absurd", wrong=False) for _ in range(500)], shrinkage=loose)
    assert cell.against["absurd"] == 0


def test_wrong_actions_that_nobody_could_have_known_teach_nothing() -> None:
    unknowable = [example("odd", wrong=True, knowable=False) for _ in range(50)]
    seen = fitted(example("odd", wrong=False), *unknowable)
    unseen = fitted(example("odd", wrong=False))
    assert seen == unseen


def test_tools_have_an_offset_where_it_is_allowed() -> None:
    erasures = [example(wrong=True, tool="erase") for _ in range(20)]
    allowed = fitted(*erasures, shrinkage=Shrinkage(2.0, 3.0))
    assert allowed.tools["erase"] > 0.5 > allowed.tools["put"]
    assert fitted(*erasures).tools == {}


def test_a_flag_alone_is_as_risky_as_its_prior_says_where_nothing_was_learned() -> None:
    cell = fitted()
    assert cell.base == 0.1
    assert logit(cell.base) + prior_of(cell) == pytest.approx(0)


def test_the_shrinkage_is_strong_when_the_runs_say_nothing() -> None:
    design = Design(QUIET)
    assert choose(design, design.everything) == GRID[0]


def test_the_order_of_examples_does_not_matter() -> None:
    more = [example("a", wrong=True), example("b", wrong=False), example("a", "b", wrong=True)]
    assert fitted(*more) == fitted(*more[::-1])


@given(st.sets(st.text(min_size=1), min_size=1), st.integers(2, 10))
def test_folds_are_of_equal_size_and_depend_on_the_users_alone(users: set[str], n: int) -> None:
    folds = folds_of(users, n)
    sizes = np.bincount(list(folds.values()), minlength=n)
    assert max(sizes) - min(sizes) <= 1
    assert folds == folds_of(sorted(users) * 2, n)


def test_a_single_call_needs_no_risk_of_its_own() -> None:
    assert call_risks({"a": 0.5}) == {}
    assert call_risks({"a": 0.5, "b": 0.1}) == {"a": 0.5, "b": 0.1}


# --- the command ---------------------------------------------------------------------------


def conversation(user: str, *, asked: bool) -> list[Json]:
    """A cancellation, with or without a question before it."""
    question = [
        said(
            "assistant",
            "I will cancel order #W5918442, as it is no longer needed. Do you agree (yes/no)?",
        ),
        said("user", "Yes, please."),
    ]
    return [
        said("assistant", GREETING),
        said("user", f"I am {user}. Something is not right with my order."),
        *(question if asked else []),
        *called("cancel_pending_order", CANCEL, "{}"),
        said("assistant", "Done. Is there anything else?"),
        said("user", "###STOP###"),
    ]


def recorded(folder: Path) -> tuple[Path, Path]:
    """Write runs in which those who do not ask are wrong, and the labels of the wrong writes."""
    gold: Json = {"name": "cancel_pending_order", "arguments": CANCEL}
    file, labels = folder / "runs.json", folder / "labels.jsonl"
    runs: list[Json] = []
    tasks: list[Json] = []
    lines: list[str] = []
    for at, (number, right) in enumerate(product(range(12), (True, False))):
        user = f"anna_smith_{1000 + number}"
        tasks.append({**task(*([gold] if right else [])), "id": str(200 + at)})
        tasks[-1]["user_scenario"] = {"instructions": f"You are {user}."}
        made = conversation(user, asked=right)
        runs.append(simulation(made, reward=float(right), task_id=str(200 + at), id=str(at)))
        label = {"file": "runs.json", "simulation": at, "tool": "cancel_pending_order"}
        if not right:
            lines.append(json.dumps({**label, "arguments": CANCEL, "detectable": True}))
    file.write_text(json.dumps(results(*runs, tasks=tasks)))
    labels.write_text("\n".join(lines))
    return file, labels


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, list(map(str, words)), catch_exceptions=False)


def trained(folder: Path) -> tuple[Result, Path]:
    file, labels = recorded(folder)
    out = folder / "w.json"
    words = ["train", "--kind", "head", file, "--labels", labels, "--out", out, "--workers", "1"]
    return run(*words, "--json"), out


def test_training_writes_weights_and_measures_them_on_unseen_users(tmp_path: Path) -> None:
    result, out = trained(tmp_path)
    assert result.exit_code == 0
    printed, weights = json.loads(result.stdout), read_weights(out)
    assert printed["digest"] == weights.digest
    assert (weights.data.runs, weights.data.users) == (24, 12)
    assert (weights.cells["retail"]["write"].right, weights.cells["retail"]["write"].wrong) == (
        12,
        12,
    )
    found = printed["cv"]["writes"]["detectable"]["retail"]
    assert (found["n"], found["wrong"], found["auroc"]) == (24, 12, 1.0)
    assert "anna" not in out.read_text()


def test_the_same_runs_give_the_same_bytes(tmp_path: Path) -> None:
    made: list[bytes] = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        made.append(trained(tmp_path / name)[1].read_bytes())
    assert made[0] == made[1]


def test_replay_cross_validates_a_critic_that_learns(tmp_path: Path) -> None:
    file, labels = recorded(tmp_path)
    words = ["replay", file, "--critic", "head", "--labels", labels, "--workers", "1"]
    printed = json.loads(run(*words, "--json").stdout)
    assert printed["cv"]["folds"] == 10
    assert set(printed["cv"]["writes"]) == {"detectable", "clean", "raw"}
    assert set(printed["cv"]["end"]) >= {"clean", "raw"}
    assert printed["cv"]["writes"]["clean"]["all"]["n"] == printed["writes"]["clean"]["all"]["n"]
    assert printed["cv"]["end"]["clean"]["all"]["n"] == printed["end"]["clean"]["all"]["n"]


def test_a_tool_that_the_judging_pack_holds_for_harmless_teaches_nothing(tmp_path: Path) -> None:
    file, _ = recorded(tmp_path)
    runs = load([file]).runs

    def writing(harmless: frozenset[str] | None) -> set[str]:
        judged = judged_runs(runs, (), harmless)
        parts = [part for run in judged for each in run.parts.values() for part in each]
        return {part.tool for part in parts if part.kind == "write"}

    assert writing(None) == {"cancel_pending_order"}
    assert writing(frozenset({"cancel_pending_order"})) == set()


def test_replay_of_other_critics_and_without_labels_is_not_cross_validated(tmp_path: Path) -> None:
    file, labels = recorded(tmp_path)
    for words in (["--critic", "policy", "--labels", labels], ["--critic", "default"]):
        printed = json.loads(run("replay", file, *words, "--workers", "1", "--json").stdout)
        assert printed["cv"] is None


@pytest.mark.parametrize(
    ("flag", "value", "complaint"),
    [
        ("--kind", "hat", "unknown kind 'hat'; known: head"),
        ("--labels", "none.jsonl", "none.jsonl"),
        ("--out", ".", "cannot write"),
    ],
)
def test_bad_input_is_one_line(flag: str, value: str, complaint: str, tmp_path: Path) -> None:
    file, labels = recorded(tmp_path)
    given = {"--labels": str(labels), "--out": str(tmp_path / "w.json"), flag: value}
    flat = [word for pair in given.items() for word in pair]
    result = run("train", file, *flat, "--workers", "1", "--json")
    assert result.exit_code == 2
    assert complaint in result.stderr
    assert result.stdout == ""


def test_runs_that_tell_nothing_are_bad_input(tmp_path: Path) -> None:
    file, labels = recorded(tmp_path)
    of_another: dict[str, object] = {
        "file": "x",
        "simulation": 0,
        "tool": "t",
        "arguments": {},
        "detectable": True,
    }
    labels.write_text(json.dumps(of_another))
    made = json.loads(file.read_text())
    made["simulations"] = made["simulations"][:1]
    file.write_text(json.dumps(made))
    out = tmp_path / "w.json"
    result = run("train", file, "--labels", labels, "--out", out, "--workers", "1")
    assert (result.exit_code, out.exists()) == (2, False)
    assert "nothing to learn from" in result.stderr
