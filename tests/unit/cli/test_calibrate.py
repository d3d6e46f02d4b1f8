"""`sidecritic calibrate`: from a replay to a profile that `replay` and `eval` take."""

import json
from pathlib import Path
from shutil import copytree

import pytest

from sidecritic.calibration.profile import read_profile
from sidecritic.recorded import JudgedProposal
from tests.recordings import CANCEL, ORDER, Json, called, chat, results, said, simulation
from tests.unit.cli.commands import answer, complaint, run

GOLD: Json = {"name": "cancel_pending_order", "arguments": CANCEL}
OTHER: Json = {**CANCEL, "reason": "ordered by mistake"}
USERS = ("sofia_rossi_8776", "yusuf_rossi_9620", "mei_kovac_8020", "raj_santos_9079")


def task_of(number: int, user: str) -> Json:
    return {
        "id": str(number + 500),
        "user_scenario": {"instructions": f"You are {user}."},
        "evaluation_criteria": {"actions": [GOLD]},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with runs of four users, right ones and wrong ones, their replay and a profile."""
    folder = tmp_path_factory.mktemp("made")
    right = [
        *[said("assistant", "Cancel #W5918442, no longer needed? yes/no"), said("user", "yes")],
        *called("cancel_pending_order", CANCEL, "{}"),
    ]
    wrong = called("cancel_pending_order", OTHER, "{}")
    runs: list[Json] = []
    for number, _ in enumerate(USERS):
        for copy in range(3):
            acted = simulation(chat(right if copy else wrong), reward=float(copy > 0))
            runs.append({**acted, "task_id": str(number + 500), "trial": copy})
    tasks = [task_of(number, user) for number, user in enumerate(USERS)]
    (folder / "runs.json").write_text(json.dumps(results(*runs, tasks=tasks)))
    judged, profile = str(folder / "judged.jsonl"), str(folder / "mine.toml")
    shown = run(
        *("replay", str(folder / "runs.json"), "--critic", "policy"),
        *("--workers", "1", "--out", judged),
    )
    assert shown.exit_code == 0, shown.stderr
    (folder / "shown.txt").write_text(shown.stdout)
    done = run("calibrate", judged, str(folder / "runs.json"), "--out", profile)
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture(autouse=True)
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)


def test_a_replay_becomes_a_profile_that_replay_takes() -> None:
    printed = answer("calibrate", "judged.jsonl", "runs.json", "--out", "sub/mine.toml")
    assert (printed["name"], printed["critic"], printed["out"]) == (
        "mine",
        "policy",
        "sub/mine.toml",
    )
    assert (printed["users"], printed["runs"], printed["folds"]) == (4, 12, 4)
    assert set(printed["held_out"]) == {"write"}
    assert any(note.startswith("final: without both") for note in printed["notes"])
    held = printed["held_out"]["write"]["all"]
    assert (held["n"], held["wrong"]) == (12, 4)
    assert set(held) >= {"auroc", "calibration_error_before", "calibration_error_after", "recall"}

    profile = read_profile(Path("sub/mine.toml").read_text(), "it")
    assert printed["digest"] == profile.digest
    assert profile.data.files == ("runs.json",)

    again = (
        "replay",
        "runs.json",
        "--critic",
        "policy",
        "--workers",
        "1",
        "--profile",
        "sub/mine.toml",
    )
    scores = answer(*again, "--out", "second.jsonl")
    assert (scores["calibrated"], scores["fitted_files"]) == (False, 1)
    assert scores["terms"] == f"profile mine {profile.digest}"
    lines = map(JudgedProposal.model_validate_json, Path("second.jsonl").read_text().splitlines())
    writes = [line for line in lines if line.kind == "write"]
    assert all(line.judgement.calibrated for line in writes)
    assert {line.terms for line in writes} == {scores["terms"]}
    shown = run(*again).stdout
    assert "fitted to 1 of these files" in " ".join(shown.split())


def test_the_tables_show_what_was_held_out_and_the_command() -> None:
    result = run(
        "calibrate", "judged.jsonl", "runs.json", "--out", "mine.toml", "--method", "platt"
    )
    assert result.exit_code == 0
    shown = " ".join(result.stdout.split())
    assert "Users that were not seen, 4 folds (platt)" in shown
    assert "sidecritic calibrate" in shown


def test_scores_of_an_uncalibrated_critic_are_never_called_probabilities() -> None:
    shown = Path("shown.txt").read_text()
    assert "mean score" in shown
    assert "they are not probabilities" in shown
    assert "mean probability" not in shown


def test_judgements_with_other_terms_are_not_mixed() -> None:
    again = ("replay", "runs.json", "--critic", "policy", "--workers", "1", "--out", "judged.jsonl")
    assert "(threshold 0.3)" in complaint(*again, "--critic-threshold", "0.3")


def test_eval_takes_the_profile_and_records_it() -> None:
    words = ("eval", "--env", "shop", "--critic", "policy", "--limit", "1", "--out", "runs/a")
    answer(*words, "--profile", "mine.toml")
    settings = json.loads(Path("runs/a/run.json").read_text())["settings"]
    profile = read_profile(Path("mine.toml").read_text(), "it")
    assert settings["profile"] == {"name": "mine", "digest": profile.digest}
    assert "profile" in complaint(*words)
    events = Path("runs/a/trajectories.jsonl").read_text()
    assert '"calibrated":true' in events


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["none.jsonl", "runs.json", "--out", "p.toml"], "cannot read none.jsonl"),
        (["runs.json", "runs.json", "--out", "p.toml"], "it is not a judgement of a replay"),
        (["empty.jsonl", "runs.json", "--out", "p.toml"], "holds no judgements"),
        (["calibrated.jsonl", "runs.json", "--out", "p.toml"], "calibrated already"),
        (["mixed.jsonl", "runs.json", "--out", "p.toml"], "several critics: other, policy"),
        (["versions.jsonl", "runs.json", "--out", "p.toml"], "policy, policy v1"),
        (["judged.jsonl", "none.json", "--out", "p.toml"], "none.json"),
        (["judged.jsonl", "strange.json", "--out", "p.toml"], "none of the judgements is about"),
        (["judged.jsonl", "runs.json", "--out", "."], "is a directory"),
        (["judged.jsonl", "runs.json", "--out", "runs.json/p.toml"], "cannot write"),
        (["judged.jsonl", "runs.json", "--out", "my profile.toml"], "give --name"),
        (["judged.jsonl", "runs.json", "--out", "p.toml", "--method", "magic"], "isotonic, platt"),
        (["judged.jsonl", "runs.json", "--out", "p.toml", "--false-alarms", "1"], "in [0, 1)"),
        (["judged.jsonl", "runs.json", "--out", "p.toml", "--false-alarms", "nan"], "in [0, 1)"),
        (["judged.jsonl", "runs.json", "--out", "p.toml", "--labels", "no.jsonl"], "no.jsonl"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_bad_input_is_one_line_and_writes_nothing(words: list[str], message: str) -> None:
    lines = [json.loads(line) for line in Path("judged.jsonl").read_text().splitlines()]

    def write(name: str, *changed: Json) -> None:
        Path(name).write_text("".join(json.dumps(line) + "\n" for line in (*changed, *lines)))

    write(
        "calibrated.jsonl", {**lines[0], "judgement": {**lines[0]["judgement"], "calibrated": True}}
    )
    write("mixed.jsonl", {**lines[0], "critic": "other"})
    write("versions.jsonl", {**lines[0], "critic_version": "v1"})
    Path("empty.jsonl").write_text("")
    other = simulation(chat(called("cancel_pending_order", CANCEL, "{}")), reward=1.0)
    Path("strange.json").write_text(json.dumps(results(other)))
    assert message in complaint("calibrate", *words)
    assert not Path("p.toml").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--critic", "none", "--profile", "mine.toml"], "was fitted for the critic 'policy'"),
        (["--profile", "none.toml"], "cannot read the profile none.toml"),
        (["--profile", "mine.toml", "--critic-threshold", "0.5"], "one of the two"),
        (["--critic", "none", "--critic-threshold", "0.5"], "has no threshold"),
        (["--critic", "human"], "standard input is not one"),
        (["--critic", "chain:policy,human"], "standard input is not one"),
        (["--critic", "chain:policy@0.1,none"], "write it as policy@LOW-HIGH"),
    ],
)
@pytest.mark.parametrize("what", ["eval", "replay"])
def test_what_does_not_fit_the_critic_is_refused_alike(
    words: list[str], message: str, what: str
) -> None:
    given = (
        ["--env", "shop", "--limit", "1", "--out", "runs/a"] if what == "eval" else ["runs.json"]
    )
    result = run(what, *given, *words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stdout == ""
    assert not Path("runs/a/run.json").exists()


# --- thresholds by tool --------------------------------------------------------------------


MOVED: Json = {
    "address1": "1 Main St",
    "address2": "",
    "city": "Austin",
    "state": "TX",
    "country": "USA",
    "zip": "78701",
}


def two_tools(folder: Path) -> str:
    """Write runs in which one tool is right without a yes, and another is wrong without one."""
    runs: list[Json] = []
    tasks: list[Json] = []
    for number, user in enumerate(USERS):
        move = {"user_id": user, **MOVED}
        gold = {"name": "modify_user_address", "arguments": move}
        tasks.append(task_of(number, user))
        tasks[-1]["evaluation_criteria"]["actions"].append(gold)
        order = json.dumps({"order_id": ORDER, "status": "pending"})
        look = called("get_order_details", {"order_id": ORDER}, order, id="o")
        right = [
            *look,
            *[said("assistant", "Cancel #W5918442, no longer needed? yes/no"), said("user", "yes")],
            *called("cancel_pending_order", CANCEL, "{}"),
        ]
        moved = called("modify_user_address", move, "{}", id="m")
        wrong = [
            *look,
            *[said("assistant", "Why?"), said("user", f"Cancel {ORDER}, {OTHER['reason']}.")],
            *called("cancel_pending_order", OTHER, "{}"),
        ]
        for copy, (act, reward) in enumerate(
            [(right, 1.0)] * 6 + [(moved, 1.0)] * 2 + [(wrong, 0)]
        ):
            acted = simulation(chat(act), reward=reward)
            runs.append({**acted, "task_id": str(number + 500), "trial": copy})
    (folder / "tools.json").write_text(json.dumps(results(*runs, tasks=tasks)))
    return "tools.json"


def refused_writes(out: str) -> dict[str, set[bool]]:
    lines = map(JudgedProposal.model_validate_json, Path(out).read_text().splitlines())
    found: dict[str, set[bool]] = {}
    for line in lines:
        if line.kind == "write":
            found.setdefault(line.tools[0], set()).add(line.judgement.verdict.kind != "approve")
    return found


def test_a_tool_with_enough_cases_has_its_threshold_and_replay_applies_it(tmp_path: Path) -> None:
    file = two_tools(tmp_path)
    replay = ("replay", file, "--critic", "policy", "--workers", "1")
    answer(*replay, "--out", "tools.jsonl")
    fit = ("calibrate", "tools.jsonl", file)
    by_tool = answer(*fit, "--minimum", "20", "--out", "tool.toml")
    rules = {rule["tool"]: rule for rule in by_tool["thresholds"] if rule["domain"] == "retail"}
    assert set(rules) == {"", "cancel_pending_order"}
    assert rules["cancel_pending_order"]["recall"] == 1.0
    (few,) = by_tool["too_few"]
    assert (by_tool["minimum"], few["domain"], few["tool"], few["wrong"]) == (
        20,
        "retail",
        "modify_user_address",
        0,
    )
    assert 0 < few["right"] < 20
    assert 'tool = "cancel_pending_order"' in Path("tool.toml").read_text()
    shown = " ".join(run(*fit, "--minimum", "20", "--out", "tool.toml").stdout.split())
    assert "write, retail 0." in shown
    assert "cancel_pending_order 0." in shown
    assert f"fewer than 20 right examples of modify_user_address ({few['right']})" in shown

    answer(*replay, "--profile", "tool.toml", "--out", "by_tool.jsonl")
    assert refused_writes("by_tool.jsonl") == {
        "cancel_pending_order": {True, False},
        "modify_user_address": {False},
    }
    by_domain = answer(*fit, "--minimum", "25", "--out", "domain.toml")
    assert {rule["tool"] for rule in by_domain["thresholds"]} == {""}
    answer(*replay, "--profile", "domain.toml", "--out", "by_domain.jsonl")
    assert refused_writes("by_domain.jsonl") == {
        "cancel_pending_order": {False},
        "modify_user_address": {False},
    }
