"""`train --kind head --chats`: a head from labelled conversations of one's own agent."""

import json
from pathlib import Path

import pytest

from sidecritic.critics.head_weights import read_weights
from tests.library import POLICY, TOOLS, Json, calls, renewal, written
from tests.unit.cli.commands import answer, last_complaint

DESK = ("--policy", "policy.md", "--tools", "tools.json", "--workers", "1")


def conversations(right: int, wrong: int) -> list[Json]:
    """Wrong ones pay a fine of which no amount was named, against the tool's schema."""
    good = [renewal(f"r{n}") for n in range(right)]
    bad = [renewal(f"w{n}", verdict="wrong") for n in range(wrong)]
    for chat in bad:
        chat["messages"][4] = calls(("c2", "pay_fine", {"card": "X-9917", "cents": "much"}))
    return [{**each, "user": each["id"]} for each in (*good, *bad)]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "policy.md").write_text(POLICY)
    (tmp_path / "tools.json").write_text(json.dumps(TOOLS))
    monkeypatch.chdir(tmp_path)


def test_labelled_chats_become_weights_of_their_domain() -> None:
    written(Path("chats.jsonl"), *conversations(30, 15))
    made = answer("train", "--kind", "head", "--chats", "chats.jsonl", *DESK, "--out", "w.json")
    weights = read_weights(Path("w.json"))
    assert weights.digest == made["digest"]
    assert set(weights.cells) == {"library"}
    held = made["own"]["library"]
    assert (held["wrong"], held["right"]) == (15, 30)
    assert held["caught"] > 0.5 * held["wrong"]
    assert held["false_alarms"] <= 0.1 * held["right"]


def test_labels_may_stand_in_a_file_beside_the_chats() -> None:
    chats = conversations(30, 15)
    opinions: list[Json] = [
        {"trajectory": chat["id"], "turn": 1, "call_id": "c2", "wrong": chat["id"][0] == "w"}
        for chat in chats
    ]
    written(Path("chats.jsonl"), *[chat | {"labels": list[Json]()} for chat in chats])
    written(Path("labels.jsonl"), *opinions)
    words = ("train", "--chats", "chats.jsonl", *DESK, "--out", "w.json")
    assert "has a label" in last_complaint(*words)
    made = answer(*words, "--labels", "labels.jsonl")
    assert (made["own"]["library"]["wrong"], made["data"]["users"]) == (15, 45)


def test_too_few_labels_are_said_with_what_is_needed() -> None:
    written(Path("chats.jsonl"), *conversations(5, 2))
    said = last_complaint("train", "--chats", "chats.jsonl", *DESK, "--out", "w.json")
    assert "10 right and 4 wrong writes and last messages" in said
    assert "at least 20 right and 10 wrong" in said
    assert not Path("w.json").exists()


def test_a_head_is_not_made_of_checks_that_noticed_nothing() -> None:
    chats = conversations(30, 0)
    for chat in chats[:12]:
        chat["labels"] = [{**label, "label": "wrong"} for label in chat["labels"]]
    written(Path("chats.jsonl"), *chats)
    said = last_complaint("train", "--chats", "chats.jsonl", *DESK, "--out", "w.json")
    assert "the checks noticed nothing about any of the 24 wrong ones" in said
