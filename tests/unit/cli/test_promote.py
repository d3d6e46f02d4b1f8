"""`critics` and `promote` after rounds on the shop: figures, reasons, hostile data."""

import json
from pathlib import Path

import pytest

from sidecritic.critics.head_weights import read_weights, to_json
from sidecritic.critics.registry import read_registry
from sidecritic.labelling.store import LABELS_FILE, read_labels
from sidecritic.runs import TRAJECTORIES_FILE, read_run
from sidecritic.trace import to_line
from sidecritic.workflows.training import head_from_runs
from tests.unit.cli.commands import Json, answer, run
from tests.unit.cli.commands import last_complaint as complaint

HELD = "out/held-back/shop"
PROMOTION = (
    *("--runs", HELD, "--tasks", "tasks.jsonl"),
    *("--registry", "out/critics.json", "--margins", "margins.toml"),
)


def test_a_worse_critic_is_refused_with_reasons_and_exit_code_1(here: Json) -> None:
    blind = read_weights(Path("out/round-1/train/head-r1.json")).model_copy(
        update={"name": "blind", "cells": {}}
    )
    cell = next(iter(read_weights(Path("out/round-1/train/head-r1.json")).cells["shop"].values()))
    deaf = cell.model_copy(update={"against": dict.fromkeys(cell.against, 0.0), "tools": {}})
    blind = blind.model_copy(update={"cells": {"shop": {"write": deaf, "final": deaf}}})
    Path("blind.json").write_text(to_json(blind))
    registry = ("--registry", "out/critics.json")
    answer("critics", "add", "blind", "blind.json", *registry, "--parent", "head-r1")
    decision = answer("promote", "blind", "--over", "head-r1", *PROMOTION, exit_code=1)
    assert not decision["promoted"]
    assert any("AUROC is lower" in reason for reason in decision["reasons"])
    entry = read_registry(Path("out/critics.json")).critics["blind"]
    assert entry.status == "refused"
    assert list(entry.reasons) == decision["reasons"]


def test_the_same_critic_is_no_gain(here: Json) -> None:
    registry = ("--registry", "out/critics.json")
    answer("critics", "add", "twin", "out/round-1/train/head-r1.json", *registry)
    words = ("critics", "promote", "twin", "--over", "head-r1", *PROMOTION)
    decision = answer(*words, exit_code=1)
    assert "no gain: both critics have the same weights" in decision["reasons"]


def test_promotion_refuses_tasks_that_a_critic_has_learned_from(here: Json) -> None:
    lesson = "out/round-1/label/r1-shop-alone"
    words = ("--runs", lesson, "--tasks", "tasks.jsonl", "--registry", "out/critics.json")
    decision = answer("promote", "head-r2", "--over", "head-r1", *words, exit_code=1)
    assert any("not held out" in reason for reason in decision["reasons"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("promote",), "promote a critic with NEW --over OLD"),
        (("promote", "head-r1", "--registry", "out/critics.json"), "say over which critic"),
        (("promote", "x", "--over", "none", *PROMOTION), "no critic 'x'; known: head-r1, head-r2"),
        (("critics", "show", "x"), "cannot read the registry of critics critics.json"),
        (("critics", "add", "a/b", "blind.json"), "cannot read the weights blind.json"),
    ],
)
def test_what_promotion_cannot_do_is_said_in_one_line(
    here: Json, words: tuple[str, ...], said: str
) -> None:
    assert said in complaint(*words)


def test_a_supervised_run_is_no_evidence(here: Json) -> None:
    supervised = next(Path("out/held-back/critics").glob("head_r1*/shop"))
    words = ("--runs", str(supervised), "--registry", "out/critics.json")
    line = complaint("promote", "head-r2", "--over", "head-r1", *words)
    assert "was supervised by" in line


# --- hostile data --------------------------------------------------------------------------


def poison(directory: Path, *, marked: bool) -> None:
    """Add to a run a tenth of its episodes again, under other names, each label turned round."""
    run_, labels = read_run(directory), read_labels(directory)
    chosen = run_.trajectories[:: max(1, min(10, len(run_.trajectories) // 2))]
    ids = {t.id: f"poison-{t.id}" for t in chosen}
    with (directory / TRAJECTORIES_FILE).open("a") as file:
        for t in chosen:
            file.write(to_line(t.model_copy(update={"id": ids[t.id], "trial": t.trial + 100})))
    with (directory / LABELS_FILE).open("a") as file:
        for label in labels:
            if label.trajectory in ids:
                turned = {"trajectory": ids[label.trajectory], "wrong": not label.wrong}
                file.write(label.model_copy(update=turned).model_dump_json() + "\n")
    if marked:
        (directory / "hostile.txt").write_text("".join(f"{id_}\n" for id_ in ids.values()))


@pytest.mark.parametrize("marked", [True, False])
def test_poison_that_is_marked_as_hostile_does_not_move_the_decision(
    here: Json, marked: bool
) -> None:
    words = ("promote", "head-r1", "--over", "none", *PROMOTION)
    clean = answer(*words, "--out", "clean")
    poison(Path(HELD), marked=marked)
    result = run(*words, "--out", "poisoned", "--json")
    assert (json.loads(result.stdout) == clean) == marked


@pytest.mark.parametrize("marked", [True, False])
def test_nothing_is_learned_from_what_is_marked_as_hostile(here: Json, marked: bool) -> None:
    lesson = Path("out/round-1/label/r1-shop-alone")
    clean = head_from_runs([lesson]).weights
    poison(lesson, marked=marked)
    assert (head_from_runs([lesson]).weights.cells == clean.cells) == marked
