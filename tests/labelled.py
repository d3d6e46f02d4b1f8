"""Labelled runs for tests: a played one, and hand-made candidates and materials."""

from contextlib import AsyncExitStack
from pathlib import Path

from sidecritic.assembly.plans import plan_for
from sidecritic.datasets.candidates import Candidate
from sidecritic.datasets.material import Material, Reads
from sidecritic.datasets.rows import Provenance
from sidecritic.labelling.faults import by_faults
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.labelling.trust import LabelKey, settled
from sidecritic.recorded import Kind
from sidecritic.rollouts.play import play
from sidecritic.runs import Run, read_run
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.trace import Executed, Observed, Proposed, Trajectory
from sidecritic.types import (
    Assistant,
    Briefing,
    Completion,
    Fault,
    Observation,
    Task,
    ToolCall,
    ToolSpec,
    User,
)
from tests.rounds import graded

ENV = "tau2:retail"
TOOLS = (
    ToolSpec(name="put", description="Change a record.", effect="write"),
    ToolSpec(name="get", description="Return a record.", effect="read"),
)
BRIEFING = Briefing(policy="Be right.", tools=TOOLS)


async def played(directory: Path, env: str = ENV, limit: int = 20) -> Run:
    """Return a run of simulated parties on train tasks, in `directory`."""
    settings = Settings(env=(env,), split="train", limit=limit, critic="none", gate="none")
    async with AsyncExitStack() as stack:
        await play(plan_for(settings, keys_from_environment(), stack), directory)
    return read_run(directory)


# --- made by hand ----------------------------------------------------------------------------


def label(
    trajectory: str = "t0",
    turn: int = 0,
    *,
    wrong: bool = True,
    source: LabelSource = "fault",
    weight: float = 1.0,
    feedback: str = "",
    call_id: str | None = None,
) -> Label:
    return Label(
        trajectory=trajectory,
        env=ENV,
        task_id="0",
        turn=turn,
        attempt=0,
        call_id=call_id,
        wrong=wrong,
        source=source,
        weight=weight,
        feedback=feedback,
    )


def candidate(
    name: str,
    *,
    wrong: bool = True,
    user: str = "ana_ruiz_1001",
    task: str = "0",
    text: str = "",
    env: str = ENV,
    kind: Kind = "write",
    weight: float = 1.0,
) -> Candidate:
    own = label(name, wrong=wrong, weight=weight)
    return Candidate(
        key=LabelKey(name, 0, 0),
        label=own,
        kind=kind,
        provenance=Provenance(
            run="r",
            trajectory=name,
            turn=0,
            attempt=0,
            env=env,
            task_id=task,
            user_id=user,
            actor="acts",
            source="fault",
            trust="simulated",
        ),
        text=text or name,
        weight=weight,
    )


def episode(
    number: int, *, wrong: bool, user: str, env: str = ENV, task: str = "", words: str = ""
) -> Trajectory:
    """Return an episode with one write, which carries a fault when it is wrong."""
    call = ToolCall(id="c1", name="put", arguments={"at": number}, raw=f'{{"at": {number}}}')
    action = Assistant(calls=(call,))
    said = words or f"Please do number {number}, {'quickly' if wrong else 'slowly'}."
    faults = (Fault(kind="wrong_item", step=0, note="item 1 instead of 2"),) if wrong else ()
    completion = Completion(message=action, finish="tool_calls", model="acts", faults=faults)
    return Trajectory(
        id=f"t{number}",
        task=Task(id=task or str(number), env=env, split="train", data={"user_id": user}),
        trial=0,
        actor="acts",
        critic="none",
        simulated=("actor",),
        briefing="b",
        events=(
            Observed(observation=Observation(messages=(User(text=said),))),
            Proposed(turn=0, attempt=0, completion=completion),
            Executed(turn=0, action=action, source="actor"),
            graded(not wrong),
        ),
    )


def material(
    *episodes: Trajectory, name: str = "run", hostile: frozenset[str] = frozenset()
) -> Material:
    labels = [each for t in episodes for each in by_faults(t, BRIEFING)]
    return Material(
        name=name,
        trajectories=episodes,
        briefings={t.id: BRIEFING for t in episodes},
        labels=settled(labels),
        hostile=hostile,
    )


def reads(*materials: Material) -> list[Reads]:
    return [(lambda m=m: m) for m in materials]


def episodes(number: int, *, users: int = 20) -> list[Trajectory]:
    """Return episodes of several users, every second one with a mistake."""
    return [
        episode(at, wrong=at % 2 == 0, user=f"user_number_{1000 + (at // 2) % users}")
        for at in range(number)
    ]
