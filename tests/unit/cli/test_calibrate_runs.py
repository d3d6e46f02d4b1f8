"""`calibrate --runs-disturbed`: thresholds by whole conversations, for one critic or a cascade.

The conversations are of two small desks of our own; the language models are *simulated*.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from sidecritic.calibration.profile import read_profile
from tests.cascade import SMALL, STRONG, judging
from tests.library import POLICY, TOOLS, Json, renewal, written
from tests.unit.cli.commands import answer, complaint, last_complaint, run
from tests.wire import wire_server

DESK = ("--policy", "policy.md", "--tools", "tools.json", "--workers", "1")


def conversations(domain: str) -> list[Json]:
    """40 right ones and 10 wrong ones; the loan's number says how risky it looks, in percent.

    Two right ones look risky, and two wrong ones half so.
    """
    right = [renewal(f"{domain}-r{n}", loan=f"R-{n % 38 if n < 38 else 90}") for n in range(40)]
    wrong = [
        renewal(f"{domain}-w{n}", loan=f"W-{50 if n < 2 else 80 + n}", verdict="wrong")
        for n in range(10)
    ]
    return [{**each, "domain": domain, "user": each["id"]} for each in (*right, *wrong)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desks")
    written(folder / "chats.jsonl", *conversations("library"), *conversations("archive"))
    (folder / "policy.md").write_text(POLICY)
    (folder / "tools.json").write_text(json.dumps(TOOLS))
    desk = ("--policy", str(folder / "policy.md"), "--tools", str(folder / "tools.json"))
    with wire_server(judging) as server:
        for name, critic in (("small", SMALL), ("strong", STRONG)):
            done = run(
                *("replay", str(folder / "chats.jsonl"), *desk, "--workers", "1"),
                *("--critic", critic, "--critic-base-url", server.base_url),
                *("--out", str(folder / f"{name}.jsonl"), "--gate", "writes"),
            )
            assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)


FIT = ("calibrate", "small.jsonl", "chats.jsonl", "--out", "made.toml")


def test_at_most_the_wanted_share_of_right_conversations_is_disturbed() -> None:
    fitted = answer(*FIT, "--runs-disturbed", "0.05")
    rows = {row["domain"]: row for row in fitted["by_run"]}
    assert set(rows) == {"", "library", "archive"}
    for row in rows.values():
        assert row["disturbed"]["n"] <= 0.05 * row["disturbed"]["of"]
        assert row["low"] == row["high"]
        assert row["upper"] >= row["disturbed_unseen"]["share"]["value"]
        assert row["handed_on"]["n"] == 0
    assert (rows["library"]["right_runs"], rows["library"]["right_missing"]) == (40, 33)
    assert any("library: 40 right conversations; 33 more" in note for note in fitted["notes"])
    profile = read_profile(Path("made.toml").read_text(), "it")
    assert (profile.runs_disturbed, profile.bands) == (0.05, ())


def test_a_cascade_hands_on_no_more_than_is_wanted_and_says_what_it_costs() -> None:
    Path("prices.toml").write_text(
        "[small]\ninput = 1.0\noutput = 1.0\n[strong]\ninput = 10.0\noutput = 10.0\n"
    )
    asked = ("--runs-disturbed", "0.05", "--pass-on", "0.1", "--stronger", "strong.jsonl")
    fitted = answer(*FIT, *asked, "--prices", "prices.toml")
    assert (fitted["stronger"], fitted["pass_on"]) == (STRONG, 0.1)
    for row in fitted["by_run"]:
        assert row["disturbed"]["n"] <= 0.05 * row["disturbed"]["of"]
    cost = fitted["cost"]
    assert cost["unpriced"] == []
    assert cost["usd_per_1000_proposals"] > 0
    assert 0 < cost["usd_per_conversation"] < cost["usd_per_1000_proposals"]
    profile = read_profile(Path("made.toml").read_text(), "it")
    assert [rule.domain for rule in profile.bands] == ["", "archive", "library"]
    shown = " ".join(run(*FIT, *asked, "--prices", "prices.toml").stdout.split())
    assert "USD per 1,000 proposals" in shown
    assert f"--critic chain:{SMALL},{STRONG}" in shown


def test_replay_takes_the_bands_and_refuses_another_next_link() -> None:
    alone = answer(*FIT, "--runs-disturbed", "0.02")["by_run"][0]
    asked = ("--runs-disturbed", "0.02", "--pass-on", "0.1", "--stronger", "strong.jsonl")
    fitted = answer(*FIT, *asked)["by_run"][0]
    assert fitted["caught"]["n"] > alone["caught"]["n"], "the strong critic makes up for the wish"
    words = ("replay", "chats.jsonl", *DESK, "--gate", "writes", "--profile", "made.toml")
    with wire_server(judging) as server:
        address = ("--critic-base-url", server.base_url)
        scores = answer(*words, "--critic", f"chain:{SMALL},{STRONG}", *address)
        asked_strong = sum(each.body["model"] == "strong" for each in server.received)
        said = last_complaint(*words, "--critic", f"chain:{SMALL},llm:openai:other", *address)
    decided = scores["decided"]["all"]
    assert decided["disturbed"]["n"] == 0
    assert decided["caught"]["n"] > alone["caught"]["n"]
    assert 0 < asked_strong <= 2 * 0.1 * 100, "a refusal takes a second request, for feedback"
    assert f"were fitted with '{STRONG}' as the next link" in said


def test_a_band_in_the_name_and_one_in_the_profile_are_one_too_many() -> None:
    answer(*FIT, "--runs-disturbed", "0.05", "--pass-on", "0.1")
    words = ("replay", "chats.jsonl", *DESK, "--profile", "made.toml", "--critic-base-url")
    said = last_complaint(
        *words, "http://localhost:1/v1", "--critic", f"chain:{SMALL}@0.1-0.6,{STRONG}"
    )
    assert "leave @0.1-0.6 out" in said


def test_without_a_price_the_cost_is_unknown_and_named() -> None:
    fitted = answer(*FIT, "--runs-disturbed", "0.05", "--pass-on", "0.1")
    assert fitted["cost"]["usd_per_1000_proposals"] is None
    assert fitted["cost"]["unpriced"] == [SMALL, "the next link"]


# --- labels that are too few, or only of a part -----------------------------------------------

Told = Callable[[Json], Sequence[str]]
"""The verdicts of a conversation: of its look-up, its write and its last words; "" for none."""


def relabelled(verdicts: Told) -> tuple[str, ...]:
    """Write the same conversations with other labels, and return what fits to them."""
    Path("other").mkdir(exist_ok=True)
    chats = [*conversations("library"), *conversations("archive")]
    for each in chats:
        labels = zip(each["labels"], verdicts(each), strict=True)
        each["labels"] = [{**own, "label": said} for own, said in labels if said]
    written(Path("other/chats.jsonl"), *chats)
    return ("calibrate", "small.jsonl", "other/chats.jsonl", "--out", "other.toml")


def same(verdict: str, *, but: str, where: str) -> Told:
    """Give each conversation one verdict, and those whose id holds `where` another."""
    return lambda chat: ["right", *[but if where in chat["id"] else verdict] * 2]


def looked(chat: Json) -> Sequence[str]:
    """Give a verdict on the look-up and on nothing else."""
    return ["right", "", ""]


@pytest.mark.parametrize(
    ("verdicts", "message"),
    [
        (
            same("wrong", but="wrong", where="-"),
            "no right conversation is labelled: none of",
        ),
        (
            same("right", but="right", where="-"),
            "nothing is labelled wrong: none of",
        ),
        (same("right", but="wrong", where="library-w3"), "wrong ones of 1, too few"),
        (looked, "none of the judgements is about a write"),
    ],
    ids=["nothing right", "nothing wrong", "one user wrong", "only look-ups"],
)
def test_labels_of_one_kind_are_too_few_and_which_is_said(verdicts: Told, message: str) -> None:
    said = complaint(*relabelled(verdicts), "--runs-disturbed", "0.05")
    assert message in said
    assert "label" in said or "give" in said, "what to do"
    assert not Path("other.toml").exists()


def test_equal_scores_are_no_thresholds_and_their_number_is_said() -> None:
    lines = [json.loads(line) for line in Path("small.jsonl").read_text().splitlines()]
    for line in lines:
        line["judgement"] |= {"risk": 0.25, "call_risks": {}}
    written(Path("equal.jsonl"), *lines)
    words = ("calibrate", "equal.jsonl", "chats.jsonl", "--out", "other.toml")
    said = complaint(*words, "--runs-disturbed", "0.05")
    assert f"all {len(lines)} scores are equal, 0.25" in said
    assert "replay with a critic that gives risks" in said


def test_a_conversation_with_a_write_that_nobody_labelled_is_not_counted_as_right() -> None:
    def partly(chat: Json) -> Sequence[str]:
        if chat["id"].startswith("library-r1"):
            return ["right", "", "right"]
        verdict = "wrong" if "-w" in chat["id"] else "right"
        # Words and look-ups need no label.
        return ["", verdict, ""]

    fitted = answer(*relabelled(partly), "--runs-disturbed", "0.05")
    rows = {row["domain"]: row for row in fitted["by_run"]}
    assert (rows["library"]["right_runs"], rows["archive"]["right_runs"]) == (29, 40)
    left_out = "11 conversations in which nothing is labelled wrong are not counted as right"
    assert any(f"{left_out}: 11 of their judged writes" in note for note in fitted["notes"])


def test_where_no_write_is_labelled_right_how_many_were_left_out_is_said() -> None:
    def partly(chat: Json) -> Sequence[str]:
        right = "-r" in chat["id"]
        return ["right", "" if right else "wrong", "right" if right else "wrong"]

    said = complaint(*relabelled(partly), "--runs-disturbed", "0.05")
    assert "no right conversation is labelled: none of the 100" in said
    assert "80 conversations in which nothing is labelled wrong" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--pass-on", "0.1"], "give --runs-disturbed too"),
        (["--runs-disturbed", "0.05", "--false-alarms", "0.05"], "not both"),
        (["--runs-disturbed", "0"], "in (0, 1)"),
        (["--runs-disturbed", "nan"], "in (0, 1)"),
        (["--runs-disturbed", "0.1", "--pass-on", "2"], "in [0, 1]"),
        (["--runs-disturbed", "0.1", "--stronger", "strong.jsonl"], "without --pass-on"),
        (["--runs-disturbed", "0.1", "--prices", "none.toml"], "price file none.toml"),
        (["--runs-disturbed", "0.1", "--pass-on", "0.1", "--stronger", "no.jsonl"], "no.jsonl"),
    ],
)
def test_what_does_not_go_together_is_bad_input(words: list[str], message: str) -> None:
    assert message in complaint(*FIT, *words)
