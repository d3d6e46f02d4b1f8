"""A recorded chat as an event log: who said what, what was proposed and what ran."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from sidecritic.envs.base import Transcript
from sidecritic.trace import Ended, EndReason, Event, Executed, Observed, Proposed
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Observation,
    Outcome,
    ToolCall,
    ToolResult,
    User,
    UserCall,
)

_ENDS: Mapping[str, EndReason] = MappingProxyType(
    {
        "user_stop": "env_done",
        "agent_stop": "env_done",
        "too_many_errors": "env_done",
        "max_steps": "max_turns",
        "agent_error": "error",
        "user_error": "error",
        "infrastructure_error": "error",
    }
)


def events_of(
    transcript: Transcript,
    *,
    unrun: Mapping[int, tuple[ToolCall, ...]],
    actor: str,
    termination: str,
    outcome: Outcome | None,
) -> tuple[Event, ...]:
    """Return the log of a recorded episode.

    `unrun` holds calls that were proposed and never run, by the position of their assistant
    message among its like. Words of the agent before the first word of the user are the
    benchmark's greeting, and so part of the opening.
    """
    events: list[Event] = []
    heard: list[Message] = []
    backstage: list[UserCall] = []
    opened, number, turn = False, 0, 0
    for entry in _with_distinct_ids(transcript):
        match entry:
            case Assistant() as executed:
                beside = unrun.get(number, ())
                number += 1
                if not opened and not executed.calls:
                    heard.append(executed)
                    continue
                if heard or backstage or not events:
                    events.append(_observed(heard, backstage))
                heard, backstage, opened = [], [], True
                events.extend(_acted(turn, executed, beside, actor))
                turn += 1
            case UserCall():
                backstage.append(entry)
            case User() | ToolResult():
                opened = True
                heard.append(entry)
            case _:
                pass
    done = termination in ("user_stop", "agent_stop")
    events.append(_observed(heard, backstage, done=done))
    events.append(Ended(reason=_ENDS.get(termination, "env_done"), outcome=outcome))
    return tuple(events)


def _observed(heard: list[Message], backstage: list[UserCall], *, done: bool = False) -> Observed:
    observation = Observation(messages=tuple(heard), backstage=tuple(backstage), done=done)
    return Observed(observation=observation)


def _acted(
    turn: int, executed: Assistant, beside: tuple[ToolCall, ...], actor: str
) -> Iterator[Event]:
    proposed = executed.model_copy(update={"calls": (*executed.calls, *beside)})
    finish = "tool_calls" if proposed.calls else "stop"
    completion = Completion(message=proposed, finish=finish, model=actor)
    yield Proposed(turn=turn, attempt=0, completion=completion)
    yield Executed(turn=turn, action=executed, source="actor")


def _with_distinct_ids(transcript: Transcript) -> Iterator[Message | UserCall]:
    """Give a call whose id came before another one: some recorded models repeat ids."""
    taken: set[str] = set()
    now: dict[str, str] = {}
    for entry in transcript:
        match entry:
            case Assistant(calls=calls) if calls:
                now = {}
                for position, call in enumerate(calls):
                    fresh = call.id or f"call_{len(taken) + position}"
                    while fresh in taken:
                        fresh = f"{call.id}~{len(taken)}"
                    now[call.id] = fresh
                    taken.add(fresh)
                renamed = (call.model_copy(update={"id": now[call.id]}) for call in calls)
                yield entry.model_copy(update={"calls": tuple(renamed)})
            case ToolResult(call_id=call_id):
                yield entry.model_copy(update={"call_id": now.get(call_id, call_id)})
            case _:
                yield entry
