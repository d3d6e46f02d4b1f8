"""The proposals of a trajectory, which labels are about, and what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sidecritic.gates import Gate, covers, kind_of
from sidecritic.recorded import Kind
from sidecritic.trace import Executed, Proposed, Trajectory, proposals
from sidecritic.types import Briefing, Fault, Judgement, Proposal


@dataclass(frozen=True, slots=True)
class LoggedProposal:
    """One proposal of a trajectory."""

    at: int
    """Position of its event in the log."""
    proposal: Proposal
    judgement: Judgement | None
    kind: Kind
    faults: tuple[Fault, ...]
    executed: bool
    """Whether it ran as the actor wrote it."""


def logged_proposals(
    trajectory: Trajectory, briefing: Briefing, *, gate: Gate = "writes+final"
) -> Iterator[LoggedProposal]:
    """Walk over the proposals that the gate sends to a critic, in order.

    Labels of both classes come from the same proposals: where only mistakes were taken from
    elsewhere, a critic would learn what kind of action it sees instead of whether it is wrong.
    """
    events = trajectory.events
    starts = [(at, event) for at, event in enumerate(events) if isinstance(event, Proposed)]
    rebuilt = proposals(events, task_id=trajectory.task.id, briefing=briefing)
    for (at, event), (proposal, judgement) in zip(starts, rebuilt, strict=True):
        if covers(gate, proposal):
            yield LoggedProposal(
                at=at,
                proposal=proposal,
                judgement=judgement,
                kind=kind_of(proposal),
                faults=event.completion.faults,
                executed=_executed(trajectory, at),
            )


def _executed(trajectory: Trajectory, at: int) -> bool:
    later = (e for e in trajectory.events[at + 1 :] if isinstance(e, Executed | Proposed))
    following = next(later, None)
    return isinstance(following, Executed) and following.source == "actor"


def about(
    trajectory: Trajectory, place: LoggedProposal, call_id: str | None = None
) -> dict[str, Any]:
    """Return the fields of `Label` that name a proposal, or its only call if it has one."""
    calls = place.proposal.action.calls
    if call_id is None and len(calls) == 1:
        call_id = calls[0].id
    return {
        "trajectory": trajectory.id,
        "env": trajectory.task.env,
        "task_id": trajectory.task.id,
        "turn": place.proposal.turn,
        "attempt": place.proposal.attempt,
        "call_id": call_id,
        "tool": ",".join(call.name for call in calls if call_id is None or call.id == call_id),
    }
