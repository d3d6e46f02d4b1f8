"""Labels by branching: what an intervention at a proposal changes.

| of the intervention | label | weight |
|---|---|---|
| it helps: the interval of the advantage lies above 0 | wrong | 1.0 |
| it harms: the interval lies below 0 | right | 1.0 |
| neither, and without it most continuations succeed | right | least likely success without |
| else | nothing | |
"""

from collections.abc import Awaitable, Callable
from typing import Any

from sidecritic.gates import Gate
from sidecritic.labelling.advantage import Advantage, Branch, Effort, Players, advantage
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, about, logged_proposals
from sidecritic.labelling.scene import Scene
from sidecritic.ports import Snapshot

Tells = Callable[[LoggedProposal, Snapshot], Awaitable[str]]
"""A proposal and its environment to the feedback that is tried; empty for none."""

MOSTLY = 0.5
"""Least success without intervention from which an action counts as right."""


async def by_branching(
    scene: Scene,
    players: Players,
    *,
    effort: Effort,
    tells: Tells,
    gate: Gate = "writes+final",
) -> list[Label]:
    """Return labels of the gated proposals about which the continuations tell something."""
    found: list[Label] = []
    for place in logged_proposals(scene.trajectory, scene.briefing, gate=gate):
        snapshot = scene.rebuilt.before.get(place.proposal.turn)
        feedback = await tells(place, snapshot) if snapshot is not None else ""
        if snapshot is None or not feedback:
            continue
        branch = Branch(scene.trajectory, place, snapshot, feedback)
        effect = await advantage(branch, players, effort)
        if effect is not None and (label := label_by(branch, effect)) is not None:
            found.append(label)
    return found


def label_by(branch: Branch, effect: Advantage) -> Label | None:
    """Return the label that an effect amounts to, if any."""
    if effect.helps:
        wrong, weight, feedback = True, 1.0, branch.feedback
    elif effect.harms:
        wrong, weight, feedback = False, 1.0, ""
    elif effect.without.value > MOSTLY and effect.safe_without > 0:
        wrong, weight, feedback = False, effect.safe_without, ""
    else:
        return None
    faults = (fault.kind for fault in branch.place.faults)
    return Label(
        source="branching",
        wrong=wrong,
        weight=weight,
        category=next(faults, "worth an intervention") if wrong else "",
        feedback=feedback,
        **about(branch.trajectory, branch.place),
        **measured(effect),
    )


def measured(effect: Advantage) -> dict[str, Any]:
    """Return what `Label` says of an effect."""
    one, other = effect.with_it, effect.without
    return {
        "evidence": (
            f"with the intervention {one.passed} of {one.trials} continuations succeed, without "
            f"{other.passed} of {other.trials}"
        ),
        "advantage": effect.value,
        "interval": effect.interval,
        "continuations": effect.continuations,
    }
