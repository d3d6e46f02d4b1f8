"""Labels by the surest policy check that speaks against a proposal."""

from sidecritic.checks.base import Pack
from sidecritic.episode import LOOK_BUDGET
from sidecritic.errors import CriticError, boundary
from sidecritic.gates import Gate
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import about, logged_proposals
from sidecritic.labelling.scene import Rebuilt
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing

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
        proposal = place.proposal
        if rebuilt and (snapshot := rebuilt.before.get(proposal.turn)) is not None:
            proposal = proposal.model_copy(update={"look": snapshot.look(LOOK_BUDGET)})
        with boundary(CriticError, f"checks of {pack.name!r}"):
            findings = await pack.examined(proposal)
        surest = next((f for f in findings if f.risk >= SURE), None)
        if surest is not None:
            label = Label(
                source="rule",
                wrong=True,
                weight=surest.risk,
                category=surest.check,
                evidence=surest.evidence or surest.policy,
                **about(trajectory, place, surest.call_id),
            )
            found.append(label)
    return found
