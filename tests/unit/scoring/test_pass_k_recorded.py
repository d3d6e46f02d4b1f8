"""pass^k on the recorded four-trial gpt-4o airline run: the formula against plain counting."""

import os
from itertools import combinations
from pathlib import Path

import pytest

from sidecritic.recordings import load
from sidecritic.scoring.score import pass_table, trials_by_task

ROOT = Path(
    os.environ.get("SIDECRITIC_RECORDED", Path(__file__).parents[4] / "shared" / "trajectories")
)
FILE = ROOT / "dev" / "tau1-airline-gpt-4o.json.gz"


@pytest.mark.recorded
@pytest.mark.skipif(not FILE.is_file(), reason=f"no {FILE}; set SIDECRITIC_RECORDED")
def test_pass_k_of_the_recorded_run_is_the_share_of_draws_that_all_pass() -> None:
    trials = trials_by_task([run.trajectory for run in load([FILE]).runs])
    assert set(map(len, trials.values())) == {4}
    table = pass_table(trials)
    for row in table:
        draws = [draw for passed in trials.values() for draw in combinations(passed, row.k)]
        assert row.estimate.value == pytest.approx(sum(map(all, draws)) / len(draws))
        assert row.tasks == len(trials)
    assert [row.k for row in table] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        ([[True, True, False, False]], [0.5, 1 / 6, 0.0, 0.0]),
        ([[True] * 4, [False] * 4], [0.5, 0.5, 0.5, 0.5]),
        ([[True, True, True, False], [True, False, False, False]], [0.5, 0.25, 0.125, 0.0]),
    ],
)
def test_pass_k_by_hand(passed: list[list[bool]], expected: list[float]) -> None:
    trials = {("env", str(at)): each for at, each in enumerate(passed)}
    assert [row.estimate.value for row in pass_table(trials)] == pytest.approx(expected)
