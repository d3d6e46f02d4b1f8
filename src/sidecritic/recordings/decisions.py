"""Decisions of the live gateway, as `sidecritic decisions export` writes them, one a line.

Each is a run of one proposal, with everything that the critic was shown; what a person said of it
is its label.
"""

from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from sidecritic.errors import TraceError, first_problem
from sidecritic.recorded import CHATS, GATEWAY, UNKNOWN, Opinion, Recorded
from sidecritic.recordings.shapes import inner
from sidecritic.trace import Judged, Observed, Proposed, Trajectory
from sidecritic.types import Briefing, Completion, Judgement, Observation, Proposal, Task, User


class _Content(BaseModel, extra="ignore", frozen=True):
    proposal: Proposal
    judgement: Judgement | None = None


class _Label(BaseModel, extra="ignore", frozen=True):
    wrong: bool
    feedback: str = ""
    evidence: str = ""


class _Row(BaseModel, extra="ignore", frozen=True):
    id: str
    tenant: str
    route: str
    model: str
    critic: str
    label: Literal["right", "wrong", ""] = ""
    label_note: str = ""
    labelled_by: str = ""
    as_label: _Label | None = None
    content: _Content | None = None


def is_decision(record: object) -> bool:
    """Whether a record is a line of an export of decisions."""
    return all(isinstance(inner(record, key), str) for key in ("id", "route", "critic"))


def decisions(lines: Iterable[str], file: Path) -> Iterator[Recorded | TraceError | None]:
    """Yield each decision as a run; `None` for one whose content the gateway did not keep."""
    at = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = _Row.model_validate_json(line)
            yield _recorded(row, row.content, file, at) if row.content is not None else None
        except ValidationError as cause:
            problem = first_problem(cause, "the line")
            yield TraceError(f"{file}, line {number}: {problem}; it is no exported decision")
        at += 1


def _recorded(row: _Row, content: _Content, file: Path, at: int) -> Recorded:
    proposal = content.proposal
    turn, attempt = proposal.turn, proposal.attempt
    completion = Completion(message=proposal.action, finish="stop", model=row.model)
    judged = content.judgement and Judged(turn=turn, attempt=attempt, judgement=content.judgement)
    name = f"{GATEWAY}:{row.id}"
    conversation = _conversation(row, proposal)
    trajectory = Trajectory(
        id=name,
        task=Task(id=conversation, env=f"{GATEWAY}:{row.route}", split="live"),
        trial=0,
        actor=row.model or UNKNOWN,
        critic=row.critic,
        events=(
            Observed(observation=Observation(messages=proposal.history)),
            Proposed(turn=turn, attempt=attempt, completion=completion),
            *((judged,) if judged else ()),
        ),
    )
    return Recorded(
        file=file.name,
        simulation=at,
        benchmark=CHATS,
        domain=row.route,
        user_id=f"{row.route} {conversation}",
        trajectory=trajectory,
        briefing=Briefing(policy=proposal.policy, tools=proposal.tools, context=proposal.context),
        opinions=tuple(_opinions(row, name, proposal)),
    )


def _opinions(row: _Row, name: str, proposal: Proposal) -> Iterator[Opinion]:
    """Yield what was said of the action: in a label, or else in a ruling on its review."""
    place: dict[str, Any] = {"trajectory": name, "turn": proposal.turn, "attempt": proposal.attempt}
    if row.label:
        wrong, note, by = row.label == "wrong", row.label_note, row.labelled_by
        yield Opinion(**place, wrong=wrong, note=note, by=by)
    elif row.as_label is not None:
        ruled = row.as_label
        yield Opinion(**place, wrong=ruled.wrong, note=ruled.evidence, feedback=ruled.feedback)


def _conversation(row: _Row, proposal: Proposal) -> str:
    """Return a name of the conversation: what begins with the same words is one."""
    opening = next((m.text for m in proposal.history if isinstance(m, User)), row.id)
    return sha256(f"{row.tenant}\n{opening}".encode()).hexdigest()[:16]
