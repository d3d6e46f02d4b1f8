"""`sidecritic replay` on chat logs: what would the critic have caught, and what disturbed?"""

import json
from pathlib import Path

import pytest

from tests.library import POLICY, TOOLS, batch, renewal, written
from tests.unit.cli.commands import answer, last_complaint, run

KEYS = {"n", "wrong", "auroc", "auroc_ci", "recall_at_fpr"}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bad = renewal("bad", loan="B-9", verdict="wrong")
    written(tmp_path / "chats.jsonl", renewal("good"), bad, batch())
    (tmp_path / "policy.md").write_text(POLICY)
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    monkeypatch.chdir(tmp_path)


DESK = ("--policy", "policy.md", "--tools", "tools.json", "--workers", "1")


def test_the_contract_holds_on_chat_logs() -> None:
    scores = answer("replay", "chats.jsonl", *DESK, "--critic", "none")
    assert scores["simulations"] == 3
    assert scores["writes"]["labelled"].keys() == {"all", "library", "library:night"}
    assert scores["writes"]["labelled"]["all"].keys() >= KEYS
    assert (scores["writes"]["labelled"]["all"]["n"], scores["malformed"]) == (4, 0)
    assert scores["decided"]["all"]["caught"]["of"] == 3
    assert scores["decided"]["library:night"]["disturbed"] == {
        "n": 0,
        "of": 1,
        "share": {"value": 0.0, "ci": [0.0, 0.0]},
    }


def test_a_person_reads_what_was_caught_and_disturbed_and_then_each_case() -> None:
    asked = ("--critic", "policy", "--pack", "sidecritic.packs.shop:SHOP")
    done = run("replay", "chats.jsonl", *DESK, *asked)
    assert done.exit_code == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "wrong ones caught" in shown
    assert "8 labels: 5 right, 3 wrong." in shown
    assert "caught: bad, turn 1, renew_loan" in shown
    assert "Label: the user named B-7 Critic: " in shown
    assert "All wrong writes" not in shown


def test_control_characters_of_a_log_do_not_reach_the_terminal(tmp_path: Path) -> None:
    chat = renewal("na\x1b[2Jme", verdict="wrong")
    chat["labels"][1]["why"] = "\x1b]0;owned\x07"
    written(tmp_path / "chats.jsonl", chat)
    done = run("replay", "chats.jsonl", *DESK, "--critic", "none")
    assert done.exit_code == 0, done.stderr
    assert "\x1b" not in done.stdout
    assert "\x07" not in done.stdout


def test_logs_without_a_label_are_bad_input(tmp_path: Path) -> None:
    written(tmp_path / "chats.jsonl", {**renewal(), "labels": []})
    said = last_complaint("replay", "chats.jsonl", *DESK, "--critic", "none")
    assert "none of the 1 conversations has a label" in said
    assert '"label": "wrong"' in said


def test_a_replay_is_resumed_by_whatever_its_files_are_called_then(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    written(tmp_path / "night" / "chats.jsonl", batch("other"))
    asked = (*DESK, "--critic", "none", "--out", "judged.jsonl")
    both = answer("replay", "chats.jsonl", "night/chats.jsonl", *asked)
    before = (tmp_path / "judged.jsonl").read_text()
    alone = answer("replay", "night/chats.jsonl", *asked)
    assert (both["simulations"], alone["simulations"]) == (4, 1)
    assert alone["cost"]["verdicts"] == 1
    assert (tmp_path / "judged.jsonl").read_text() == before


def test_a_judgement_that_may_be_of_several_files_is_bad_input(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    written(tmp_path / "night" / "chats.jsonl", batch("other"))
    asked = (*DESK, "--critic", "none", "--out", "judged.jsonl")
    answer("replay", "chats.jsonl", *asked)
    said = last_complaint("replay", "chats.jsonl", "night/chats.jsonl", *asked)
    assert "the file chats.jsonl may be any of night/chats.jsonl" in said
