"""Which tasks are worth learning from, by how often the actor succeeded."""

from pathlib import Path

import pytest

from sidecritic.errors import ConfigError
from sidecritic.reports.mining import groups, tasks
from sidecritic.runs import RUN_FILE, TRAJECTORIES_FILE, RunRecord
from sidecritic.scoring.mining import (
    Mined,
    MiningShares,
    kept_episodes,
    mine,
    read_mined,
    runs_in,
    write_mined,
)
from sidecritic.trace import Ended, Trajectory, to_line
from sidecritic.types import Outcome, Task

PASSED = Outcome(reward=1.0, passed=True)
FAILED = Outcome(reward=0.0, passed=False)
Outcomes = dict[str, list[Outcome | None]]


def episode(task: str, trial: int, outcome: Outcome | None) -> Trajectory:
    end = Ended(reason="env_done" if outcome else "error", outcome=outcome)
    return Trajectory(
        id=f"{task}-{trial}",
        task=Task(id=task, env="shop", split="train"),
        trial=trial,
        actor="acts",
        critic="none",
        simulated=("actor",),
        events=(end,),
    )


def written(directory: Path, outcomes: Outcomes) -> Path:
    directory.mkdir(parents=True)
    record = RunRecord(command="-", settings={}, episodes=0, versions={}, briefings={})
    (directory / RUN_FILE).write_text(record.model_dump_json())
    lines = (
        to_line(episode(task, trial, outcome))
        for task, trials in outcomes.items()
        for trial, outcome in enumerate(trials)
    )
    (directory / TRAJECTORIES_FILE).write_text("".join(lines))
    return directory


def fates(mined: Mined) -> dict[str, tuple[str, bool]]:
    return {task.task_id: (task.group, task.kept) for task in mined.tasks}


def test_a_task_is_mixed_when_both_runs_together_end_differently(tmp_path: Path) -> None:
    written(tmp_path / "alone", {"a": [FAILED, FAILED], "b": [PASSED, PASSED]})
    written(tmp_path / "supervised", {"a": [PASSED, FAILED], "b": [PASSED, PASSED]})

    mined = mine(tmp_path, shares=MiningShares(passed=0))

    assert fates(mined) == {"a": ("mixed", True), "b": ("passed", False)}
    (a, _) = mined.tasks
    assert (a.runs["alone"].passed, a.runs["supervised"].passed, a.trials.graded) == (0, 1, 4)
    assert mined.simulated == ("actor",)


def test_an_infrastructure_failure_is_no_failure_of_the_task(tmp_path: Path) -> None:
    run = written(tmp_path / "run", {"a": [PASSED, None], "b": [None, None], "c": [FAILED, None]})

    mined = mine(run, shares=MiningShares(passed=1))

    assert fates(mined) == {
        "a": ("passed", True),
        "b": ("ungraded", False),
        "c": ("failed", True),
    }
    assert mined.tasks[0].trials.broken == 1


def test_a_task_without_success_and_failure_cannot_be_hard(tmp_path: Path) -> None:
    run = written(tmp_path / "run", {"a": [Outcome(reward=0.4)], "b": [FAILED]})
    assert fates(mine(run))["a"] == ("ungraded", False)


def test_mixed_tasks_come_before_those_that_always_failed(tmp_path: Path) -> None:
    outcomes: Outcomes = {
        "even": [PASSED, FAILED],
        "rare": [PASSED, FAILED, FAILED, FAILED],
        "never": [FAILED],
        "always": [PASSED],
    }
    run = written(tmp_path / "run", outcomes)

    def kept(at_most: int) -> set[str]:
        mined = mine(run, shares=MiningShares(passed=1, at_most=at_most))
        return {task.task_id for task in mined.tasks if task.kept}

    assert [kept(number) for number in (1, 2, 3, 4)] == [
        {"even"},
        {"even", "rare"},
        {"even", "rare", "never"},
        {"even", "rare", "never", "always"},
    ]


def test_a_share_is_drawn_by_seed_and_the_rest_is_told_why(tmp_path: Path) -> None:
    run = written(tmp_path / "run", {f"t{n}": [PASSED] for n in range(20)})

    first, again, other = (mine(run, seed=seed) for seed in (1, 1, 2))

    assert first == again
    assert len(first.kept) == len(other.kept) == 2
    assert first.kept != other.kept
    left = next(task for task in first.tasks if not task.kept)
    assert left.why == "always passed; of these a share of 0.1 is kept"


def test_an_actor_that_always_fails_leaves_all_tasks_and_one_that_never_does_a_few(
    tmp_path: Path,
) -> None:
    bad = written(tmp_path / "bad", {"a": [FAILED], "b": [FAILED]})
    good = written(tmp_path / "good", {"a": [PASSED], "b": [PASSED]})
    assert len(mine(bad).kept) == 2
    assert len(mine(good).kept) == 1


@pytest.mark.parametrize(
    ("outcomes", "shares", "says"),
    [
        ({}, MiningShares(), "holds no episode"),
        ({"a": [PASSED]}, MiningShares(passed=0), "play harder tasks or more trials"),
        ({"a": [FAILED]}, MiningShares(failed=0), "--keep-failed 1"),
        ({"a": [None]}, MiningShares(), "--retry-failed"),
    ],
)
def test_nothing_left_says_what_to_do(
    tmp_path: Path, outcomes: Outcomes, shares: MiningShares, says: str
) -> None:
    run = written(tmp_path / "run", outcomes)
    with pytest.raises(ConfigError, match=says):
        mine(run, shares=shares)


def test_a_directory_without_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no run"):
        runs_in(tmp_path)


def test_what_is_mined_is_read_back_and_chooses_episodes(tmp_path: Path) -> None:
    run = written(tmp_path / "run", {"a": [PASSED, FAILED], "b": [PASSED]})
    mined = mine(run, shares=MiningShares(passed=0))
    file = tmp_path / "mined.json"

    write_mined(mined, file)

    assert read_mined(file) == mined
    episodes = [episode("b", 0, PASSED), episode("a", 0, PASSED)]
    assert [e.task.id for e in kept_episodes(mined, episodes)] == ["a"]
    with pytest.raises(ConfigError, match="cannot write"):
        write_mined(mined, tmp_path / "nowhere" / "mined.json")
    file.write_text("{}")
    with pytest.raises(ConfigError, match="not what `sidecritic datagen mine` writes"):
        read_mined(file)
    with pytest.raises(ConfigError, match="cannot read"):
        read_mined(tmp_path / "missing.json")


def test_the_tables_say_how_many_were_kept_and_why(tmp_path: Path) -> None:
    written(tmp_path / "alone", {"a": [PASSED, FAILED, None], "b": [PASSED]})
    mined = mine(tmp_path, shares=MiningShares(passed=0))

    assert groups(mined).title == "Mined tasks: 1 of 2 kept"
    assert groups(mined).rows[0] == ("mixed", "kept", "1", "sometimes passed, sometimes failed")
    assert tasks(mined).rows[0] == ("shop a", "1/2, 1 broken", "mixed, kept")
