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

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from sidecritic.gates import Gate
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, about, logged_proposals
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing, Outcome, ToolCall
from sidecritic.writes import Standing, Unmatched, standing, succeeded, write_tools

UNREACHABLE = "goal unreachable"
DEPARTED = "departs from the reference"
OMITTED = "omission"
NOT_TOLD = "not told"

_NO_REFERENCE = "the episode failed, and no open reference write is this one"
_LOST = "after it the rest of the reference no longer leads to the reference end state"
_CERTAIN, _LIKELY, _OMISSION, _LATER = 1.0, 0.8, 0.7, 0.5


@dataclass(frozen=True, slots=True)
class _Write:
    place: LoggedProposal
    call: ToolCall
    standing: Standing


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
    writes = _writes(trajectory, briefing, places, unmatched=unmatched, outcome=outcome)
    passed = outcome.reward >= 1
    first = True
    for write in writes:
        yield from _of_write(trajectory, write, passed=passed, first=first, lost_at=lost_at)
        first = first and write.standing != "wrong"
    if passed or first:
        yield from _of_end(trajectory, places, outcome, unmatched=unmatched)


def _writes(
    trajectory: Trajectory,
    briefing: Briefing,
    places: Sequence[LoggedProposal],
    *,
    unmatched: Unmatched,
    outcome: Outcome,
) -> list[_Write]:
    writing, done = write_tools(briefing), succeeded(trajectory.events)
    return [
        _Write(place, call, standing(call, unmatched, outcome))
        for place in places
        if place.executed
        for call in place.proposal.action.calls
        if call.name in writing and call.id in done
    ]


def _of_write(
    trajectory: Trajectory, write: _Write, *, passed: bool, first: bool, lost_at: int | None
) -> Iterator[Label]:
    if write.standing == "left out":
        return
    wrong = write.standing == "wrong"
    if not wrong:
        weight, category = (_CERTAIN if passed else _LIKELY), ""
        evidence = f"a reference write; the episode {'passed' if passed else 'failed'}"
    elif lost_at == write.place.proposal.turn:
        weight, category = _CERTAIN, UNREACHABLE
        evidence = f"{_NO_REFERENCE}; {_LOST}"
    else:
        weight, category = (_LIKELY if first else _LATER), DEPARTED
        evidence = _NO_REFERENCE
    yield Label(
        source="outcome",
        wrong=wrong,
        weight=weight,
        category=category,
        evidence=evidence,
        **about(trajectory, write.place, write.call.id),
    )


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
    missing, untold = unmatched.left, _untold(outcome.native)
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


def _untold(native: Mapping[str, JsonValue]) -> list[str]:
    listed = native.get("communicate")
    entries = listed if isinstance(listed, list) else []
    return [
        str(entry.get("info"))
        for entry in entries
        if isinstance(entry, dict) and entry.get("met") is False
    ]
