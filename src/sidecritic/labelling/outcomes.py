"""Labels by how an episode ended: its writes against the reference of the task.

| what ran | label | weight |
|---|---|---|
| a write that matches an open reference write, episode passed | right | 1.0 |
| the same, episode failed | right | 0.8 |
| the first write that matches none, episode failed | wrong | 0.8; 1.0 where the goal was lost |
| a later one | wrong | 0.5: what follows a mistake may only be its consequence |
| a write that matches none, episode passed | nothing | |
| the last farewell or transfer, episode passed | right | 1.0 |
| the same, episode failed without a wrong write, and something was left out | wrong | 0.7 |

A reference is one way to the goal, not the only one, so that a departure alone never counts 1.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from sidecritic.gates import Gate
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, about, logged_proposals
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Outcome
from sidecritic.values import objects_of
from sidecritic.writes import Unmatched, standing, succeeded, write_tools

UNREACHABLE = "goal unreachable"
DEPARTED = "departs from the reference"
OMITTED = "omission"
NOT_TOLD = "not told"

_NO_REFERENCE = "the episode failed, and no open reference write is this one"
_LOST = "after it the rest of the reference no longer leads to the reference end state"
_CERTAIN, _LIKELY, _OMISSION, _LATER = 1.0, 0.8, 0.7, 0.5


def by_outcome(
    trajectory: Trajectory,
    briefing: Briefing,
    *,
    gate: Gate = "writes+final",
    lost_at: int | None = None,
) -> Iterator[Label]:
    """Yield labels of what ran; nothing without a grade or a reference.

    `lost_at` is the turn after which the goal could not be reached any more, if known
    (`reach.goal_lost_at`).
    """
    outcome = trajectory.ended.outcome if trajectory.ended else None
    unmatched = Unmatched.of(outcome)
    if outcome is None or unmatched is None:
        return
    places = list(logged_proposals(trajectory, briefing, gate=gate))
    writing, done = write_tools(briefing), succeeded(trajectory.events)
    writes = (
        (place, call)
        for place in places
        if place.executed
        for call in place.proposal.action.calls
        if call.name in writing and call.id in done
    )
    passed = outcome.reward >= 1
    first = True
    for place, call in writes:
        stands = standing(call, unmatched, outcome)
        wrong = stands == "wrong"
        if stands != "left out":
            lost = lost_at == place.proposal.turn
            said = _of_wrong(lost=lost, first=first) if wrong else _of_right(passed=passed)
            where = about(trajectory, place, call.id)
            yield Label(source="outcome", wrong=wrong, **said, **where)
        first = first and not wrong
    if passed or first:
        yield from _of_end(trajectory, places, outcome, unmatched=unmatched)


def _of_right(*, passed: bool) -> dict[str, Any]:
    evidence = f"a reference write; the episode {'passed' if passed else 'failed'}"
    return {"weight": _CERTAIN if passed else _LIKELY, "evidence": evidence}


def _of_wrong(*, lost: bool, first: bool) -> dict[str, Any]:
    if lost:
        evidence = f"{_NO_REFERENCE}; {_LOST}"
        return {"weight": _CERTAIN, "category": UNREACHABLE, "evidence": evidence}
    weight = _LIKELY if first else _LATER
    return {"weight": weight, "category": DEPARTED, "evidence": _NO_REFERENCE}


def _of_end(
    trajectory: Trajectory,
    places: Sequence[LoggedProposal],
    outcome: Outcome,
    *,
    unmatched: Unmatched,
) -> Iterator[Label]:
    """Yield the label of the last farewell or transfer that ran."""
    last = next((p for p in reversed(places) if p.executed and p.kind == "final"), None)
    if last is None:
        return
    if outcome.reward >= 1:
        evidence = "the episode passed"
        yield Label(source="outcome", wrong=False, evidence=evidence, **about(trajectory, last))
        return
    told = objects_of(outcome.native, "communicate")
    missing, untold = unmatched.left, [t.get("info") for t in told if t.get("met") is False]
    if missing or untold:
        said = [f"never done: {form}" for form in missing] + [f"never said: {t}" for t in untold]
        yield Label(
            source="outcome",
            wrong=True,
            weight=_OMISSION,
            category=OMITTED if missing else NOT_TOLD,
            evidence="; ".join(said),
            **about(trajectory, last),
        )
