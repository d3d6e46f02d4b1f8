"""From the parts of an answer to an assistant message, the same for every provider."""

import json
from collections.abc import Iterable, Sequence

from pydantic import JsonValue

from sidecritic.models.endpoint import Endpoint
from sidecritic.models.parsing import parse_calls, split_reasoning
from sidecritic.types import Assistant, Finish, Request, ToolCall
from sidecritic.values import parse_object


def native_call(id: str, name: str, raw: str) -> ToolCall:
    """Return a call that came in the field meant for it.

    Blank arguments mean none: some servers write a call of a tool without parameters like that.
    """
    return ToolCall(id=id, name=name, arguments=parse_object(raw) if raw.strip() else {}, raw=raw)


def arguments_object(call: ToolCall) -> dict[str, JsonValue]:
    """Return the arguments for a chat that goes back to a model.

    What is not a JSON object is wrapped into one: servers that render the chat themselves parse
    it, and would refuse every later request of the conversation.
    """
    return {"malformed_arguments": call.raw} if call.arguments is None else call.arguments


def arguments_text(call: ToolCall) -> str:
    """Return the same as text: the model's own if it is equal."""
    arguments = arguments_object(call)
    return call.raw if parse_object(call.raw) == arguments else json.dumps(arguments)


def assistant(
    request: Request,
    endpoint: Endpoint,
    *,
    text: str,
    calls: Sequence[ToolCall],
    reasoning: str | None = None,
) -> Assistant:
    """Return the message: reasoning separated, calls found in the text, ids distinct.

    Raises:
        ModelError: something in it is longer than the endpoint's limit.
    """
    endpoint.require_size("a text", text)
    for call in calls:
        endpoint.require_size(f"arguments for {call.name!r}", call.raw)
    if reasoning is None:
        reasoning, text = split_reasoning(text)
    if not calls and request.sampling.tool_choice != "none":
        text, calls = parse_calls(text, request.tools)
    return Assistant(text=text, calls=_distinct(calls, request), reasoning=reasoning)


def finish_of(stopped: Finish, message: Assistant) -> Finish:
    """Return why the answer ended, corrected where servers report `stop` for tool calls."""
    if stopped in ("length", "filtered"):
        return stopped
    return "tool_calls" if message.calls else "stop"


def _distinct(calls: Iterable[ToolCall], request: Request) -> tuple[ToolCall, ...]:
    """Give a new id to each call whose id is empty or already used in the conversation.

    Some servers number the calls of every message from zero, and each id must be answered
    exactly once.
    """
    taken = {c.id for m in request.messages if isinstance(m, Assistant) for c in m.calls}
    distinct: list[ToolCall] = []
    for call in calls:
        fresh, number = call.id, len(taken)
        while not fresh or fresh in taken:
            fresh, number = f"call_{number}", number + 1
        taken.add(fresh)
        distinct.append(call if fresh == call.id else call.model_copy(update={"id": fresh}))
    return tuple(distinct)
