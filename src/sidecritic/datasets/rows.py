"""A row of a data set, as TRL reads it: a prompt, its completion, and where both come from."""

from typing import Literal

from pydantic import Field

from sidecritic.splits.assignment import Split
from sidecritic.types import Record

Trust = Literal["simulated", "recorded", "live"]


class Said(Record):
    """A chat message in the form that chat templates take."""

    role: Literal["system", "user", "assistant"]
    content: str


class Provenance(Record):
    """Where a row comes from, and who vouches for it."""

    run: str
    trajectory: str
    turn: int
    attempt: int
    call_id: str | None = None
    tool: str = ""
    env: str
    task_id: str
    user_id: str
    """Of the task: rows of one user are all in one split."""
    actor: str
    source: str
    """Of the label."""
    category: str = ""
    trust: Trust
    licence: str = ""


class VerdictRow(Record):
    """Supervised fine-tuning of the verdict: one line of `verdict/SPLIT.jsonl`."""

    id: str
    prompt: tuple[Said, ...]
    completion: tuple[Said, ...]
    """One message whose content is the verdict word alone."""
    wrong: bool
    weight: float = Field(gt=0, le=1)
    split: Split
    provenance: Provenance


class FeedbackRow(Record):
    """Supervised fine-tuning of the reasons: one line of `feedback/SPLIT.jsonl`."""

    id: str
    prompt: tuple[Said, ...]
    """The verdict's, with the refusal and the question why."""
    completion: tuple[Said, ...]
    """One message: the form that a critic fills in, its feedback seen to help."""
    weight: float = Field(gt=0, le=1)
    split: Split
    provenance: Provenance


class PreferenceRow(Record):
    """Direct preference optimisation: one line of `preference/SPLIT.jsonl`."""

    id: str
    prompt: tuple[Said, ...]
    chosen: tuple[Said, ...]
    rejected: tuple[Said, ...]
    about: Literal["verdict", "feedback"]
    weight: float = Field(gt=0, le=1)
    split: Split
    provenance: Provenance


class StepsRow(Record):
    """Stepwise supervision of one trajectory: one line of `steps/SPLIT.jsonl`."""

    id: str
    prompt: str
    """The policy."""
    completions: tuple[str, ...]
    """What happened, cut behind each labelled action."""
    labels: tuple[bool, ...]
    """Whether that action was right."""
    split: Split
    provenance: Provenance
    """Of the first of them."""


Row = VerdictRow | FeedbackRow | PreferenceRow | StepsRow
