"""Recorded runs, graded again: ours against the record, and against the package's evaluators."""

import random
from pathlib import Path

import pytest

from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.grading import inspect
from sidecritic.envs.tau2.messages import parse, replay
from sidecritic.envs.tau2.official_grading import evaluate
from sidecritic.errors import EnvError
from tests.parity.regrading import own_calls, regrade
from tests.parity.tau2_plays import RECORDED, RUNS, Recording, package_messages, recordings

pytestmark = pytest.mark.recorded

FILES = [pytest.param(file, id=file.name.removesuffix(".json.gz")) for file in RUNS] or [
    pytest.param(None, marks=pytest.mark.skip(reason=f"no recorded runs in {RECORDED / 'dev'}"))
]

ENDED = ("user_stop", "agent_stop")


@pytest.mark.parametrize("file", FILES)
def test_every_recorded_run_gets_the_reward_that_is_on_record(file: Path) -> None:
    found = list(recordings(file))
    benchmark = Tau2(found[0].domain)
    for run in found:
        outcome = regrade(benchmark, run.task, run.messages, termination=run.termination)
        assert outcome.reward == pytest.approx(run.reward), run.label


def agree(benchmark: Tau2, run: Recording) -> str:
    """Grade a recorded run twice; return how the comparison came out."""
    case = benchmark.case(run.task)
    transcript, _ = own_calls(case.domain, parse(run.messages))
    state = case.before_history.fork()
    replay(case.domain, state, transcript)
    ours = inspect(case, state, transcript)
    try:
        theirs = evaluate(case.domain, run.task.data, package_messages(case.domain, run.messages))
    except EnvError as refusal:
        # Error texts quote the version of pydantic that ran then; the package compares them
        # to the letter and refuses to grade. What is left to compare with is the record.
        assert "errors.pydantic.dev" in str(refusal), run.label
        return "refused"
    assert ours == theirs, run.label
    return "equal" if run.termination in ENDED else "equal, cut off"


@pytest.mark.skipif(not RUNS, reason=f"no recorded runs in {RECORDED / 'dev'}")
@pytest.mark.parametrize(("domain", "size"), [("retail", 4), ("airline", 2), ("telecom", 6)])
def test_both_graders_agree_on_a_sample_of_recorded_runs(domain: str, size: int) -> None:
    files = [file for file in RUNS if file.name.split("-")[1] == domain]
    dice = random.Random(11)
    runs = list(recordings(dice.choice(files)))
    benchmark = Tau2(domain)
    assert all(agree(benchmark, run) for run in dice.sample(runs, min(size, len(runs))))


@pytest.mark.full
@pytest.mark.parametrize("file", FILES)
def test_both_graders_agree_on_every_recorded_run(file: Path) -> None:
    found = list(recordings(file))
    benchmark = Tau2(found[0].domain)
    results = [agree(benchmark, run) for run in found]
    counts = {result: results.count(result) for result in sorted(set(results))}
    print(f"{file.name}: {counts}")  # noqa: T201 # the figures of design/tau2-parity.md
    assert results.count("refused") <= 2
