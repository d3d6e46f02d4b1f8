"""Labels are read from wherever they come, by one reader."""

import json
from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.labelling.label import Label
from sidecritic.labelling.label_files import among, attached, opinions_in, read_labels_file
from sidecritic.recorded import Opinion
from sidecritic.recordings import load
from tests.library import TOOLS, Json, renewal, written

PLACE: Json = {"trajectory": "renewal", "turn": 1, "call_id": "c2"}
OPINION = Opinion(trajectory="renewal", turn=1, call_id="c2", wrong=True, note="why", by="jo")
LABEL = Label(
    trajectory="renewal",
    env="chats:library",
    task_id="renewal",
    turn=1,
    attempt=0,
    call_id="c2",
    wrong=True,
    source="human",
    evidence="why",
)
DETECTABLE: Json = {
    "file": "runs.json",
    "simulation": 3,
    "tool": "renew_loan",
    "arguments": {"loan": "B-9"},
    "detectable": True,
}


@pytest.mark.parametrize(
    "line",
    [
        {**PLACE, "wrong": True, "note": "why", "by": "jo"},
        {"id": "renewal", "turn": 1, "call": "c2", "label": "wrong", "why": "why", "by": "jo"},
        {**LABEL.model_dump(mode="json"), "by": "jo"},
    ],
    ids=["of a page", "by hand", "of labels.jsonl"],
)
def test_one_label_may_be_written_in_several_ways(tmp_path: Path, line: Json) -> None:
    given = read_labels_file(written(tmp_path / "labels.jsonl", line))
    assert given.opinions == (OPINION,)
    assert given.readers is None


def test_labels_stand_in_a_chat_log_too(tmp_path: Path) -> None:
    file = written(tmp_path / "chats.jsonl", {"tools": TOOLS}, renewal(verdict="wrong"))
    assert [o.wrong for o in read_labels_file(file).opinions] == [False, True, True]


def exported(id: str, **more: object) -> Json:
    """A line of `decisions export` with its content."""
    proposal: Json = {
        "task_id": "r",
        "turn": 2,
        "attempt": 0,
        "action": {"role": "assistant", "text": "Renewed."},
        "history": [{"role": "user", "text": "Renew B-7."}],
        "policy": "Be right.",
        "context": "",
        "tools": [],
    }
    row: Json = {"id": id, "tenant": "t", "route": "desk", "model": "m", "critic": "none"}
    return {**row, "label": "", "content": {"proposal": proposal, "judgement": None}, **more}


def test_an_export_of_decisions_tells_labels_and_rulings(tmp_path: Path) -> None:
    ruled = {"wrong": True, "feedback": "Look it up.", "evidence": "a reviewer: Look it up."}
    file = written(
        tmp_path / "decisions.jsonl",
        exported("a.0.0"),
        exported("b.0.0", label="right", label_note="fine", labelled_by="jo"),
        exported("c.0.0", as_label=ruled),
    )
    labelled, reviewed = read_labels_file(file).opinions
    assert (labelled.trajectory, labelled.wrong, labelled.by) == ("gateway:b.0.0", False, "jo")
    assert (reviewed.wrong, reviewed.feedback) == (True, "Look it up.")


def test_a_decision_is_a_run_of_one_proposal(tmp_path: Path) -> None:
    bare = {**exported("a.0.0"), "content": None}
    file = written(tmp_path / "decisions.jsonl", bare, exported("b.0.0", label="wrong"))
    found = load([file])
    (run,) = found.runs
    assert (found.empty, run.domain, run.critic_env) == (1, "desk", "gateway:desk")
    assert run.briefing.policy == "Be right."
    assert [o.turn for o in run.opinions] == [2]


def test_an_opinion_of_a_check_is_no_label(tmp_path: Path) -> None:
    rule = {**LABEL.model_dump(mode="json"), "source": "rule"}
    given = read_labels_file(written(tmp_path / "labels.jsonl", rule, {**PLACE, "wrong": False}))
    assert [o.wrong for o in given.opinions] == [False]


def test_labels_of_readers_find_their_files_by_the_end_of_the_path(tmp_path: Path) -> None:
    given = read_labels_file(written(tmp_path / "labels.jsonl", DETECTABLE))
    assert given.readers is not None
    folder = tmp_path / "a"
    folder.mkdir()
    runs = load([written(folder / "runs.json", renewal()), written(tmp_path / "c", renewal())]).runs
    assert [run.file for run in runs] == ["runs.json", "c"]
    assert {key[0] for key in among(given.readers, runs)} == {"runs.json"}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({**PLACE}, "line 2: the line: it says neither"),
        ({"turn": 1, "wrong": True}, "line 2: trajectory"),
        ({**PLACE, "turn": -1, "wrong": True}, "line 2: turn"),
        ({**DETECTABLE, "tool": None}, "line 2: tool"),
    ],
)
def test_a_line_that_is_no_label_is_named(tmp_path: Path, line: Json, words: str) -> None:
    file = written(tmp_path / "labels.jsonl", {**PLACE, "wrong": True}, line)
    with pytest.raises(ConfigError, match=words):
        read_labels_file(file)


def test_a_file_without_labels_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no labels"):
        read_labels_file(written(tmp_path / "labels.jsonl"))
    bare: Json = {**renewal(), "labels": []}
    with pytest.raises(ConfigError, match="holds no labels"):
        read_labels_file(written(tmp_path / "chats.jsonl", bare))


def test_labels_find_their_run_and_the_later_one_counts(tmp_path: Path) -> None:
    runs = load([written(tmp_path / "chats.jsonl", {"tools": TOOLS}, renewal())]).runs
    stray = Opinion(trajectory="other", turn=0, wrong=True)
    found = attached(runs, [OPINION, stray])
    assert found.unheard == 1
    assert [(o.turn, o.wrong) for o in found.runs[0].opinions] == [
        (0, False),
        (1, True),
        (2, False),
    ]


def test_a_label_of_something_that_was_not_proposed_is_bad_input(tmp_path: Path) -> None:
    runs = load([written(tmp_path / "chats.jsonl", renewal())]).runs
    for place, words in (({"turn": 9}, "about turn 9"), ({"turn": 1, "call_id": "x"}, "call 'x'")):
        said = Opinion.model_validate({"trajectory": "renewal", "wrong": True, **place})
        with pytest.raises(ConfigError, match=words):
            attached(runs, [said])


def test_a_line_may_be_read_back_as_it_was_written(tmp_path: Path) -> None:
    file = tmp_path / "opinions.jsonl"
    file.write_text(json.dumps(OPINION.model_dump(mode="json")))
    assert read_labels_file(file).opinions == (OPINION,)


def test_of_the_labels_of_a_run_the_more_trusted_counts_and_a_checks_opinion_never(
    tmp_path: Path,
) -> None:
    said = [
        LABEL,
        LABEL.model_copy(update={"source": "outcome", "wrong": False}),
        LABEL.model_copy(update={"source": "rule", "turn": 2}),
    ]
    lines = [f"{label.model_dump_json()}\n" for label in said]
    (tmp_path / "labels.jsonl").write_text("".join(lines) + "cut o")
    assert opinions_in(tmp_path) == (OPINION.model_copy(update={"by": "human"}),)
    assert opinions_in(tmp_path / "unlabelled") == ()
