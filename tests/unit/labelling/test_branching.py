"""Episodes that are played on: what an intervention changes, and what a teacher's words do."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from sidecritic.assembly.past_run import benchmarks_of
from sidecritic.errors import EnvError
from sidecritic.forms import Filler
from sidecritic.labelling.advantage import Branch, Effort, Players, advantage, begun
from sidecritic.labelling.branching import by_branching, label_by
from sidecritic.labelling.feedback import feedback_on, true_feedback
from sidecritic.labelling.intervals import Rate, newcombe, wilson, z_of
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, logged_proposals
from sidecritic.labelling.scene import Scene, rebuild
from sidecritic.labelling.teacher import Teacher, by_teacher
from sidecritic.models.scripted import FunctionModel
from sidecritic.ports import Snapshot
from sidecritic.runs import Run
from sidecritic.simulation.actor import simulated_actor
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.trace import Trajectory
from sidecritic.types import Request
from tests.labelled import played

Z = z_of(0.95)


# --- intervals -------------------------------------------------------------------------------


def test_intervals_are_those_of_the_literature() -> None:
    # Newcombe (1998), table II: 56/70 against 48/80, 9/10 against 3/10, 10/10 against 0/10.
    assert wilson(Rate(81, 263), Z) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert newcombe(Rate(56, 70), Rate(48, 80), Z) == pytest.approx((0.0524, 0.3339), abs=1e-4)
    assert newcombe(Rate(9, 10), Rate(3, 10), Z) == pytest.approx((0.1705, 0.8090), abs=1e-4)
    assert newcombe(Rate(10, 10), Rate(0, 10), Z) == pytest.approx((0.6075, 1.0), abs=1e-4)


def test_without_trials_nothing_is_known() -> None:
    assert newcombe(Rate(), Rate(), Z) == (-1.0, 1.0)


def test_rounds_grow_to_the_most_that_was_asked_for() -> None:
    assert Effort(most=8).rounds() == (4,)
    assert Effort(most=32).rounds() == (4, 8, 16)
    assert Effort(most=50).rounds() == (4, 8, 16, 25)
    assert Effort(most=2).rounds() == (1,)


# --- continuations ---------------------------------------------------------------------------


@dataclass
class Ground:
    """Episodes with a fault in a write, and their environments."""

    run: Run
    branches: list[Branch]
    scenes: list[Scene]

    def players(self, repair: float = 0.9) -> Players:
        tools = self.scenes[0].briefing.tools
        return Players(actor=simulated_actor(tools, repair=repair), user=scripted_user(tools))


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return asyncio.run(ground(tmp_path_factory.mktemp("played") / "run"))


async def ground(directory: Path) -> Ground:
    run = await played(directory, limit=30)
    (benchmark,) = benchmarks_of(run).values()
    branches: list[Branch] = []
    scenes: list[Scene] = []
    for trajectory in run.trajectories:
        briefing = run.record.briefings[trajectory.briefing]
        scene = Scene(trajectory, briefing, await rebuild(trajectory, benchmark))
        scenes.append(scene)
        for place in logged_proposals(trajectory, briefing):
            if place.faults:
                snapshot = scene.rebuilt.before[place.proposal.turn]
                said = true_feedback(place.faults[0])
                branches.append(Branch(trajectory, place, snapshot, said))
    return Ground(run, branches, scenes)


@pytest.mark.full  # `make bench-branching` asserts the same of 200 cases
async def test_the_estimate_of_a_known_effect_holds(here: Ground) -> None:
    repair, once = 0.5, Effort(most=2)
    covered: list[bool] = []
    for branch in here.branches:
        heeded = await advantage(branch, here.players(1.0), once)
        ignored = await advantage(branch, here.players(0.0), once)
        found = await advantage(branch, here.players(repair), Effort(most=24))
        assert heeded and ignored and found
        # Two drafts follow the one that is sent back, and each heeds with the same probability.
        mends = 1 - (1 - repair) ** 2
        true = mends * heeded.with_it.value + (1 - mends) * ignored.with_it.value
        true -= heeded.without.value
        covered.append(found.interval[0] - 1e-9 <= true <= found.interval[1] + 1e-9)

    assert len(covered) >= 10
    assert sum(covered) >= 0.9 * len(covered)


async def test_playing_stops_as_soon_as_the_effect_is_clear(here: Ground) -> None:
    effects = [await advantage(b, here.players(1.0), Effort(most=24)) for b in here.branches]
    clear = [e for e in effects if e is not None and abs(e.value) == 1]
    none = [e for e in effects if e is not None and e.value == 0]

    assert clear and {effect.continuations for effect in clear} == {8}
    assert all(effect.helps != effect.harms for effect in clear)
    assert none and all(effect.continuations > 8 for effect in none)


async def test_continuations_are_the_same_every_time_and_leave_the_fork_alone(here: Ground) -> None:
    branch = next(b for b in here.branches if b.place.kind == "write")
    before = (await branch.snapshot.fork().outcome()).native

    first = await advantage(branch, here.players(0.5), Effort(most=16))
    second = await advantage(branch, here.players(0.5), Effort(most=16))

    assert first == second
    assert (await branch.snapshot.fork().outcome()).native == before


async def test_the_actor_is_told_in_the_same_turn(here: Ground) -> None:
    branch = here.branches[0]

    told, untold = begun(branch, intervenes=True), begun(branch, intervenes=False)

    assert told[:-1] == untold[:-1] == [*branch.trajectory.events[: branch.place.at + 1]]
    assert told[-1].event == "judged" and branch.feedback in told[-1].model_dump_json()
    assert untold[-1].event == "executed"


async def test_what_breaks_in_a_continuation_tells_nothing(here: Ground) -> None:

    def breaks(request: Request) -> str:
        raise EnvError("out of order")

    def broken(task: object, seed: int) -> FunctionModel:
        return FunctionModel(breaks)

    players = Players(actor=broken, user=scripted_user())

    assert await advantage(here.branches[0], players, Effort(most=4)) is None


# --- labels ----------------------------------------------------------------------------------


async def test_faults_that_cost_the_episode_are_wrong_and_keep_what_helped(
    here: Ground,
) -> None:

    async def tells(place: LoggedProposal, snapshot: Snapshot) -> str:
        return feedback_on(place)

    labels: list[Label] = []
    for scene in here.scenes:
        players = here.players(1.0)
        labels += await by_branching(scene, players, effort=Effort(most=8), tells=tells)
    wrong = [each for each in labels if each.wrong]

    assert wrong
    assert all(each.interval and each.interval[0] > 0 and each.feedback for each in wrong)
    assert all(not each.feedback for each in labels if not each.wrong)
    assert {each.continuations for each in labels} == {8}


async def test_an_effect_that_nobody_can_tell_is_no_label(here: Ground) -> None:
    branch = here.branches[0]
    from sidecritic.labelling.advantage import Advantage

    unsure = Advantage(Rate(1, 4), Rate(1, 4), (-0.6, 0.6))
    safe = Advantage(Rate(4, 4), Rate(4, 4), (-0.6, 0.6))

    assert label_by(branch, unsure) is None
    found = label_by(branch, safe)
    assert found is not None and not found.wrong and 0.4 < found.weight < 0.6


def teaches(answers: Sequence[str]) -> tuple[FunctionModel, list[Request]]:
    seen: list[Request] = []

    def answer(request: Request) -> str:
        seen.append(request)
        return answers[min(len(seen) - 1, len(answers) - 1)]

    return FunctionModel(answer, name="teacher"), seen


def lesson(feedback: str, wrong: bool = True) -> str:
    return json.dumps({"wrong": wrong, "feedback": feedback})


async def faulty(here: Ground) -> tuple[Scene, Branch]:
    """Return an episode whose fault an intervention would mend."""
    for branch in here.branches:
        effect = await advantage(branch, here.players(1.0), Effort(most=8))
        if effect is not None and effect.helps:
            scene = next(s for s in here.scenes if s.trajectory.id == branch.trajectory.id)
            return scene, branch
    raise AssertionError("no fault can be mended")


async def test_a_teacher_is_believed_where_its_feedback_helps(here: Ground) -> None:
    scene, branch = await faulty(here)
    model, seen = teaches([lesson(branch.feedback)])
    teacher = Teacher(Filler(model), here.players(1.0), Effort(most=8))

    labels = await by_teacher(scene, teacher)

    (found,) = (each for each in labels if each.turn == branch.place.proposal.turn)
    assert (found.source, found.wrong, found.feedback) == ("teacher", True, branch.feedback)
    assert found.advantage is not None and found.advantage > 0
    assert "REFERENCE" in seen[0].messages[-1].text


async def test_feedback_that_does_not_help_is_kept_only_as_such(here: Ground) -> None:
    scene, branch = await faulty(here)
    model, _ = teaches([lesson("Hm."), lesson(branch.feedback)] * 20)
    teacher = Teacher(Filler(model), here.players(1.0), Effort(most=8))
    alone = Teacher(Filler(teaches([lesson("Hm.")])[0]), here.players(1.0), Effort(most=8))

    taught = await by_teacher(scene, teacher)

    assert any(each.unhelpful == ("Hm.",) for each in taught)
    assert await by_teacher(scene, alone) == []


async def test_a_teacher_is_not_asked_about_episodes_that_passed(here: Ground) -> None:
    model, seen = teaches([lesson("Anything.")])
    teacher = Teacher(Filler(model), here.players(), Effort(most=2))

    def passed(trajectory: Trajectory) -> bool:
        outcome = trajectory.ended.outcome if trajectory.ended else None
        return outcome is not None and outcome.reward >= 1

    scene = next(s for s in here.scenes if passed(s.trajectory))

    assert await by_teacher(scene, teacher) == []
    assert seen == []
