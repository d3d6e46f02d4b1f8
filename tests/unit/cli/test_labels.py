"""`datagen label` and `datagen export` as somebody types them."""

import asyncio
import json
import shutil
from functools import partial
from pathlib import Path

import pytest

from sidecritic.labelling.store import read_labels
from sidecritic.runs import RUN_FILE, read_run
from tests.labelled import played
from tests.unit.cli import commands
from tests.unit.labelling.test_labels import decision

run = partial(commands.run, "datagen")
answer = partial(commands.answer, "datagen")
complaint = partial(commands.last_complaint, "datagen")
pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(played(tmp_path_factory.mktemp("played") / "run", limit=30)).directory


@pytest.fixture
def directory(once: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(once, tmp_path / "run"))


ALL = ("--held-out", "drop", "--no-parquet", "--test", "0", "--validation", "0")


def test_a_run_is_labelled_by_several_sources_and_becomes_a_data_set(directory: Path) -> None:
    sources = "fault,outcome,rule,branching"
    first = answer("label", "run", "--sources", sources, "--continuations", "2")
    again = answer("label", "run", "--sources", sources, "--continuations", "2")

    assert first["new"] == len(read_labels(directory)) > 0
    assert (again["new"], again["counted"]) == (0, first["counted"])
    assert {each["source"] for each in first["counted"]} == set(sources.split(","))
    assert first["simulated"]

    made = answer("export", "run", "--out", "data", *ALL)

    assert made["rows"]["verdict"]["train"] > 0 and made["simulated"]
    lines = (Path("data") / "verdict" / "train.jsonl").read_text().splitlines()
    assert len(lines) == made["rows"]["verdict"]["train"]


def test_a_replay_of_a_run_reads_the_labels_of_its_folder(directory: Path) -> None:
    before = commands.answer("replay", "run", "--critic", "none", "--workers", "1")
    answer("label", "run", "--sources", "fault")
    words = ("replay", "run/trajectories.jsonl", "--critic", "none", "--workers", "1")
    shown = commands.run(*words)
    after = commands.answer("replay", "run", *words[2:])
    assert before["labels"] is None
    assert after["labels"]["wrong"] > 0
    assert after["simulated"] == ["actor", "user"]
    assert "labels of run/labels.jsonl count (fault)" in shown.stderr
    assert "labelled calls and messages (simulated actor" in " ".join(shown.stdout.split())


def test_the_tables_say_what_was_simulated(directory: Path) -> None:
    labelled = run("label", "run")
    exported = run("export", "run", "--out", "data", *ALL)

    assert "Labels by source (simulated)" in labelled.stdout
    assert "Rows (simulated)" in exported.stdout


def test_users_of_the_test_split_are_refused_unless_dropped(directory: Path) -> None:
    answer("label", "run")

    said = complaint("export", "run", "--out", "data")

    assert "appears in its test split" in said and "--held-out drop" in said
    assert not Path("data").exists()


def test_a_run_that_is_marked_hostile_is_quarantined(directory: Path) -> None:
    answer("label", "run")
    flags = ("--out", "data", *ALL)

    assert "no rows at all" in complaint("export", "run", *flags, "--hostile", "run")
    (directory / "hostile.txt").write_text("# somebody tried\n*\n")
    assert "no rows at all" in complaint("export", "run", *flags)


def test_decisions_of_the_gateway_are_labelled_and_wait_in_quarantine() -> None:
    Path("decisions.jsonl").write_text(
        decision("1", "wrong") + decision("2", "right", words="Do nothing.")
    )

    found = answer("label", "live", "--decisions", "decisions.jsonl")

    assert [(each["source"], each["labels"]) for each in found["counted"]] == [
        ("human", 1),
        ("human", 1),
    ]
    assert json.loads((Path("live") / RUN_FILE).read_text())["settings"] == {"origin": "gateway"}
    flags = ("--out", "data", *ALL)
    assert "no rows at all" in complaint("export", "live", *flags)
    (Path("live") / "vouched.txt").write_text("*\n")
    made = answer("export", "live", *flags, "--balance", "none")
    assert made["by_trust"] == {"live": 2}


def opinion(trajectory: str) -> str:
    return json.dumps({"trajectory": trajectory, "turn": 0, "wrong": False}) + "\n"


def test_opinions_are_heard_whichever_other_sources_are_named(directory: Path) -> None:
    known = read_run(directory).trajectories[0].id
    Path("opinions.jsonl").write_text(opinion(known))

    found = answer("label", "run", "--sources", "fault", "--human", "opinions.jsonl")

    assert {each["source"] for each in found["counted"]} == {"fault", "human"}


def test_opinions_about_another_run_are_counted_out_loud(directory: Path) -> None:
    known = read_run(directory).trajectories[0].id
    Path("opinions.jsonl").write_text("".join(map(opinion, (known, "a", "b", "b"))))

    labelled = run("label", "run", "--sources", "human", "--human", "opinions.jsonl")

    assert "1 new labels" in labelled.stdout
    assert "opinions about 2 episodes that these runs do not have" in labelled.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("label", "nowhere"), "no run in nowhere"),
        (("label", "run", "--sources", "faults"), "unknown source 'faults'; did you mean 'fault'?"),
        (("label", "run", "--sources", " , "), "no source of labels is named"),
        (("label", "run", "--gate", "write"), "unknown gate 'write'"),
        (("label", "run", "--sources", "human"), "needs --human FILE"),
        (("label", "run", "--sources", "teacher"), "needs --teacher"),
        (("label", "run", "--sources", "teacher", "--teacher", "simulated"), "a real model"),
        (("label", "run", "--sources", "teacher", "--teacher", "openai:m"), "no API key"),
        (("label", "run", "--human", "nowhere.jsonl"), "cannot read nowhere.jsonl"),
        (("label", "run", "--decisions", "nowhere.jsonl"), "cannot read nowhere.jsonl"),
        (("export", "run", "--out", "data"), "has no labels"),
        (("export", "run", "--out", "data", "--rendering", "ful"), "unknown rendering 'ful'"),
        (("export", "run", "--out", "data", "--balance", "no"), "unknown balance 'no'"),
        (
            ("export", "run", "--out", "data", "--held-out", "keep"),
            "unknown value of --held-out 'keep'",
        ),
        (("export", "--out", "data"), "nothing to export"),
        (("export", "run", "--out", "data", "--hostile", "other"), "is not among the runs"),
    ],
)
def test_bad_input_is_one_line(directory: Path, words: tuple[str, ...], said: str) -> None:
    assert said in complaint(*words)
    assert not Path("data").exists()
