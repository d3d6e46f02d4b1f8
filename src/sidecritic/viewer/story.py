"""An episode as it reads: what was said, what was refused and why, what was executed."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Literal, assert_never

from sidecritic.trace import (
    Ended,
    Event,
    Executed,
    Failed,
    Judged,
    Observed,
    Proposed,
    Trajectory,
    to_line,
)
from sidecritic.types import (
    Assistant,
    Escalate,
    Flag,
    Halt,
    Judgement,
    Message,
    Observation,
    Proposal,
    Replace,
    Revise,
    System,
    ToolCall,
    ToolResult,
    User,
)
from sidecritic.writes import outcome_of

Tone = Literal[
    "user",
    "tool",
    "agent",
    "refused",
    "held",
    "last",
    "open",
    "critic",
    "fallback",
    "broken",
    "end",
]
"""What an entry is; decides its colour, and is also shown in words."""


@dataclass(frozen=True, slots=True)
class LabelTarget:
    """Which proposal a reader may label right or wrong, named as labels name it."""

    turn: int
    attempt: int
    calls: tuple[ToolCall, ...]
    """Its calls: where there are several, a mistake may be that of one."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened, as text that is not escaped yet."""

    tone: Tone
    title: str
    text: str = ""
    code: str = ""
    """Calls and results: shown in a fixed-width font."""
    verdict: str = ""
    """What the critic said of it."""
    feedback: str = ""
    flags: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    """Mistakes that a simulated actor made on purpose."""
    ask: LabelTarget | None = None
    """The actor's own proposals have one, each at the first place where it is shown."""
    judgement: Judgement | None = None
    turn: int = 0
    """Of the actor, from 0: what is said before its first action belongs to turn 0."""


@dataclass(frozen=True, slots=True)
class Story:
    """One episode."""

    trajectory: Trajectory
    digest: str
    """Of all that happened: what a browser keeps of an episode is found by this again."""
    result: Literal["passed", "failed", "not graded"]
    refused: int
    """Drafts that were sent back."""
    turns: int
    faults: int
    entries: tuple[Entry, ...]


def story_of(trajectory: Trajectory) -> Story:
    """Return an episode as a story."""
    entries = tuple(_numbered(trajectory.events))
    outcome = outcome_of(trajectory)
    passed = None if outcome is None else outcome.passed or outcome.reward >= 1
    return Story(
        trajectory=trajectory,
        digest=sha256(to_line(trajectory).encode()).hexdigest()[:16],
        result="not graded" if passed is None else "passed" if passed else "failed",
        refused=sum(entry.tone == "refused" for entry in entries),
        turns=sum(isinstance(event, Executed) for event in trajectory.events),
        faults=sum(len(entry.faults) for entry in entries if entry.ask),
        entries=entries,
    )


def entries_of(proposal: Proposal, judgement: Judgement) -> Iterator[Entry]:
    """Yield a conversation up to an action that was judged, and that action."""
    for message in proposal.history:
        heard = _heard(message)
        yield replace(heard, title="agent") if isinstance(message, Assistant) else heard
    tone: Tone = "refused" if isinstance(judgement.verdict, Revise) else "last"
    entry = _action(proposal.action, tone, judgement=judgement)
    yield replace(entry, title="proposed", turn=proposal.turn)


def entry_of(action: Assistant) -> Entry:
    """Return an action that waits for a person."""
    return replace(_action(action, "held"), title="proposed")


@dataclass(slots=True)
class _Table:
    """The draft that is being decided about, while the events are read."""

    draft: Proposed | None = None
    judgement: Judgement | None = None
    shown: bool = False
    """Whether it stands in the story already, and so was asked about."""

    def clear(self, draft: Proposed | None = None) -> None:
        """Begin with another draft, or with none."""
        self.draft, self.judgement, self.shown = draft, None, False

    def judged(self, judgement: Judgement) -> Iterator[Entry]:
        """Yield the draft if it is sent back; what else becomes of it is known later."""
        self.judgement = judgement
        if isinstance(judgement.verdict, Revise):
            yield from self.rest("refused")

    def shows(self, action: Assistant, tone: Tone) -> Entry:
        """Return an action of the actor as an entry; the first one of a draft asks about it."""
        entry = _action(action, tone, self.draft, self.judgement)
        if self.draft is None or self.shown:
            return entry
        self.shown = True
        ask = LabelTarget(self.draft.turn, self.draft.attempt, self.draft.completion.message.calls)
        return replace(entry, ask=ask)

    def rest(self, tone: Tone) -> Iterator[Entry]:
        """Yield the draft unless it stands in the story already."""
        if self.draft is not None and not self.shown:
            yield self.shows(self.draft.completion.message, tone)


def _numbered(events: Sequence[Event]) -> Iterator[Entry]:
    table, turn = _Table(), 0
    for event in events:
        for entry in _entries(event, table):
            yield replace(entry, turn=turn)
        if isinstance(event, Executed):
            turn = event.turn + 1
    # Decisions of the gateway end with a draft: what the client did with it is not known.
    for entry in table.rest("last"):
        yield replace(entry, turn=turn)


def _entries(event: Event, table: _Table) -> Iterator[Entry]:
    match event:
        case Observed(observation=observation):
            yield from _observed(observation)
        case Proposed():
            table.clear(event)
        case Judged(judgement=judgement):
            yield from table.judged(judgement)
        case Executed():
            yield from _executed(event, table)
            table.clear()
        case Failed(where=where, error=error, message=message):
            yield Entry("broken", f"{where} failed: {error}", text=message)
        case Ended():
            yield from table.rest("held")
            yield _end(event)
        case _ as other:
            assert_never(other)


def _executed(event: Executed, table: _Table) -> Iterator[Entry]:
    if event.source == "actor":
        yield table.shows(event.action, "agent" if event.approved else "open")
    else:
        yield from table.rest("held")
        yield _action(event.action, event.source)


def _observed(observation: Observation) -> Iterator[Entry]:
    device = "user, on their own device (neither actor nor critic sees it)"
    for made in observation.backstage:
        yield Entry("user", device, "", f"{shown_call(made.call)}\n→ {made.result.text}")
    yield from map(_heard, observation.messages)


def _heard(message: Message) -> Entry:
    match message:
        case User(text=text):
            return Entry("user", "user", text)
        case ToolResult(name=name, text=text, is_error=is_error):
            did = "failed" if is_error else "returned"
            return Entry("tool", f"{name} {did}", "", _pretty(text))
        case Assistant(text=text, calls=calls):
            return Entry("agent", "greeting", text, "\n".join(map(shown_call, calls)))
        case System(text=text):
            return Entry("tool", "system", text)
        case _ as other:
            assert_never(other)


_TITLES: dict[Tone, str] = {
    "agent": "actor",
    "refused": "actor: refused draft, never executed",
    "held": "actor: draft, never executed",
    "last": "actor: draft; what became of it is not on file",
    "open": "actor: executed although nobody approved it",
    "critic": "critic: put in place of the draft",
    "fallback": "safe message in place of the draft",
}


def _action(
    action: Assistant,
    tone: Tone,
    draft: Proposed | None = None,
    judgement: Judgement | None = None,
) -> Entry:
    faults = draft.completion.faults if draft else ()
    verdict = judgement.verdict if judgement else None
    return Entry(
        tone=tone,
        title=_TITLES[tone],
        text=action.text,
        code="\n".join(map(shown_call, action.calls)),
        verdict=_verdict(judgement) if judgement else "",
        feedback=verdict.feedback if isinstance(verdict, Revise) else "",
        flags=tuple(map(_flag, judgement.flags if judgement else ())),
        judgement=judgement,
        faults=tuple(f"{f.kind}: {f.note}" if f.note else f.kind for f in faults),
    )


def _flag(flag: Flag) -> str:
    sign = "+" if flag.sign > 0 else "\N{MINUS SIGN}"
    return f"{sign} {flag.name}" + (f": {flag.evidence}" if flag.evidence else "")


def _verdict(judgement: Judgement) -> str:
    parts = [f"{judgement.critic}: {judgement.verdict.kind}"]
    if judgement.risk is not None:
        name = "probability of a mistake" if judgement.calibrated else "score"
        parts.append(f"{name} {judgement.risk:.2f}")
    if judgement.category:
        parts.append(judgement.category)
    if isinstance(judgement.verdict, Replace | Escalate | Halt):
        parts.append(judgement.verdict.reason)
    return ", ".join(parts)


def _end(ended: Ended) -> Entry:
    if ended.outcome is None:
        return Entry("end", f"ended: {ended.reason}", "not graded")
    outcome = ended.outcome
    parts = "\n".join(f"{name}: {value:g}" for name, value in outcome.parts.items())
    return Entry("end", f"ended: {ended.reason}, reward {outcome.reward:g}", "", parts)


def shown_call(call: ToolCall) -> str:
    """Return a call as a reader sees it: its name, and its arguments as they were sent."""
    arguments = call.raw if call.arguments is None else _pretty(json.dumps(call.arguments))
    return f"{call.name}({arguments})"


def _pretty(text: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if not isinstance(value, dict | list):
        return text
    flat = json.dumps(value, ensure_ascii=False)
    return flat if len(flat) <= 90 else json.dumps(value, ensure_ascii=False, indent=2)
