"""A label: whether a proposed action was wrong, which source says so, and its weight."""

from typing import Literal, NamedTuple

from pydantic import Field

from sidecritic.types import Record

LabelSource = Literal["outcome", "branching", "fault", "teacher", "human", "rule"]


class ProposalPlace(NamedTuple):
    """A proposal of an own trajectory, or one call of it."""

    trajectory: str
    turn: int
    attempt: int
    call_id: str | None


class Label(Record):
    """One line of `labels.jsonl`, the file in the directory of the run that it labels."""

    schema_version: Literal[1] = 1
    trajectory: str
    """Id of the trajectory."""
    env: str
    task_id: str
    turn: int
    attempt: int
    call_id: str | None = None
    """The call that is right or wrong; `None` for a message, or the action as a whole."""
    tool: str = ""
    wrong: bool
    source: LabelSource
    weight: float = Field(default=1.0, gt=0, le=1)
    """How much it counts in training: a certain truth counts 1."""
    category: str = ""
    """What kind of mistake, such as the kind of the fault or the name of the check."""
    evidence: str = ""
    """What the label rests on, in words."""
    feedback: str = ""
    """What would have helped the actor; only where it did help, or a person wrote it."""
    unhelpful: tuple[str, ...] = ()
    """Feedback that was tried, and after which the actor did no better."""
    advantage: float | None = None
    """Success with the intervention minus success without, in [-1, 1]; of branching only."""
    interval: tuple[float, float] | None = None
    """95 % interval of the advantage."""
    continuations: int = 0
    """How many episodes were continued to measure the advantage, on both sides together."""

    @property
    def place(self) -> ProposalPlace:
        return ProposalPlace(self.trajectory, self.turn, self.attempt, self.call_id)
