"""A head from runs of ours: read them, judge them with the checks of today, learn.

Call these outside an event loop, or in a thread: judging starts a loop of its own.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from sidecritic.config.held_out import require_no_test
from sidecritic.config.replays import CriticByName
from sidecritic.errors import ConfigError, NoChecks
from sidecritic.packs import pack_for
from sidecritic.recorded import Recorded
from sidecritic.replay import ReplayPlan, replay
from sidecritic.training.head import Trained, train
from sidecritic.training.own import WEIGHT, Lessons, lessons, read_own_runs

CHECKS = "policy"
"""The critic whose flags a head learns from."""


def head_from_runs(
    directories: Iterable[Path], *, name: str = "head", workers: int = 1, test_users: bool = False
) -> Trained:
    """Fit a head to run directories alone, without recorded runs; `weights` go to a file.

    Raises:
        ConfigError: there is no run, nothing right and nothing wrong to learn from, or one is of
            a test task or, unless `test_users`, of a user in one.
    """
    own = lessons_from(directories, workers=workers, test_users=test_users)
    return train((), (), {}, own=own, name=name)


def lessons_from(
    directories: Iterable[Path],
    *,
    weight: float = WEIGHT,
    workers: int = 1,
    test_users: bool = False,
) -> Lessons:
    """Return what run directories teach, judged with the checks of today.

    Raises:
        ConfigError: one of them holds no run, none is of an environment that has checks, or one
            is of a test task or, unless `test_users`, of a user in one.
    """
    own = read_own_runs(directories)
    own = replace(own, runs=_with_checks(own.runs))
    require_no_test((run.trajectory for run in own.runs), test_users=test_users)
    lines = replay(own.runs, ReplayPlan(CHECKS, CriticByName(CHECKS)), workers=workers)
    return lessons(own, lines, weight=weight)


def _with_checks(runs: Sequence[Recorded]) -> tuple[Recorded, ...]:
    refused: dict[str, str] = {}
    for env in sorted({run.critic_env for run in runs}):
        try:
            pack_for(env)
        except NoChecks as error:
            refused[env] = error.problem
    if runs and all(run.critic_env in refused for run in runs):
        raise ConfigError(f"a head learns from what checks notice: {next(iter(refused.values()))}")
    return tuple(run for run in runs if run.critic_env not in refused)
