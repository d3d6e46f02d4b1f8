"""The proposals of a trajectory, which labels are about, and what became of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypedDict, Unpack

from sidecritic.gates import Gate, covers, kind_of
from sidecritic.labelling.label import Label, LabelSource
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


class EffectFields(TypedDict, total=False):
    """What a label says of the effect of an intervention; see `Label`."""

    evidence: str
    advantage: float
    interval: tuple[float, float]
    continuations: int


class LabelFields(EffectFields, total=False):
    """What a source may say besides right or wrong; see `Label`."""

    weight: float
    category: str
    feedback: str
    unhelpful: tuple[str, ...]


def label_of(
    trajectory: Trajectory,
    place: LoggedProposal,
    *,
    source: LabelSource,
    wrong: bool,
    call_id: str | None = None,
    **fields: Unpack[LabelFields],
) -> Label:
    """Return a label of the proposal; of its only call, where it has one."""
    calls = place.proposal.action.calls
    if call_id is None and len(calls) == 1:
        call_id = calls[0].id
    named = (call.name for call in calls if call_id is None or call.id == call_id)
    return Label(
        trajectory=trajectory.id,
        env=trajectory.task.env,
        task_id=trajectory.task.id,
        turn=place.proposal.turn,
        attempt=place.proposal.attempt,
        call_id=call_id,
        tool=",".join(named),
        wrong=wrong,
        source=source,
        **fields,
    )
