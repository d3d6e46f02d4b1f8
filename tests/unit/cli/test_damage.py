"""The command line on damaged runs, directories of others and streams that take no more."""

import json
import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from sidecritic.cli.progress import Bar
from sidecritic.rollouts.playing import played_as
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, write_whole
from sidecritic.scoring import score
from sidecritic.trace import Ended, Failed
from sidecritic.workflows.evaluation import failures_of
from tests.rounds import trajectory
from tests.unit.cli.commands import answer, complaint, run
from tests.unit.cli.test_cli import SHOP

pytestmark = pytest.mark.usefixtures("bare")


@pytest.fixture
def pair() -> tuple[Path, Path]:
    """Two runs that can be compared."""
    for name in ("runs/a", "runs/b"):
        answer("eval", *SHOP, "--out", name)
    return Path("runs/a"), Path("runs/b")


# --- runs that are damaged -----------------------------------------------------------------------


def test_compare_says_what_it_could_not_read(pair: tuple[Path, Path]) -> None:
    file = pair[1] / TRAJECTORIES_FILE
    lines = file.read_text().splitlines(keepends=True)
    newer = json.dumps({**json.loads(lines[1]), "schema_version": 9})
    file.write_text("".join(["{spoilt\n", newer + "\n", *lines[2:]]))
    result = run("compare", "runs/a", "runs/b", "--json")
    said = [w for w in json.loads(result.stdout)["warnings"] if "supervised run" in w]
    assert len(said) == 2
    assert "line 1" in said[0] and "schema version 9" in said[1]
    assert result.stderr.count("runs/b/trajectories.jsonl, line") == 2


@pytest.mark.parametrize("content", [None, b"", b"{spoilt\n"])
def test_a_run_without_a_readable_episode_is_refused(
    pair: tuple[Path, Path], content: bytes | None
) -> None:
    file = pair[1] / TRAJECTORIES_FILE
    file.unlink() if content is None else file.write_bytes(content)
    for words in (("score", "runs/b"), ("compare", "runs/a", "runs/b")):
        assert "no episode can be read from runs/b/trajectories.jsonl" in complaint(*words)


def test_runs_without_a_common_episode_are_compared_with_a_warning() -> None:
    first, second = answer("tasks", "--env", "shop", "--split", "test")["tasks"][:2]
    answer("eval", *SHOP, "--task-ids", first, "--out", "a")
    answer("eval", *SHOP, "--task-ids", second, "--out", "b")
    compared = answer("compare", "a", "b")
    assert compared["paired"] is None
    assert any("n = 0" in warning for warning in compared["warnings"])


def test_bytes_that_are_not_utf_8_cost_their_own_line(pair: tuple[Path, Path]) -> None:
    file = pair[0] / TRAJECTORIES_FILE
    lines = file.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b'"id":"', b'"id":"\xff', 1)
    file.write_bytes(b"".join(lines))
    result = run("score", "runs/a", "--json")
    assert json.loads(result.stdout)["episodes"] == len(lines) - 1
    assert "line 3: holds bytes that are not UTF-8" in result.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "it is damaged"),
        ('{"schema_version": 1, "comm', "it is damaged"),
        ('{"schema_version": 2}', "schema version 2.*pip install --upgrade"),
        ("[]", "not a run's file"),
    ],
)
def test_a_run_file_that_cannot_be_read_says_why(
    pair: tuple[Path, Path], content: str, message: str
) -> None:
    (pair[0] / RUN_FILE).write_text(content)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(complaint("score", "runs/a"))


def test_a_file_that_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(IsADirectoryError):
        write_whole(tmp_path / "report.md", "text")
    assert [each.name for each in tmp_path.iterdir()] == ["report.md"]


def test_the_file_that_is_not_written_is_named(pair: tuple[Path, Path]) -> None:
    (pair[0] / "report.md").unlink()
    (pair[0] / "report.md").mkdir()
    result = run("score", "runs/a")
    assert result.exit_code == 0
    assert "runs/a/report.md is not written" in result.stderr


# --- paths and flags -----------------------------------------------------------------------------


def test_the_demo_replaces_no_directory_that_is_not_its_own() -> None:
    answer("eval", *SHOP, "--out", "d-baseline")
    Path("e-supervised").mkdir()
    Path("e-supervised/report.md").write_text("mine")
    before = sorted(Path().rglob("*"))
    assert "d-baseline holds what this demo has not made" in complaint("demo", "--out", "d")
    assert "e-supervised holds" in complaint("demo", "--out", "e")
    assert sorted(Path().rglob("*")) == before


@pytest.mark.full
def test_the_demo_replaces_its_own_runs_of_any_seed() -> None:
    answer("demo", "--out", "d", "--seed", "3")
    assert answer("demo", "--out", "d")["paired"]["n"] == 80
    assert json.loads(Path("d-baseline/run.json").read_text())["settings"]["seed"] == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("eval", *SHOP, "--out", ""), "--out is ''"),
        (("eval", *SHOP, "--prices", ""), "--prices is ''"),
        (("eval", *SHOP, "--prices", "none.toml"), "none.toml"),
        (("eval", "--env", ""), "`sidecritic tasks`"),
        (("eval", *SHOP, "--critic-timeout", "inf"), "finite number"),
        (("eval", *SHOP, "--timeout", "nan"), "finite number"),
        (("eval", *SHOP, "--base-url", "http://host:port/v1"), "--base-url"),
        (("eval", *SHOP, "--user", "scriptd"), "did you mean 'scripted'?"),
        (("eval", *SHOP, "--task-ids", "nine"), "in the split 'test' of shop"),
        (("demo", "--out", ""), "--out is empty"),
        (("tasks", "--split", "test"), "add --env"),
        (("tasks", "--tasks", "x.json"), "add --env"),
    ],
)
def test_values_that_mean_nothing_are_refused(words: tuple[str, ...], message: str) -> None:
    assert message in complaint(*words)
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "words", [("score", ""), ("compare", "a", "b", "--out", ""), ("eval", "--recipe", "")]
)
def test_an_empty_path_is_not_the_current_directory(words: tuple[str, ...]) -> None:
    result = run(*words)
    assert result.exit_code == 2
    assert "it is empty" in result.stderr


# --- streams -------------------------------------------------------------------------------------


def shell(line: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = line.replace("sidecritic", f"{sys.executable} -m sidecritic")
    return subprocess.run(
        ["bash", "-c", command],
        env={**os.environ, **env},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
    )


@pytest.mark.parametrize("flag", ["", "--json"])
@pytest.mark.parametrize("target", [">/dev/full", ">&-"])
def test_a_standard_output_that_takes_nothing_gets_one_line(target: str, flag: str) -> None:
    done = shell(f"sidecritic tasks {flag} {target}")
    assert done.returncode == 1
    assert done.stderr.startswith("sidecritic: cannot write to standard output")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("flag", ["", "--json"])
def test_a_reader_that_leaves_is_no_error_to_speak_of(flag: str) -> None:
    # The reader is gone before the first line: `true` ends while the imports are under way.
    done = shell(f"sidecritic tasks {flag} | true; exit ${{PIPESTATUS[0]}}")
    assert (done.returncode, done.stderr) == (1, "")


def test_help_is_printed_whatever_the_terminal_can_show() -> None:
    done = shell("sidecritic --help", PYTHONIOENCODING="latin-1")
    assert done.returncode == 0
    assert "demo" in done.stdout
    full = shell("sidecritic --help > /dev/full")
    assert (full.returncode, len(full.stderr.splitlines())) == (1, 1)


# --- progress and failures -----------------------------------------------------------------------


def failing(task: str, error: str) -> list[Failed]:
    return [Failed(where="actor", error=error, message=f"{task}: nobody answers")]


def test_the_last_line_names_the_cause_that_is_most_frequent() -> None:
    end = Ended(reason="error")
    down = [trajectory(t, events=failing(t, "ModelUnavailable"), end=end) for t in ("a", "b")]
    odd = trajectory("c", events=failing("c", "ModelError"), end=end)
    assert failures_of(score([trajectory()])) == ""
    assert failures_of(score([odd])).startswith("1 episode ended")
    line = failures_of(score([*down, odd]))
    assert line.startswith("3 episodes ended")
    assert "2 of them: actor: ModelUnavailable: a: nobody answers" in line


def test_a_bar_counts_failures_and_says_when_it_was_resumed() -> None:
    shown = StringIO()
    console = Console(file=shown, force_terminal=True, width=200)
    failed = trajectory(events=failing("a", "ModelError"), end=Ended(reason="error"))
    with Bar("episodes", Path("runs/a"), console) as bar:
        bar.begin(total=5, finished=2)
        bar.episode(played_as(failed))
        bar.notice("one \x1b[31mline")
    assert "1 failure" in shown.getvalue()
    assert ", 1 failure" not in shown.getvalue()
    assert "writing runs/a, 2 of 5 episodes are there already" in shown.getvalue()
    assert "one �[31mline" in shown.getvalue()
    with Bar("episodes", Path("runs/a"), console) as bar:
        bar.begin(total=5, finished=2)
        bar.episode(played_as(trajectory()))
    assert "passed 1/1 since it was resumed" in shown.getvalue()


def test_notices_off_a_terminal_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    with Bar("episodes", Path("runs/a"), Console(file=StringIO())) as bar:
        bar.notice("the last line was cut off")
    assert capsys.readouterr().err == "the last line was cut off\n"
