"""Whether the critic intervened where it should have, episode by episode."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from sidecritic.scoring.results import Basis, Interventions, Tally
from sidecritic.trace import Ended, Event, Executed, Failed, Judged, Proposed, Trajectory
from sidecritic.types import (
    UNVERIFIED,
    Approve,
    Assistant,
    Briefing,
    Fault,
    Judgement,
    Outcome,
    Revise,
)
from sidecritic.writes import (
    Unmatched,
    failing_references,
    normal_form,
    outcome_of,
    standing,
    succeeded,
    write_tools,
)

Mark = Literal["right", "wrong", "missed", "unknown", "unverified"]
_APART = ("unknown", "unverified")


class _Count(NamedTuple):
    """One thing that happened, and the kinds it is counted under."""

    mark: Mark
    kinds: tuple[str, ...] = ()
    category: str | None = None


def interventions(
    episodes: Iterable[tuple[Trajectory, Briefing | None]],
) -> Interventions:
    """Count over episodes; a briefing of `None` means that the tools are not known."""
    marks, acts = Counter[Mark](), Counter[str]()
    kinds, categories = (
        defaultdict[str, Counter[Mark]](Counter),
        defaultdict[str, Counter[Mark]](Counter),
    )
    bases: set[Basis] = set()
    for trajectory, briefing in episodes:
        counts, basis = _marked(trajectory, briefing)
        bases.add(basis)
        acts.update(_acts(trajectory))
        for mark, found, category in counts:
            marks[mark] += 1
            for kind in found if mark not in _APART else ():
                kinds[kind][mark] += 1
            if category is not None and mark not in _APART:
                categories[category][mark] += 1
    bases -= {"none"}
    return Interventions(
        basis="none" if not bases else bases.pop() if len(bases) == 1 else "mixed",
        by_kind={kind: Tally(**kinds[kind]) for kind in sorted(kinds)},
        by_category={name: Tally(**categories[name]) for name in sorted(categories)},
        **marks,
        **acts,
    )


def _marked(trajectory: Trajectory, briefing: Briefing | None) -> tuple[Iterable[_Count], Basis]:
    if "actor" in trajectory.simulated:
        return _by_faults(trajectory), "faults"
    outcome = outcome_of(trajectory)
    unmatched = Unmatched.of(outcome)
    if outcome is None or unmatched is None or briefing is None:
        return (_Count("unknown") for each in trajectory.events if _refuses(each)), "none"
    return _by_reference(trajectory, briefing, unmatched=unmatched, outcome=outcome), "reference"


def _by_faults(trajectory: Trajectory) -> Iterator[_Count]:
    action, faults = Assistant(), tuple[Fault, ...]()
    ran: dict[tuple[str, int], bool] = {}
    failing = failing_references(outcome_of(trajectory))
    for event in trajectory.events:
        match event:
            case Proposed(completion=completion):
                action, faults = completion.message, completion.faults
            case Judged(judgement=judgement) if _refuses(event):
                forms = {normal_form(c.name, c.arguments or {}) for c in action.calls}
                mark: Mark = "unknown" if forms & failing else _unfounded(judgement)
                kinds = tuple(fault.kind for fault in faults)
                yield _Count("right" if faults else mark, kinds, judgement.category)
                ran.update(((fault.kind, fault.step), False) for fault in faults)
            case Executed(source="actor"):
                ran.update(((fault.kind, fault.step), True) for fault in faults)
            case _:
                pass
    # A faulty plan is announced before it is acted upon: what counts is how that ended.
    yield from (_Count("missed", (kind,)) for (kind, _), executed in ran.items() if executed)


def _by_reference(
    trajectory: Trajectory, briefing: Briefing, *, unmatched: Unmatched, outcome: Outcome
) -> Iterator[_Count]:
    tools, done = write_tools(briefing), succeeded(trajectory.events)
    proposed = Assistant()
    for event in trajectory.events:
        match event:
            case Proposed(completion=completion):
                proposed = completion.message
            case Judged(judgement=judgement) if _refuses(event):
                writes = [call for call in proposed.calls if call.name in tools]
                right = any(not unmatched.holds(call) for call in writes)
                unfounded = _unfounded(judgement)
                mark: Mark = "unknown" if not writes else "right" if right else unfounded
                kinds = tuple(call.name for call in writes)
                yield _Count(mark, kinds, judgement.category)
            case Executed(action=action):
                for call in action.calls:
                    ran = call.name in tools and call.id in done
                    if ran and standing(call, unmatched, outcome) == "wrong":
                        yield _Count("missed", (call.name,))
            case _:
                pass


def _unfounded(judgement: Judgement) -> Mark:
    """Return the mark of a refusal of what was right: "verify first" costs a step, no more."""
    return "unverified" if judgement.category == UNVERIFIED else "wrong"


def _refuses(event: Event) -> bool:
    # A skipped judgement repeats an earlier one, or refuses an empty message.
    if not isinstance(event, Judged) or event.judgement.status == "skipped":
        return False
    return not isinstance(event.judgement.verdict, Approve)


# --- what happened, right or wrong ---------------------------------------------------------

_ACTS = {"replace": ("replaced",), "escalate": ("escalated",), "halt": ("halted",)}


def _acts(trajectory: Trajectory) -> Iterator[str]:
    refused = False
    for event in trajectory.events:
        match event:
            case Judged(judgement=judgement):
                refused = isinstance(judgement.verdict, Revise)
                if judgement.status != "skipped":
                    yield "judged"
                yield from _ACTS.get(judgement.verdict.kind, ())
            case Failed(where="critic"):
                refused = False
                yield "critic_failures"
            case Proposed():
                refused = False
            case Executed(source=source):
                yield from ("exhausted",) if refused else ()
                yield from ("fallbacks",) if source == "fallback" else ()
                refused = False
            case Ended(reason="halted" | "escalated") if refused:
                yield "exhausted"
            case _:
                pass
