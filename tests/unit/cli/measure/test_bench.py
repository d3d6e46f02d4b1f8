"""`sidecritic bench`: critics over the labelled sets at hand, in one table."""

import json
from pathlib import Path

import pytest

from tests.library import POLICY, TOOLS, batch, renewal, written
from tests.unit.cli.commands import answer, last_complaint, run
from tests.wire import Received, Reply, chat, wire_server

JUDGE = "llm:openai:judge"
ONE = ("--workers", "1")


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write two sets: one with its operator's files, one file without a label."""
    (tmp_path / "desk").mkdir()
    chats = [renewal(f"g{n}") for n in range(6)]
    chats += [renewal(f"b{n}", loan="B-9", verdict="wrong") for n in range(6)]
    written(tmp_path / "desk" / "chats.jsonl", *chats, batch())
    (tmp_path / "desk" / "policy.md").write_text(POLICY)
    (tmp_path / "desk" / "tools.json").write_text(json.dumps(TOOLS))
    written(tmp_path / "bare.jsonl", {**renewal(), "labels": []})
    monkeypatch.chdir(tmp_path)


def judging(received: Received) -> Reply:
    """Refuse what names B-9, by the first token of the answer."""
    wrong = "B-9" in json.dumps(received.body).rpartition("## CASE")[2]
    word, other = ("No", "Yes") if wrong else ("Yes", "No")
    top = [{"token": word, "logprob": -0.1}, {"token": other, "logprob": -3.0}]
    return chat(word, logprobs=[{"token": word, "logprob": -0.1, "top_logprobs": top}])


def recorded() -> None:
    with wire_server(judging) as server:
        address = ("--critic-base-url", server.base_url)
        answer("bench", JUDGE, "--on", "desk", *ONE, *address, "--record", "tape", "--out", "live")


def test_critics_and_domains_have_a_row_each() -> None:
    report = answer("bench", "default", "none", "--on", "desk", *ONE)
    places = [(row["critic"], row["set"], row["domain"]) for row in report["rows"]]
    assert places == [
        (critic, "desk", domain)
        for critic in ("default", "none")
        for domain in ("library", "library:night")
    ]
    row = report["rows"][0]
    assert row["caught"]["of"] == row["wrong"]
    assert row["failed"] == 0
    assert row["auroc"]["value"] is not None
    assert row["runs_disturbed"]["of"] > 0
    assert report["rows"][1]["problem"].endswith("fewer than 10 of a kind give no AUROC")


def test_a_cassette_gives_the_same_table_byte_for_byte() -> None:
    recorded()
    words = ("bench", JUDGE, "--on", "desk", *ONE, "--cassette", "tape", "--json")
    first, second = (run(*words, "--out", out) for out in ("one", "two"))
    assert first.exit_code == second.exit_code == 0, first.stderr
    assert first.stdout == second.stdout
    row = json.loads(first.stdout)["rows"][0]
    assert row["caught"]["n"] == 6, "the loan of each wrong renewal; not what was said of it"
    assert row["seconds_p50"] is None, "a clock would differ"


def test_what_a_cut_cassette_lacks_is_said_and_not_averaged_away() -> None:
    recorded()
    tape = next(Path("tape").iterdir())
    tape.write_text("".join(tape.read_text().splitlines(keepends=True)[:8]))
    words = ("bench", JUDGE, "--on", "desk", *ONE, "--cassette", "tape", "--out", "cut")
    done = run(*words, "--json")
    assert done.exit_code == 1
    row = json.loads(done.stdout)["rows"][0]
    assert row["failed"] > 0
    assert "the critic failed on" in row["problem"]
    assert row["auroc"]["value"] is None
    assert "the critic failed on" in " ".join(run(*words).stdout.split())


def test_a_set_without_labels_has_a_row_that_says_so() -> None:
    done = run("bench", "default", "--on", "bare.jsonl", "--on", "desk", *ONE, "--json")
    assert done.exit_code == 1
    bare, *others = json.loads(done.stdout)["rows"]
    assert "none of the 1 conversations has a label" in bare["problem"]
    assert [row["set"] for row in others] == ["desk", "desk"]


def test_sets_of_one_name_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    (tmp_path / "night").mkdir()
    written(tmp_path / "night" / "chats.jsonl", batch("other"))
    both = ("--on", "desk/chats.jsonl", "--on", "night/chats.jsonl")
    rows = answer("bench", "none", *both, *ONE, "--out", "kept")["rows"]
    assert {row["set"] for row in rows} == {"desk/chats", "night/chats"}
    assert len(list(Path("kept").iterdir())) == 2


def test_the_same_folder_again_goes_on() -> None:
    words = ("bench", "default", "--on", "desk", *ONE, "--out", "kept")
    first = answer(*words)
    kept = next(Path("kept").glob("default-*.jsonl"))
    lines = kept.read_text().splitlines(keepends=True)
    kept.write_text("".join(lines[:5]))
    again = answer(*words)
    assert len(kept.read_text().splitlines()) == len(lines)
    same = [{**row, "seconds_p50": 0, "seconds_p95": 0} for row in first["rows"]]
    assert [{**row, "seconds_p50": 0, "seconds_p95": 0} for row in again["rows"]] == same


def test_without_a_set_ours_are_played_and_called_simulated() -> None:
    done = run("bench", "default", *ONE)
    assert done.exit_code == 0, done.stderr
    shown = " ".join(done.stdout.split())
    assert "procedures" in shown
    assert "simulated actor, simulated user" in shown
    assert "whose mistakes are a script's" in shown


def test_bad_input_is_one_line() -> None:
    assert "no set nowhere" in last_complaint("bench", "default", "--on", "nowhere")
    assert "polcy" in last_complaint("bench", "polcy", "--on", "desk")
    Path("empty").mkdir()
    assert "holds no runs" in last_complaint("bench", "default", "--on", "empty")
