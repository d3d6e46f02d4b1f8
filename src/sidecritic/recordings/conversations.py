"""Conversations of an operator's own agent: chat logs, one JSON object a line.

    {"tools": [...]}                    the tools of the lines after it
    {"messages": [...], "id": ...}      one conversation

Messages are those of OpenAI's chat completions or of Anthropic's Messages. A conversation may
bring `domain`, `task`, `actor`, `policy`, `tools` and `labels`:

    {"message": 7, "call": "call_3", "label": "wrong", "why": "the other card was stolen"}

`message` is the position of the agent's turn in `messages`; without a call the label is of the
turn as a whole.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from sidecritic.dialects.base import ClientRequest
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.messages import Messages
from sidecritic.errors import TraceError, boundary, first_problem
from sidecritic.recorded import CHATS, UNKNOWN, Opinion, Recorded
from sidecritic.recordings.chats import events_of
from sidecritic.recordings.shapes import inner
from sidecritic.recordings.tools import tools_of
from sidecritic.trace import Event, Proposed, Trajectory
from sidecritic.types import Assistant, Briefing, Task, ToolSpec
from sidecritic.values import JsonObject

_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


class Operator(NamedTuple):
    """What an operator says of an agent, where its chat logs do not."""

    policy: str = ""
    """Stands in for a policy in the file; what the agent was told is the session's context then."""
    tools: tuple[ToolSpec, ...] = ()
    """Of conversations that name none; and the effects of those that are named without."""


class _Label(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    message: int = Field(ge=0)
    call: str | None = None
    label: Literal["right", "wrong"]
    why: str = ""
    feedback: str = ""
    by: str = ""


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    id: str | int | None = None
    domain: str = ""
    task: str | int | None = None
    actor: str = ""
    model: str = ""
    policy: str = ""
    system: JsonValue = None
    messages: list[JsonObject]
    tools: JsonValue = None
    labels: tuple[_Label, ...] = ()


def is_conversation(record: object) -> bool:
    """Whether a record is a line of a chat log."""
    return isinstance(inner(record, "messages"), list) or isinstance(inner(record, "tools"), list)


def conversations(
    lines: Iterable[str], file: Path, operator: Operator, *, unit: str = "line"
) -> Iterator[Recorded | TraceError | None]:
    """Yield what can be replayed; `None` for a conversation without messages.

    A line that cannot be read costs itself; the error names it, as a `unit` of the file.
    """
    tools: tuple[ToolSpec, ...] = operator.tools
    at = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{file}, {unit} {number}"
        try:
            with boundary(TraceError, "malformed"):
                record = _object(line)
                if "messages" not in record:
                    tools = tools_of(record["tools"], operator.tools)
                    continue
                yield _conversation(record, file, at, tools, operator)
        except TraceError as problem:
            cause = problem.__cause__
            wrong = first_problem(cause) if isinstance(cause, ValidationError) else problem
            yield TraceError(f"{where}: {wrong}")
        at += 1


def _object(line: str) -> Mapping[str, Any]:
    try:
        record: Any = json.loads(line)
    except ValueError as cause:
        raise TraceError(f"it is not JSON: {cause}") from cause
    if not is_conversation(record):
        raise TraceError("it has neither `messages` nor `tools`")
    return record


def _conversation(
    record: Mapping[str, Any],
    file: Path,
    at: int,
    tools: tuple[ToolSpec, ...],
    operator: Operator,
) -> Recorded | None:
    line = _Line.model_validate(record)
    if not line.messages:
        return None
    said = _said(line)
    if line.tools is not None:
        tools = tools_of(line.tools, operator.tools)
    domain = line.domain or file.name.partition(".")[0]
    name = str(line.id) if line.id is not None else f"{file.name}#{at}"
    task = str(line.task) if line.task is not None else name
    actor = line.actor or line.model or UNKNOWN
    events = events_of(said.history, unrun={}, actor=actor, termination="", outcome=None)
    trajectory = Trajectory(
        id=name,
        task=Task(id=task, env=f"{CHATS}:{domain}", split=UNKNOWN),
        trial=0,
        actor=actor,
        critic="none",
        events=events,
    )
    return Recorded(
        file=file.name,
        simulation=at,
        benchmark=CHATS,
        domain=domain,
        user_id=f"{domain} {task}",
        trajectory=trajectory,
        briefing=_briefing(said.system, line.policy, tools, operator),
        opinions=tuple(_opinions(line, name, events)),
    )


def _said(line: _Line) -> ClientRequest:
    for at, message in enumerate(line.messages):
        if message.get("role") not in _ROLES:
            raise TraceError(
                f"messages[{at}] has the role {message.get('role')!r}; "
                f"known: {', '.join(sorted(_ROLES))}"
            )
    dialect = Messages() if _is_anthropic(line) else ChatCompletions()
    body: JsonObject = {"system": line.system, "messages": list(line.messages)}
    return dialect.asked(body)


def _is_anthropic(line: _Line) -> bool:
    """Whether the prompt stands beside the messages, or calls and results in their content."""
    if line.system is not None:
        return True
    parts = (part for m in line.messages for part in _listed(m.get("content")))
    return any(inner(part, "type") in ("tool_use", "tool_result") for part in parts)


def _listed(content: object) -> Iterable[object]:
    return content if isinstance(content, list) else ()  # pyright: ignore[reportUnknownVariableType]


def _briefing(
    system: str, policy: str, tools: tuple[ToolSpec, ...], operator: Operator
) -> Briefing:
    policy = operator.policy or policy
    if not policy:
        return Briefing(policy=system, tools=tools)
    return Briefing(policy=policy, tools=tools, context=system)


def _opinions(line: _Line, name: str, events: Iterable[Event]) -> Iterator[Opinion]:
    """Yield the labels, each by its place in the log.

    Raises:
        TraceError: one of them is of a message or call that is not there.
    """
    turns = [at for at, m in enumerate(line.messages) if m["role"] == "assistant"]
    proposed = [event for event in events if isinstance(event, Proposed)]
    # The agent's words before the first of the user are no proposals.
    spoken = dict(zip(turns[len(turns) - len(proposed) :], proposed, strict=True))
    for at, label in enumerate(line.labels):
        if label.message not in spoken:
            raise TraceError(
                f"labels[{at}] is of message {label.message}, which is not a turn of the agent "
                "after the user's first words"
            )
        event = spoken[label.message]
        yield Opinion(
            trajectory=name,
            turn=event.turn,
            call_id=_call(label, at, line.messages[label.message], event.completion.message),
            wrong=label.label == "wrong",
            feedback=label.feedback,
            note=label.why,
            by=label.by,
        )


def _call(label: _Label, at: int, message: Mapping[str, Any], action: Assistant) -> str | None:
    """Return the id that a call has in the log, where ids are told apart."""
    if label.call is None:
        return None
    written = list(_written_calls(message))
    if label.call not in written:
        there = ", ".join(written) or "none"
        raise TraceError(
            f"labels[{at}] is of call {label.call!r}, which message {label.message} does not "
            f"have; its calls: {there}"
        )
    return action.calls[written.index(label.call)].id


def _written_calls(message: Mapping[str, Any]) -> Iterator[str]:
    for call in _listed(message.get("tool_calls")):
        yield str(inner(call, "id") or "")
    for part in _listed(message.get("content")):
        if inner(part, "type") == "tool_use":
            yield str(inner(part, "id") or "")
