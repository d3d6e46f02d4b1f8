"""A benchmark of echo worlds, and plans and trajectories made of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sidecritic.critics.base import NoCritic
from sidecritic.errors import ConfigError
from sidecritic.ports import Environment, Model, ModelFor
from sidecritic.rollouts.plan import Cast, RolloutPlan, TaskSet
from sidecritic.trace import Ended, Event, Executed, Judged, Observed, Proposed, Trajectory
from sidecritic.types import (
    Approve,
    Assistant,
    Briefing,
    Completion,
    Fault,
    Judgement,
    Observation,
    Outcome,
    Task,
    ToolCall,
    ToolResult,
    Usage,
    Verdict,
)
from tests.parties import TOOLS, Acts, Says, conversation


@dataclass
class Desk:
    """A benchmark whose tasks are echo worlds; a task in `broken` cannot be set up."""

    size: int = 3
    broken: Sequence[str] = ()
    name: str = "desk"
    versions: dict[str, str] = field(default_factory=lambda: {"task set": "desk 1"})

    def tasks(self, split: str) -> tuple[Task, ...]:
        if split != "test":
            raise ConfigError(f"desk has no split {split!r}; known: test")
        return tuple(Task(id=f"t{n}", env=self.name, split=split) for n in range(self.size))

    def splits(self) -> dict[str, int]:
        return {"test": self.size}

    def environment(self, task: Task, user: Model) -> Environment:
        if task.id in self.broken:
            raise RuntimeError("the desk is on fire")
        return conversation()


def says_sure(task: Task, seed: int) -> Model:
    return Acts([Assistant(text=f"Sure, number {seed}.")])


def plan(
    desk: Desk | None = None,
    *,
    actor: ModelFor = says_sure,
    trials: int = 2,
    seed: int = 0,
    settings: dict[str, str] | None = None,
) -> RolloutPlan:
    desk = desk or Desk()
    return RolloutPlan(
        sets=(TaskSet(desk, desk.tasks("test")),),
        cast=Cast(actor=actor, user=lambda task, seed: Says(), critic=lambda env: NoCritic()),
        trials=trials,
        seed=seed,
        settings={"critic": "none", **(settings or {})},
        command="sidecritic eval",
    )


# --- trajectories made by hand ---------------------------------------------------------------

BRIEFING = Briefing(policy="Be right.", tools=TOOLS)
BRIEFINGS = {"b": BRIEFING}


def graded(passed: bool = True, reference: Sequence[ToolCall] | None = None) -> Ended:
    native = {}
    if reference is not None:
        entries = [
            {"name": c.name, "arguments": c.arguments, "effect": "write", "ok": True}
            for c in reference
        ]
        native = {"reference": entries}
    outcome = Outcome.model_validate({"reward": float(passed), "passed": passed, "native": native})
    return Ended(reason="env_done", outcome=outcome)


def trajectory(
    task: str = "t0",
    trial: int = 0,
    *,
    events: Sequence[Event] = (),
    end: Ended | None = None,
    simulated: tuple[str, ...] = ("actor", "user"),
) -> Trajectory:
    return Trajectory(
        id=f"{task}/{trial}",
        task=Task(id=task, env="desk", split="test"),
        trial=trial,
        actor="acts",
        critic="judges",
        user="says",
        simulated=simulated,
        versions={"task set": "desk 1"},
        briefing="b",
        events=(*events, end if end is not None else graded()),
    )


def proposed(
    action: Assistant, *, faults: Sequence[Fault] = (), attempt: int = 0, seconds: float = 0.0
) -> Proposed:
    completion = Completion(
        message=action,
        finish="stop",
        model="acts",
        faults=tuple(faults),
        seconds=seconds,
        usage=Usage(input_tokens=10, output_tokens=2),
    )
    return Proposed(turn=0, attempt=attempt, completion=completion)


def judged(
    verdict: Verdict | None = None, *, attempt: int = 0, seconds: float = 0.0, category: str = ""
) -> Judged:
    judgement = Judgement(
        verdict=verdict or Approve(), critic="judges", seconds=seconds, category=category
    )
    return Judged(turn=0, attempt=attempt, judgement=judgement)


def executed(action: Assistant) -> Executed:
    return Executed(turn=0, action=action, source="actor")


def answered(*calls: ToolCall, is_error: bool = False) -> Observed:
    results = tuple(
        ToolResult(call_id=c.id, name=c.name, text="ok", is_error=is_error) for c in calls
    )
    return Observed(observation=Observation(messages=results))
