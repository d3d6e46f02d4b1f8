"""Whole runs over processes: the files of a run played here, whatever is killed in between."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from multiprocessing import active_children
from pathlib import Path

import pytest

from sidecritic.assembly.executors import executor_for
from sidecritic.errors import ConfigError
from sidecritic.executors.pool import Size
from sidecritic.executors.processes import ProcessExecutor
from sidecritic.recorded import JudgedProposal
from sidecritic.rollouts import play as rollouts
from sidecritic.rollouts.plan import Played
from sidecritic.runs import SCORES_FILE, TRAJECTORIES_FILE, read_run
from sidecritic.settings.evaluation import Settings
from sidecritic.workflows.evaluation import directory_of, evaluate
from sidecritic.workflows.replay import ReplayRequest, judge_files
from sidecritic.workflows.watchers import Watcher
from tests.unit.rollouts.timeless import by_key, without_times


def settings(out: Path, executor: str = "local", **more: object) -> Settings:
    given = {"env": ("shop",), "trials": 2, "workers": 2, "executor": executor, "out": str(out)}
    return Settings.model_validate({**given, **more})


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was played in this process."""
    out = tmp_path_factory.mktemp("local") / "run"
    evaluate(settings(out))
    return out


class Killing(Watcher):
    """Kills a worker with signal 9 when some episodes are written."""

    def __init__(self, after: int) -> None:
        self.left = after
        self.killed: list[int] = []

    @contextmanager
    def episodes(
        self, title: str, directory: Path, *, hidden: bool = False, brief: bool = False
    ) -> Generator[rollouts.Watcher]:
        yield self

    def episode(self, played: Played) -> None:
        self.left -= 1
        if self.left == 0 and (pid := active_children()[0].pid):
            self.killed.append(pid)
            os.kill(pid, signal.SIGKILL)


def require_same(here: Path, there: Path) -> None:
    texts = [without_times((run / SCORES_FILE).read_text()) for run in (here, there)]
    assert texts[0] == texts[1]
    assert by_key(read_run(here)) == by_key(read_run(there))
    lines = [(run / TRAJECTORIES_FILE).read_text().count("\n") for run in (here, there)]
    assert lines[0] == lines[1]


def test_processes_write_the_scores_of_a_run_played_here(here: Path, tmp_path: Path) -> None:
    evaluate(settings(tmp_path, "processes"))
    require_same(here, tmp_path)


def test_a_worker_that_is_killed_loses_and_doubles_no_episode(here: Path, tmp_path: Path) -> None:
    killing = Killing(after=3)
    evaluate(settings(tmp_path, "processes"), watcher=killing)
    assert killing.killed
    require_same(here, tmp_path)


def test_a_run_begun_here_is_resumed_by_processes(here: Path, tmp_path: Path) -> None:
    evaluate(settings(tmp_path))
    file = tmp_path / TRAJECTORIES_FILE
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[: len(lines) // 2]))
    evaluate(settings(tmp_path, "processes"))
    require_same(here, tmp_path)


def test_where_a_run_is_played_does_not_change_its_folder_or_settings(tmp_path: Path) -> None:
    made = [
        Settings.model_validate({"env": ("shop",), "executor": name, "workers": workers})
        for name, workers in (("local", None), ("processes", 2), ("ray", 64))
    ]
    assert len({str(directory_of(each)) for each in made}) == 1
    assert made[0].deciding == made[1].deciding == made[2].deciding


def test_what_must_stay_in_one_process_is_refused_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--record keeps one order"):
        evaluate(settings(tmp_path / "run", "processes", record="tapes"))
    with pytest.raises(ConfigError, match=r"asks at this terminal.*--executor local"):
        executor_for(settings(tmp_path / "run", "ray", critic="human"))


def test_every_core_has_an_episode_under_way_and_one_beside_it_unless_told_otherwise() -> None:
    free = Settings.model_validate({"executor": "processes", "workers": 64})
    told = free.model_copy(update={"concurrency": 1})
    assert sizes(executor_for(free)) == Size(64, 128)
    assert sizes(executor_for(told)) == Size(1, 1)


def sizes(executor: object) -> Size:
    assert isinstance(executor, ProcessExecutor)
    return executor.size


def test_a_replay_over_processes_judges_as_one_here(here: Path) -> None:
    request = ReplayRequest((here,), Settings(critic="policy"))
    one, two = (judge_files(request, workers=workers).lines for workers in (1, 2))
    assert len(one) > 0
    assert [untimed(line) for line in one] == [untimed(line) for line in two]


def untimed(line: JudgedProposal) -> JudgedProposal:
    judgement = line.judgement.model_copy(update={"seconds": 0.0})
    return line.model_copy(update={"cpu_seconds": 0.0, "judgement": judgement})
