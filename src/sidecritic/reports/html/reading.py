"""The ten most instructive episodes of a run, and what to read of each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from sidecritic.reports.html.blocks import Block, Extract, Line
from sidecritic.reports.text import plain
from sidecritic.scoring.measure.seen import Verdict, verdicts_of
from sidecritic.scoring.results import Comparison
from sidecritic.trace import Ended, Event, Executed, Failed, Judged, Observed, Proposed, Trajectory
from sidecritic.types import Assistant, Briefing, Judgement, Revise, User
from sidecritic.writes import outcome_of

MOST = 10
_TURNS = 3
"""Turns of an episode that are shown."""
_LETTERS = 400


class Episode(NamedTuple):
    """An episode, why it teaches something, and how much."""

    trajectory: Trajectory
    why: str
    turns: frozenset[int]
    """The turns that are worth reading."""
    rank: int
    """Lowest first."""


def reading(
    trajectories: Iterable[Trajectory],
    briefings: Mapping[str, Briefing],
    name: str,
    comparison: Comparison | None = None,
) -> Block:
    """Return extracts of the episodes that teach most about the critic."""
    changes = {
        (each.env, each.task): each.supervised - each.baseline
        for each in (comparison.by_task if comparison else ())
    }
    found = (
        _ranked(each, list(verdicts_of(each, briefings.get(each.briefing))), changes)
        for each in trajectories
    )
    ranked = sorted((each for each in found if each), key=lambda e: (e.rank, e.trajectory.key))
    chosen = _varied(ranked)
    lead = (
        f"{len(chosen)} of {len(ranked)} episodes in which the critic intervened or missed a "
        "mistake; harm first, then what it missed, then what it repaired. "
        "sidecritic view RUN shows every episode whole.",
    )
    extracts = tuple(_extract(f"read-{at}", each) for at, each in enumerate(chosen, start=1))
    return Block("read", f"Instructive episodes, {name}", lead=lead, extracts=extracts)


def _varied(ranked: Sequence[Episode]) -> list[Episode]:
    """Choose in turn from each rank, so that one kind does not fill the list."""
    by_rank: dict[int, list[Episode]] = {}
    for each in ranked:
        by_rank.setdefault(each.rank, []).append(each)
    chosen: list[Episode] = []
    while len(chosen) < MOST and any(by_rank.values()):
        for rank in sorted(by_rank):
            if by_rank[rank] and len(chosen) < MOST:
                chosen.append(by_rank[rank].pop(0))
    return sorted(chosen, key=lambda each: (each.rank, each.trajectory.key))


def _ranked(
    episode: Trajectory, verdicts: Sequence[Verdict], changes: Mapping[tuple[str, str], int]
) -> Episode | None:
    wrongly = [each for each in verdicts if each.refused and each.wrong is False]
    rightly = [each for each in verdicts if each.refused and each.wrong]
    missed = [each for each in verdicts if not each.refused and each.wrong]
    refused = [each for each in verdicts if each.refused]
    passed, change = _passed(episode), changes.get(episode.key[:2], 0)
    cases = (
        (wrongly, passed is False and change < 0, "A right draft was refused; the task lost."),
        (wrongly, passed is False, "A right draft was refused, and the episode failed."),
        (missed, passed is False, "A mistake was approved, and the episode failed."),
        (rightly, bool(passed) and change > 0, "A mistake was refused; the task gained."),
        (rightly, passed is False, "A mistake was refused, and the episode failed all the same."),
        (rightly, bool(passed), "A mistake was refused, and the episode passed."),
        (wrongly, bool(passed), "A right draft was refused, without harm."),
        (refused, True, "The critic intervened; nothing tells whether it was right."),
    )
    for rank, (telling, holds, why) in enumerate(cases):
        if telling and holds:
            turns = frozenset(sorted({each.turn for each in telling})[:_TURNS])
            return Episode(episode, why, turns, rank)
    return None


def _passed(episode: Trajectory) -> bool | None:
    outcome = outcome_of(episode)
    if outcome is None:
        return None
    return outcome.reward >= 1 if outcome.passed is None else outcome.passed


def _extract(id: str, episode: Episode) -> Extract:
    env, task, trial = episode.trajectory.key
    lines = tuple(_folded(_lines(episode.trajectory.events, episode.turns)))
    return Extract(id, f"{env} {task}, trial {trial}", episode.why, lines)


def _lines(events: Sequence[Event], turns: frozenset[int]) -> Iterator[Line]:
    heard = ""
    for event in events:
        match event:
            case Observed(observation=observation):
                said = [m.text for m in observation.messages if isinstance(m, User)]
                heard = said[-1] if said else heard
            case Proposed(turn=turn, attempt=0) if turn in turns and heard:
                yield Line("user", "user", plain(heard, _LETTERS))
                heard = ""
            case Judged(turn=turn) if turn in turns:
                yield from _judged(event, _draft(events, event))
            case Executed(turn=turn) if turn in turns:
                yield _ran(event)
            case Ended() | Failed():
                yield _end(event)
            case _:
                pass


def _folded(lines: Iterable[Line]) -> Iterator[Line]:
    """Yield lines without a draft and verdict that repeat those just before them."""
    last: list[Line] = []
    repeated = 0
    for line in lines:
        if line in last and line.tone in ("refused", "critic"):
            repeated += line.tone == "critic"
            continue
        if repeated:
            times = "once" if repeated == 1 else f"{repeated} times"
            yield Line("draft, refused", "again", f"the same draft and verdict again, {times}")
        last = [*last, line] if line.tone in ("refused", "critic") else []
        repeated = 0
        yield line


def _judged(event: Judged, draft: Assistant) -> Iterator[Line]:
    kind = event.judgement.verdict.kind
    if kind != "approve":
        yield Line("draft, refused", "refused", _action(draft))
    yield Line(f"critic: {kind}", "critic", _judgement(event.judgement))


def _ran(event: Executed) -> Line:
    who = "ran" if event.source == "actor" else f"ran ({event.source})"
    return Line(who if event.approved else f"{who}, unapproved", "ran", _action(event.action))


def _end(event: Ended | Failed) -> Line:
    if isinstance(event, Failed):
        return Line(
            f"{event.where} failed", "end", f"{event.error}: {plain(event.message, _LETTERS)}"
        )
    graded = "not graded" if event.outcome is None else f"reward {event.outcome.reward:g}"
    return Line("end", "end", f"{event.reason}, {graded}")


def _draft(events: Sequence[Event], judged: Judged) -> Assistant:
    found = (
        each.completion.message
        for each in events
        if isinstance(each, Proposed) and (each.turn, each.attempt) == (judged.turn, judged.attempt)
    )
    return next(found, Assistant())


def _action(action: Assistant) -> str:
    calls = [f"{call.name}({call.raw})" for call in action.calls]
    return plain(" ".join(filter(None, (action.text, *calls))) or "(empty message)", _LETTERS)


def _judgement(judgement: Judgement) -> str:
    verdict = judgement.verdict
    said = verdict.feedback if isinstance(verdict, Revise) else judgement.rationale
    parts = (judgement.risk_text, judgement.category, said)
    return plain(": ".join(filter(None, parts)), _LETTERS)
