"""Messages in the benchmark's format: reading them, and running their calls."""

import json
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sidecritic.envs.base import Transcript, failure
from sidecritic.envs.tau2.package import Domain
from sidecritic.envs.tau2.refused_calls import refusal
from sidecritic.envs.tau2.states import State
from sidecritic.errors import EnvError
from sidecritic.types import Assistant, Message, System, ToolCall, ToolResult, User, UserCall


def respond(
    domain: Domain, state: State, call: ToolCall, *, requestor: str = "assistant"
) -> ToolResult:
    """Run a call; what the tool refuses is an error result, with the benchmark's words."""
    why = refusal(domain, call.name, call.arguments)
    if why is not None:
        return failure(call, why)
    environment = state.ready(writing=domain.effect(call.name, requestor) != "read")
    reply = environment.get_response(
        domain.messages.ToolCall(
            id=call.id, name=call.name, arguments=call.arguments, requestor=requestor
        )
    )
    return ToolResult(
        call_id=call.id, name=call.name, text=reply.content or "", is_error=reply.error
    )


def replay(domain: Domain, state: State, transcript: Transcript) -> None:
    """Run every call of the transcript on `state`.

    Raises:
        EnvError: a call returns something else than is on record.
    """
    for number, (requestor, call, result) in enumerate(_exchanges(transcript), start=1):
        got = respond(domain, state, call, requestor=requestor)
        if _content(got.text) != _content(result.text):
            raise EnvError(
                f"call {number} of the record, {call.name}({call.raw}) by the {requestor}, "
                f"returned {_short(got.text)} and not, as recorded, {_short(result.text)}; "
                "was it recorded on another version of the data?"
            )


def _exchanges(transcript: Transcript) -> Iterator[tuple[str, ToolCall, ToolResult]]:
    """Yield who made each call, the call and its result, in the order in which they were run.

    Raises:
        EnvError: a result without a call, or a call without a result.
    """
    waiting: deque[ToolCall] = deque()
    for entry in transcript:
        match entry:
            case UserCall(call=call, result=result):
                yield "user", call, result
            case ToolResult():
                if not waiting or waiting[0].id != entry.call_id:
                    raise EnvError(f"the result of call {entry.call_id!r} follows no such call")
                yield "assistant", waiting.popleft(), entry
            case Assistant(calls=calls):
                waiting.extend(calls)
            case _:
                pass
    if waiting:
        raise EnvError(f"call {waiting[0].id!r} of {waiting[0].name!r} has no result on record")


def parse(messages: Sequence[Mapping[str, Any]]) -> Transcript:
    """Return recorded messages as a transcript, calls of the user with their results.

    Calls at the very end without a result are dropped: the episode was cut off there.

    Raises:
        EnvError: calls and results do not pair up.
    """
    transcript: list[Message | UserCall] = []
    results: deque[Mapping[str, Any]] = deque()
    for message in messages:
        results.extend(message.get("tool_messages") or (message,))
    while results:
        message = results.popleft()
        calls = tuple(_call(raw) for raw in message.get("tool_calls") or ())
        if calls and not results:
            break
        text = message.get("content") or ""
        match message.get("role"):
            case "assistant":
                transcript.append(Assistant(text=text, calls=calls))
                transcript.extend(_result(call, results) for call in calls)
            case "user" if calls:
                transcript.extend(
                    UserCall(call=call, result=_result(call, results)) for call in calls
                )
            case "user":
                transcript.append(User(text=text))
            case "system":
                transcript.append(System(text=text))
            case role:
                raise EnvError(f"a message with the role {role!r} where none is expected")
    return tuple(transcript)


def _call(raw: Mapping[str, Any]) -> ToolCall:
    arguments = raw["arguments"]
    return ToolCall(
        id=raw.get("id") or "", name=raw["name"], arguments=arguments, raw=json.dumps(arguments)
    )


def _result(call: ToolCall, rest: deque[Mapping[str, Any]]) -> ToolResult:
    message: Mapping[str, Any] = rest.popleft() if rest else {}
    if message.get("role") != "tool" or message.get("id") != call.id:
        raise EnvError(f"call {call.id!r} of {call.name!r} is not followed by its result")
    return ToolResult(
        call_id=call.id,
        name=call.name,
        text=message.get("content") or "",
        is_error=bool(message.get("error")),
    )


_PYDANTIC = re.compile(r"errors\.pydantic\.dev/[\d.]+/")


def _content(text: str) -> Any:
    """Return what the benchmark compares, but for the version of pydantic in error texts."""
    try:
        return json.loads(text)
    except ValueError:
        return _PYDANTIC.sub("", text)


def _short(text: str) -> str:
    return repr(text if len(text) <= 200 else f"{text[:200]}…")
