"""Stages: done once, made again after a kill, and never mixed with other inputs."""

from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.workflows.stages import DONE_FILE, Stage

INPUTS = {"tasks": "1", "[play]": "2"}


class Work:
    """Writes a file, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.times = 0

    def __call__(self) -> list[str]:
        self.times += 1
        (self.folder / "made").write_text("something")
        return ["made"]


def prepared(folder: Path) -> tuple[Stage, Work]:
    return Stage(folder / "play", "round 1, play"), Work(folder / "play")


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    stage, work = prepared(tmp_path)
    assert stage.run(INPUTS, work)
    assert not stage.run(INPUTS, work)
    assert work.times == 1


def test_a_stage_that_was_killed_before_its_end_is_done_again(tmp_path: Path) -> None:
    stage, work = prepared(tmp_path)
    stage.run(INPUTS, work)
    (stage.folder / DONE_FILE).unlink()
    assert stage.run(INPUTS, work)
    assert work.times == 2


def test_other_inputs_are_named_and_nothing_is_done(tmp_path: Path) -> None:
    stage, work = prepared(tmp_path)
    stage.run(INPUTS, work)
    with pytest.raises(ConfigError, match=r"round 1, play was done with other inputs: \[play\];"):
        stage.run({**INPUTS, "[play]": "3"}, work)
    with pytest.raises(ConfigError, match="other inputs: critic"):
        stage.run({**INPUTS, "critic": "4"}, work)
    assert work.times == 1


def test_what_a_stage_made_must_still_be_there_and_the_same(tmp_path: Path) -> None:
    stage, work = prepared(tmp_path)
    stage.run(INPUTS, work)
    (stage.folder / "made").write_text("something else")
    with pytest.raises(ConfigError, match="made is not what round 1, play made"):
        stage.run(INPUTS, work)
    (stage.folder / "made").unlink()
    with pytest.raises(ConfigError, match=r"cannot read .*made"):
        stage.run(INPUTS, work)


def test_a_stage_that_fails_says_which_one_and_is_not_done(tmp_path: Path) -> None:
    stage, _ = prepared(tmp_path)

    def fails() -> list[str]:
        raise ConfigError("nothing to learn from")

    with pytest.raises(ConfigError, match="round 1, play: nothing to learn from"):
        stage.run(INPUTS, fails)
    assert stage.done is None


def test_a_full_disk_is_one_line_with_a_remedy(tmp_path: Path) -> None:
    stage, _ = prepared(tmp_path)

    def fills() -> list[str]:
        with Path("/dev/full").open("w") as full:
            full.write("more than there is room for")
        return []

    with pytest.raises(ConfigError, match="No space left on device; make room"):
        stage.run(INPUTS, fills)
    assert stage.done is None


def test_a_damaged_record_says_what_to_remove(tmp_path: Path) -> None:
    stage, work = prepared(tmp_path)
    stage.run(INPUTS, work)
    (stage.folder / DONE_FILE).write_text("{")
    with pytest.raises(ConfigError, match=r"remove .*play and what was made after it"):
        stage.run(INPUTS, work)
