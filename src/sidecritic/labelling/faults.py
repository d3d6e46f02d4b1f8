"""Labels by ground truth: the mistakes that a simulated actor made on purpose."""

from collections.abc import Iterator

from sidecritic.gates import Gate
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import about, logged_proposals
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing
from sidecritic.writes import failing_references, normal_form


def by_faults(
    trajectory: Trajectory, briefing: Briefing, *, gate: Gate = "writes+final"
) -> Iterator[Label]:
    """Yield a label for each gated proposal of a simulated actor; nothing for another one.

    A proposal that carries a fault is wrong, every other one right, as scores count them. Left
    out are calls of the reference that their own tool refuses, and farewells after a fault that
    ran: whether to part is then no question that anybody has an answer to.
    """
    if "actor" not in trajectory.simulated:
        return
    failing = failing_references(trajectory.ended.outcome if trajectory.ended else None)
    spoiled = False
    for place in logged_proposals(trajectory, briefing, gate=gate):
        forms = {normal_form(c.name, c.arguments or {}) for c in place.proposal.action.calls}
        if place.faults:
            notes = "; ".join(fault.note for fault in place.faults if fault.note)
            kinds = ", ".join(fault.kind for fault in place.faults)
            yield Label(
                source="fault",
                wrong=True,
                category=place.faults[0].kind,
                evidence=f"planted: {kinds} {notes}",
                **about(trajectory, place),
            )
        elif not forms & failing and not (spoiled and place.kind == "final"):
            evidence = "no fault was planted here"
            yield Label(source="fault", wrong=False, evidence=evidence, **about(trajectory, place))
        spoiled = spoiled or (place.executed and bool(place.faults))
