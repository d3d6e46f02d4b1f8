"""`sidecritic replay` on chat logs: what would the critic have caught, and what disturbed?"""

import json
from pathlib import Path

import pytest

from sidecritic.runs import read_record
from tests.library import POLICY, TOOLS, Json, batch, renewal, written
from tests.unit.cli.commands import answer, last_complaint, run
from tests.wire import Received, Reply, chat, wire_server

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
    disturbed = scores["decided"]["library:night"]["disturbed"]
    assert (disturbed["n"], disturbed["of"], disturbed["share"]["value"]) == (0, 1, 0.0)
    low, high = disturbed["share"]["ci"]
    assert low == 0.0
    assert high > 0.5, "one conversation says next to nothing"


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


# --- with a language model -------------------------------------------------------------------

JUDGE = ("--critic", "llm:openai:judge")


def judging(received: Received) -> Reply:
    """Refuse everything, by the first token of the answer."""
    top = [{"token": "No", "logprob": -0.1}, {"token": "Yes", "logprob": -3.0}]
    return chat("No", logprobs=[{"token": "No", "logprob": -0.1, "top_logprobs": top}])


def test_figures_with_a_model_are_shared_by_a_cassette(tmp_path: Path) -> None:
    with wire_server(judging) as server:
        address = ("--critic-base-url", server.base_url)
        live = answer("replay", "chats.jsonl", *DESK, *JUDGE, *address, "--record", "tape")
    played = answer("replay", "chats.jsonl", *DESK, *JUDGE, "--cassette", "tape")
    assert live["cost"]["failed"] == played["cost"]["failed"] == 0
    assert live["decided"] == played["decided"]
    assert live["writes"]["labelled"] == played["writes"]["labelled"]
    assert played["decided"]["library"]["caught"]["n"] > 0


def test_a_cassette_that_lacks_answers_says_how_many(tmp_path: Path) -> None:
    with wire_server(judging) as server:
        address = ("--critic-base-url", server.base_url)
        answer("replay", "chats.jsonl", *DESK, *JUDGE, *address, "--record", "tape")
    written(tmp_path / "chats.jsonl", renewal("good"), renewal("new", loan="B-8"))
    done = run("replay", "chats.jsonl", *DESK, *JUDGE, "--cassette", "tape", "--json")
    assert done.exit_code == 1
    assert "the cassette tape lacks the answers for 2 of 4 proposals" in done.stderr


def test_a_cassette_that_is_not_there_is_bad_input() -> None:
    said = last_complaint("replay", "chats.jsonl", *DESK, *JUDGE, "--cassette", "nowhere")
    assert "cassette nowhere/openai-judge.jsonl: No such file" in said


# --- labels from elsewhere, and what comes after ---------------------------------------------


def test_labels_may_come_from_a_file(tmp_path: Path) -> None:
    bare: Json = {**renewal("good"), "labels": []}
    written(tmp_path / "chats.jsonl", bare)
    said = {"trajectory": "good", "turn": 1, "call_id": "c2", "wrong": True, "by": "jo"}
    written(tmp_path / "labels.jsonl", said, {**said, "trajectory": "other"})
    done = run(
        *("replay", "chats.jsonl", *DESK, "--critic", "none"),
        *("--labels", "labels.jsonl", "--json"),
    )
    scores = json.loads(done.stdout)
    assert scores["writes"]["labelled"]["all"]["wrong"] == 1
    assert "1 labels are of runs that these files do not hold" in done.stderr


def test_a_threshold_is_fitted_to_chats_and_says_how_many_labels_are_missing() -> None:
    asked = ("--critic", "policy", "--pack", "sidecritic.packs.shop:SHOP")
    answer("replay", "chats.jsonl", *DESK, *asked, "--out", "judged.jsonl")
    report = answer("calibrate", "judged.jsonl", "chats.jsonl", "--out", "desk.toml")
    assert {(each["kind"], each["domain"]) for each in report["missing"]} >= {
        ("write", "library"),
        ("write", "library:night"),
    }
    first = next(each for each in report["missing"] if each["domain"] == "library")
    assert (first["right"] + first["right_missing"], first["wrong"] + first["wrong_missing"]) == (
        60,
        10,
    )
    assert any("more are needed before a threshold" in each for each in report["notes"])


def test_labelled_chats_become_a_run_to_learn_from() -> None:
    counts = answer("datagen", "label", "desk", "--decisions", "chats.jsonl", *DESK[:4])
    assert counts["new"] == 8
    again = answer("replay", "desk", "--critic", "none")
    assert again["labels"]["wrong"] == 3, "a run's labels are in its folder"
    given = answer("replay", "desk", "--critic", "none", "--labels", "desk/labels.jsonl")
    assert given["writes"] == again["writes"]
    kept = read_record(Path("desk")).briefings.values()
    assert {(told.policy, len(told.tools)) for told in kept} == {(POLICY, 3)}
