"""An episode laid out for a reader: entries with places, and what there is to look up beside it."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, cast

from pydantic import JsonValue

from sidecritic.runs import RunRecord
from sidecritic.trace import Executed, Observed, Trajectory
from sidecritic.types import Briefing, ToolResult, ToolSpec
from sidecritic.viewer.changes import Piece, changes
from sidecritic.viewer.story import Entry, Story, shown_call

_WITHHELD = ("refused", "held", "last")


class Spot(NamedTuple):
    """An entry, and where it stands."""

    anchor: str
    entry: Entry
    intervention: bool
    """Whether a critic, a fallback or a failure made it what it is: where `n` stops."""
    repeated: bool
    """Whether the same draft was refused just before: shown folded."""
    instead: tuple[Piece, ...]
    """From this refused draft to what came next in its turn."""
    sentence: str
    """Anchor of the policy's paragraph that is at stake; empty where it is not found."""


class Expected(NamedTuple):
    """One action of a task's reference."""

    call: str
    done: bool | None
    """`None` where the grader does not say."""


class AtHand(NamedTuple):
    """What a reader looks up beside an episode."""

    instruction: str
    expected: tuple[Expected, ...]
    policy: tuple[str, ...]
    """By paragraph."""
    context: str
    tools: tuple[ToolSpec, ...]
    writes: tuple[str, ...]
    """Calls that ran and may have changed records, with what came back."""


def spots_of(story: Story, policy: Sequence[str]) -> tuple[Spot, ...]:
    """Return the entries of an episode with their places."""
    return tuple(_spots(story.entries, policy))


def at_hand(trajectory: Trajectory, record: RunRecord) -> AtHand:
    """Return what a run has on file about an episode."""
    briefing = record.briefings.get(trajectory.briefing, Briefing())
    return AtHand(
        instruction=_instruction(trajectory.task.data),
        expected=tuple(_expected(trajectory)),
        policy=paragraphs(briefing.policy),
        context=briefing.context,
        tools=briefing.tools,
        writes=tuple(_writes(trajectory, briefing.tools)),
    )


def paragraphs(policy: str) -> tuple[str, ...]:
    """Return a policy in pieces that can be pointed at: its lines that hold something."""
    return tuple(line.rstrip() for line in policy.splitlines() if line.strip())


def _spots(entries: Sequence[Entry], policy: Sequence[str]) -> Iterator[Spot]:
    taken: dict[str, int] = {}
    for at, entry in enumerate(entries):
        name = f"t{entry.turn}" + (f"a{entry.ask.attempt}" if entry.ask else "")
        taken[name] = taken.get(name, 0) + 1
        after = next((e for e in entries[at + 1 :] if e.turn == entry.turn and _acts(e)), None)
        before = next(
            (e for e in reversed(entries[:at]) if e.turn == entry.turn and _acts(e)), None
        )
        refused = entry.tone == "refused"
        yield Spot(
            anchor=name if taken[name] == 1 else f"{name}-{taken[name]}",
            entry=entry,
            intervention=entry.tone in ("refused", "held", "critic", "fallback", "open", "broken"),
            repeated=refused and before is not None and _same(before, entry),
            instead=changes(_words(entry), _words(after)) if refused and after else (),
            sentence=_sentence(entry, policy),
        )


def _acts(entry: Entry) -> bool:
    return entry.tone in (*_WITHHELD, "agent", "open", "critic", "fallback")


def _same(one: Entry, two: Entry) -> bool:
    return one.tone == "refused" and _words(one) == _words(two)


def _words(entry: Entry) -> str:
    return "\n".join(filter(None, (entry.text, entry.code)))


def _sentence(entry: Entry, policy: Sequence[str]) -> str:
    cited = _flat(entry.judgement.policy_ref) if entry.judgement else ""
    if not cited:
        return ""
    found = (n for n, line in enumerate(policy) if cited in _flat(line) or _flat(line) in cited)
    number = next(found, None)
    return "" if number is None else f"p{number}"


def _flat(text: str) -> str:
    return re.sub(r"\W+", " ", text[:5_000]).strip().lower()


def _instruction(data: Mapping[str, JsonValue]) -> str:
    for name in ("user_scenario", "instruction", "instructions", "scenario"):
        if value := data.get(name):
            return "\n".join(_told(value))
    return ""


def _told(value: JsonValue, name: str = "") -> Iterator[str]:
    """Yield what stands in a record, a line each, under the names that it has there."""
    match value:
        case dict():
            for key, inner in value.items():
                yield from _told(inner, key.replace("_", " "))
        case list():
            for inner in value:
                yield from _told(inner, name)
        case None | "":
            return
        case _:
            yield f"{name}: {value}" if name else str(value)


def _expected(trajectory: Trajectory) -> Iterator[Expected]:
    ended = trajectory.ended
    native = ended.outcome.native if ended and ended.outcome else {}
    done = native.get("actions")
    reference = native.get("reference") or _reference(trajectory.task.data)
    if not isinstance(reference, list):
        return
    told = (
        done if isinstance(done, list) and len(done) == len(reference) else [None] * len(reference)
    )
    for action, was in zip(reference, told, strict=True):
        if isinstance(action, dict):
            arguments = json.dumps(action.get("arguments", {}), ensure_ascii=False)
            call = f"{action.get('name', '')}({arguments})"
            yield Expected(call, was if isinstance(was, bool) else None)


def _reference(data: Mapping[str, JsonValue]) -> JsonValue:
    criteria = data.get("evaluation_criteria")
    return (
        cast(dict[str, JsonValue], criteria).get("actions")
        if isinstance(criteria, dict)
        else data.get("actions")
    )


def _writes(trajectory: Trajectory, tools: Iterable[ToolSpec]) -> Iterator[str]:
    reads = {tool.name for tool in tools if tool.effect == "read"}
    results = {
        message.call_id: message
        for event in trajectory.events
        if isinstance(event, Observed)
        for message in event.observation.messages
        if isinstance(message, ToolResult)
    }
    for event in trajectory.events:
        for call in event.action.calls if isinstance(event, Executed) else ():
            if call.name not in reads and (result := results.get(call.id)):
                failed = "failed: " if result.is_error else ""
                yield f"{shown_call(call)}\n→ {failed}{result.text[:400]}"
