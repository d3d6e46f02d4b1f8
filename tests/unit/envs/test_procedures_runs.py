"""A run at the town's desk, from the command line to labelled writes that can be replayed."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from sidecritic.cli.app import app
from sidecritic.recorded import Recorded
from sidecritic.recordings import load
from sidecritic.replay.shadow import Worlds
from sidecritic.scoring.writes import writes_of
from sidecritic.trace import Ended, Executed, Observed
from sidecritic.types import ToolCall
from sidecritic.values import objects_of, text_of


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    out = tmp_path_factory.mktemp("runs") / "desk"
    words = "--actor simulated --user scripted --critic none --fault-rate 0.5 --split train"
    return run("eval", "--env", "procedures", *words.split(), "--out", out), out


@pytest.fixture(scope="module")
def recorded(played: tuple[Result, Path]) -> tuple[Recorded, ...]:
    return tuple(load([played[1]]).runs)


def test_it_is_played_like_any_environment_and_says_that_it_is_simulated(
    played: tuple[Result, Path],
) -> None:
    result, _ = played
    assert result.exit_code == 0, result.output
    assert "24 graded episodes of 24 tasks" in result.output
    assert "(simulated actor, simulated user)" in result.output


def labels_of(run: Recorded) -> dict[str, str]:
    """Return the label of each write by the id of its call."""
    (ended,) = [event for event in run.trajectory.events if isinstance(event, Ended)]
    assert ended.outcome is not None
    writes = objects_of(ended.outcome.native, "writes")
    return {text_of(write, "call_id"): text_of(write, "label") for write in writes}


def test_its_writes_are_labelled_and_agree_with_the_reference(
    recorded: tuple[Recorded, ...],
) -> None:
    found = [(labels_of(run)[w.call_id], w.standing) for run in recorded for w in writes_of(run)]
    assert set(found) == {("right", "right"), ("unverified", "right"), ("wrong", "wrong")}


def test_the_records_keep_up_when_a_run_is_replayed(recorded: tuple[Recorded, ...]) -> None:
    worlds = Worlds()
    assert len(recorded) == 24
    for run in recorded:
        shadow, calls = worlds.shadow(run), dict[str, ToolCall]()
        for event in run.trajectory.events:
            if isinstance(event, Observed):
                shadow.follow(calls, event)
            elif isinstance(event, Executed):
                calls.update((call.id, call) for call in event.action.calls)
        assert shadow.look() is not None


def test_each_run_counts_for_its_own_resident(recorded: tuple[Recorded, ...]) -> None:
    assert len({run.user_id for run in recorded}) == len(recorded)


def test_a_critic_is_scored_over_the_run(played: tuple[Result, Path]) -> None:
    result = run("replay", played[1], "--critic", "none")
    assert result.exit_code == 0, result.output
    assert "procedures" in result.output
