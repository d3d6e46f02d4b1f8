"""Labels by the surest policy check that speaks against a proposal."""

from sidecritic.checks.base import Finding, Pack
from sidecritic.episode import LOOK_BUDGET
from sidecritic.errors import CriticError, boundary
from sidecritic.gates import Gate
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import label_of, logged_proposals
from sidecritic.labelling.scene import Rebuilt
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Proposal

SURE = 0.5
"""Risk from which a check counts as a label: wrong is then more likely than right."""


async def by_rules(
    trajectory: Trajectory,
    briefing: Briefing,
    pack: Pack,
    rebuilt: Rebuilt | None = None,
    *,
    gate: Gate = "writes+final",
) -> list[Label]:
    """Return a label of each gated proposal that the surest check speaks against.

    That no check fires says nothing. The weight is the check's risk. Where the environment
    could be rebuilt, checks may look records up as they do under supervision.
    """
    found: list[Label] = []
    for place in logged_proposals(trajectory, briefing, gate=gate):
        findings = await _findings(place.proposal, pack, rebuilt)
        surest = next((f for f in findings if f.risk >= SURE), None)
        if surest is None:
            continue
        found.append(
            label_of(
                trajectory,
                place,
                source="rule",
                wrong=True,
                call_id=surest.call_id,
                weight=surest.risk,
                category=surest.check,
                evidence=surest.evidence or surest.policy,
            )
        )
    return found


async def _findings(proposal: Proposal, pack: Pack, rebuilt: Rebuilt | None) -> tuple[Finding, ...]:
    snapshot = rebuilt.before.get(proposal.turn) if rebuilt is not None else None
    if snapshot is not None:
        proposal = proposal.model_copy(update={"look": snapshot.look(LOOK_BUDGET)})
    with boundary(CriticError, f"checks of {pack.name!r}"):
        return await pack.examined(proposal)
