"""What became of a turn in which the critic intervened."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from sidecritic.scoring.measure.seen import Verdict, verdicts_of
from sidecritic.trace import Executed, Trajectory
from sidecritic.types import Briefing
from sidecritic.writes import outcome_of

Fate = Literal["repaired", "failed", "gave up", "spoilt", "harmless", "unknown"]

FATES: dict[Fate, str] = {
    "repaired": "the draft was wrong, another one ran, the episode passed",
    "failed": "the draft was wrong, another one ran, the episode failed nevertheless",
    "gave up": "no draft was approved: safe message, hand-over, halt, or it ran unapproved",
    "spoilt": "the draft was right, and the episode failed",
    "harmless": "the draft was right, and the episode passed",
    "unknown": "nothing tells whether the draft was wrong, or how the episode ended",
}


class Intervened(NamedTuple):
    """A turn with at least one draft that did not pass; `first` is the first of them."""

    trajectory: Trajectory
    first: Verdict
    fate: Fate


class ToolMarks(NamedTuple):
    """Verdicts about one tool."""

    judged: int
    right: int
    wrong: int
    missed: int
    unknown: int
    """Refused, and nothing tells whether that was right."""


def intervened(
    trajectories: Iterable[Trajectory], briefings: Mapping[str, Briefing]
) -> Iterator[Intervened]:
    """Yield the turns in which the critic intervened, episode by episode."""
    for trajectory in trajectories:
        ran = {event.turn: event for event in trajectory.events if isinstance(event, Executed)}
        turns: dict[int, list[Verdict]] = defaultdict(list)
        for verdict in verdicts_of(trajectory, briefings.get(trajectory.briefing)):
            turns[verdict.turn].append(verdict)
        for turn, verdicts in turns.items():
            refused = [each for each in verdicts if each.refused]
            if refused:
                fate = _fate(trajectory, ran.get(turn), refused)
                yield Intervened(trajectory, refused[0], fate)


def _fate(trajectory: Trajectory, ran: Executed | None, refused: Sequence[Verdict]) -> Fate:
    if ran is None or ran.source == "fallback" or not ran.approved:
        return "gave up"
    outcome = outcome_of(trajectory)
    wrong = refused[0].wrong
    if wrong is None or outcome is None:
        return "unknown"
    passed = outcome.reward >= 1 if outcome.passed is None else outcome.passed
    if wrong:
        return "repaired" if passed else "failed"
    return "harmless" if passed else "spoilt"


def by_tool(
    trajectories: Iterable[Trajectory], briefings: Mapping[str, Briefing]
) -> dict[str, ToolMarks]:
    """Count verdicts by the tools of their proposal; `""` is a message without a call."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for trajectory in trajectories:
        for verdict in verdicts_of(trajectory, briefings.get(trajectory.briefing)):
            for tool in dict.fromkeys(verdict.tools or ("",)):
                found[tool].update(("judged", *_mark(verdict)))
    fields = ToolMarks._fields
    return {tool: ToolMarks(*(marks[name] for name in fields)) for tool, marks in found.items()}


def _mark(verdict: Verdict) -> tuple[str, ...]:
    if verdict.refused:
        known = {True: "right", False: "wrong", None: "unknown"}
        return (known[verdict.wrong],)
    return ("missed",) if verdict.wrong else ()
