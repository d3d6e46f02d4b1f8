"""`learn` on the shop: whole rounds, kills, bad input."""

import json
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sidecritic.critics.head_weights import HeadWeights, read_weights, to_json
from sidecritic.critics.registry import read_registry
from sidecritic.runs import TRAJECTORIES_FILE, read_run
from sidecritic.scoring.promotion import PromotionDecision
from sidecritic.workflows.rounds import STAGES
from sidecritic.workflows.stages import DONE_FILE
from tests.unit.cli.commands import Json, answer, run
from tests.unit.cli.commands import last_complaint as complaint
from tests.unit.cli.learned import LEARN, RECIPE, first, timeless

# --- rounds --------------------------------------------------------------------------------


def test_no_round_leaves_a_worse_critic_in_force(here: Json) -> None:
    for name in ("auroc", "pass^1"):
        force = [
            each[name]["new" if each["promoted"] else "old"]["value"] for each in here["rounds"]
        ]
        before = [each[name]["old"]["value"] for each in here["rounds"]]
        assert all(after >= first for first, after in zip(before, force, strict=True))
        assert force[1] >= force[0]
    assert here["simulated"] == ["actor", "user"]


def test_a_head_that_learned_takes_the_place_of_nobody(here: Json) -> None:
    first = here["rounds"][0]
    assert first["promoted"], first["reasons"]
    assert first["auroc"]["new"]["value"] > 0.6 > first["auroc"]["old"]["value"]


def test_every_critic_is_registered_with_where_it_comes_from(here: Json) -> None:
    registry = read_registry(Path("out/critics.json"))
    assert set(registry.critics) == {"head-r1", "head-r2"}
    second = registry.critics["head-r2"]
    assert second.parent == here["rounds"][0]["in_force"].replace(
        "head-r1", "registry:out/critics.json#head-r1"
    )
    assert second.data.simulated == ("actor", "user")
    assert any(name.startswith("out/round-1/label/") for name in second.data.inputs)
    assert second.metrics["AUROC"].value == here["rounds"][1]["auroc"]["new"]["value"]
    assert second.command.startswith("sidecritic learn")


def test_a_head_learns_from_no_test_task(here: Json) -> None:
    words = ("--env", "shop", "--split", "test", "--critic", "none", "--limit", "4")
    answer("eval", *words, "--out", "tests")
    said = complaint("train", "--kind", "head", "--runs", "tests", "--out", "head.json")
    assert "is of its test split" in said
    assert not Path("head.json").exists()


def test_what_is_marked_as_hostile_counts_in_no_stage(fresh: None) -> None:
    answer(*LEARN, "--rounds", "1")
    played = sorted(Path("out/round-1/play").glob("*/*/trajectories.jsonl"))
    ids = [trajectory.id for trajectory in read_run(played[0].parent).trajectories]
    (played[0].parent / "hostile.txt").write_text("".join(f"{id_}\n" for id_ in ids[::3]))
    assert "was done with other inputs" in complaint(*LEARN, "--rounds", "1")
    before = _examples()
    for stage in ("mine", "label", "export", "train", "promotion"):
        shutil.rmtree(Path("out/round-1") / stage)
    answer(*LEARN, "--rounds", "1")
    assert sorted(Path("out/round-1/label").glob("*/hostile.txt"))
    assert Path("out/round-1/export/data/quarantine.jsonl").read_text() != ""
    assert 0 < _examples() < before, "the head learned from what was left"


def _examples() -> int:
    return read_weights(Path("out/round-1/train/head-r1.json")).data.examples


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('[label]\nsources = ["humen"]', "unknown source 'humen'"),
        ('[label]\nsources = ["teacher"]', "needs label.teacher"),
        ('[export]\nrendering = "brif"', "brif"),
        ('[export]\nbalance = "downsampel"', "downsampel"),
        ('start = "polciy"', "polciy"),
        ('start = "chain:polciy,llm:openai:m"', "polciy"),
        ('kind = "lora"\n[export]\nrendering = "brief"\n[train]\nbase = "none.gguf"', "none.gguf"),
        ('kind = "lora"\n[export]\nrendering = "brief"\n[train]\nbase = "x"\nranke = 3', "ranke"),
        ('kind = "lora"\n[train]\nbase = "x"', "no row would be left"),
    ],
)
def test_what_a_later_stage_would_refuse_is_said_before_anything_is_played(
    fresh: None, line: str, words: str
) -> None:
    # Keys of the recipe itself stand before its tables.
    own, table, rest = line.partition("[")
    text = RECIPE.replace('start = "none"\n', "") if "start" in own else RECIPE
    Path("recipe.toml").write_text(f"{own}{text}{table}{rest}\n")
    assert words in complaint(*LEARN)
    assert not Path("out/held-back").exists()


def test_tasks_are_held_back_by_user(here: Json) -> None:
    entry = read_registry(Path("out/critics.json")).critics["head-r2"]
    held = read_run(Path("out/held-back/shop")).trajectories
    assert {t.task.id for t in held}.isdisjoint(entry.data.tasks["shop"])
    assert PromotionDecision.model_validate_json(
        Path("out/round-2/promotion/decision.json").read_bytes()
    ).proposals


def test_the_report_says_what_was_simulated_and_how_each_promotion_was_decided(here: Json) -> None:
    report = Path("out/report.md").read_text()
    assert "*simulated actor, simulated user*" in report
    assert "Promotion in round 2" in report
    assert "sidecritic learn --recipe recipe.toml" in report
    assert "(rounds.png)" in report
    assert Path("out/rounds.png").read_bytes().startswith(b"\x89PNG")


def test_a_trained_critic_plays_and_replays_by_its_name(here: Json) -> None:
    name = "registry:out/critics.json#head-r1"
    words = ("--env", "shop", "--limit", "2", "--critic", name, "--out", "played")
    scores = answer("eval", *words)
    assert scores["critic"] == [name]
    settings = json.loads(Path("played/run.json").read_text())["settings"]
    assert settings["critic_weights"][name]


def test_critics_are_listed_and_shown(here: Json) -> None:
    listed = run("critics", "ls", "--registry", "out/critics.json").stdout
    assert "head-r1" in listed and "simulated" in listed
    shown = run("critics", "show", "head-r2", "--registry", "out/critics.json").stdout
    assert "sha256" in shown and "--critic registry:out/critics.json#head-r2" in shown


# --- going on ------------------------------------------------------------------------------


def test_the_same_command_again_does_nothing_again(here: Json) -> None:
    before = {file: file.stat().st_mtime_ns for file in Path("out").rglob(TRAJECTORIES_FILE)}
    assert timeless(answer(*LEARN)) == here
    assert before == {file: file.stat().st_mtime_ns for file in before}


@pytest.mark.parametrize("at", range(len(STAGES)), ids=STAGES)
def test_a_kill_in_a_stage_changes_nothing_in_the_end(here: Json, at: int) -> None:
    """The state that a kill leaves: earlier stages whole, this one without its last word."""
    folder = Path("out/round-1")
    (folder / STAGES[at] / DONE_FILE).unlink()
    for later in STAGES[at + 1 :]:
        shutil.rmtree(folder / later)
    if STAGES[at] == "play":
        file = next((folder / "play").rglob(TRAJECTORIES_FILE))
        file.write_bytes(file.read_bytes()[:-200])
    assert timeless(answer(*LEARN, "--rounds", "1")) == first(here)


@pytest.mark.parametrize(
    "place",
    [f"out/round-1/play/shop/alone/{TRAJECTORIES_FILE}", "out/held-back/critics/head_r1*/*.jsonl"],
    ids=["play", "promotion"],
)
def test_a_killed_process_goes_on_to_the_same_end(finished: Path, fresh: None, place: str) -> None:
    words = (*LEARN, "--rounds", "1")
    command = [sys.executable, "-m", "sidecritic", *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not any(file.stat().st_size for file in Path().glob(place)):
        try:
            process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"it ended with {process.returncode} before it could be killed")
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not Path("out/round-1/promotion", DONE_FILE).exists()
    whole: Json = json.loads((finished / "answer.json").read_text())
    assert timeless(answer(*words)) == first(whole)


def test_a_disk_that_fills_loses_nothing_that_was_done(finished: Path, fresh: None) -> None:
    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    words = (*LEARN, "--rounds", "1")
    command = [sys.executable, "-m", "sidecritic", *words]
    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=small, check=False)
    assert full.returncode == 2
    assert "cannot write out/" in full.stderr.splitlines()[-1]
    whole: Json = json.loads((finished / "answer.json").read_text())
    assert timeless(answer(*words)) == first(whole)


def test_two_at_once_keep_out_of_each_others_way(here: Json) -> None:
    from sidecritic.journal import open_journal

    with open_journal(Path("out/learn.log")):
        assert "another process is writing out/learn.log" in complaint(*LEARN)


def test_a_changed_recipe_is_not_mixed_in(here: Json) -> None:
    Path("recipe.toml").write_text(RECIPE.replace("passed = 1.0", "passed = 0.5"))
    assert "round 1, mine was done with other inputs: [mine]" in complaint(*LEARN)


def test_changed_weights_are_noticed(here: Json) -> None:
    weights = Path("out/round-1/train/head-r1.json")
    weights.write_text(to_json(HeadWeights(name="head-r1")))
    assert "head-r1" in complaint(*LEARN)


# --- bad input -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        # Nobody errs: no task is mixed, and nothing is wrong.
        ("trials = 2\n[mine]\npassed = 1.0", "fault_rate = 0\n[mine]\npassed = 0", "round 1, mine"),
        ("trials = 2\n[mine]", "fault_rate = 0\n[mine]", "round 1, "),
        ("rounds = 2", 'rounds = 2\nkind = "lora"', "the table [train] of the recipe: base"),
        (
            "[play]",
            '[export]\nrendering = "brief"\n[train]\nbase = "none.gguf"\n[play]',
            "the base model none.gguf does not exist",
        ),
        ('shop = "tasks.jsonl"', 'shop = "none.jsonl"', "none.jsonl"),
        ('start = "none"', 'start = "registry:none.json#a"', "none.json"),
    ],
    ids=["no mixed tasks", "an empty class", "no base", "a missing base", "no tasks", "no critic"],
)
def test_what_cannot_be_learned_from_is_said_in_one_line(
    fresh: None, old: str, new: str, said: str
) -> None:
    text = RECIPE.replace(old, new)
    lora = "base =" in new
    Path("recipe.toml").write_text(f'kind = "lora"\n{text}' if lora else text)
    assert said in complaint(*LEARN)


def test_an_actor_that_always_errs_is_learned_from_and_a_critic_that_is_no_help_refused(
    fresh: None,
) -> None:
    Path("recipe.toml").write_text(RECIPE.replace("[play]", "[play]\nfault_rate = 1\nrepair = 0"))
    learned = answer(*LEARN, "--rounds", "1")
    (round_,) = learned["rounds"]
    assert learned["in_force"] == "none"
    assert not round_["promoted"]
    assert any("supervised pass^1 is lower" in reason for reason in round_["reasons"])


@pytest.mark.parametrize(
    ("turns", "said"),
    [(5, "rows, all wrong"), (2, "no source found anything to say about its 28 episodes")],
    ids=["nothing right", "nothing at all"],
)
def test_an_actor_that_always_fails_and_does_nothing_right_is_refused_in_words(
    fresh: None, turns: int, said: str
) -> None:
    play = f'[play]\ngate = "writes"\nfault_rate = 1\nrepair = 0\nmax_turns = {turns}'
    Path("recipe.toml").write_text(RECIPE.replace("[play]", play))
    assert said in complaint(*LEARN, "--rounds", "1")
    mined = json.loads(Path("out/round-1/mine/shop.json").read_text())
    assert {task["group"] for task in mined["tasks"]} == {"failed"}
    assert not Path("out/round-1/train").exists()
