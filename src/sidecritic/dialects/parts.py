"""What the dialects share: content parts as text, tools, and calls in both directions."""

import json
from collections.abc import Mapping
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects.base import Body, Hints
from sidecritic.dialects.strict_json import read_object
from sidecritic.types import Assistant, Finish, ToolCall, ToolResult, ToolSpec, Usage, User
from sidecritic.values import number_of, object_of, parse_object, text_of

_MOST = 2**31 - 1
"""The largest integer that every database holds."""

_FINISHES: Mapping[str, Finish] = MappingProxyType(
    {
        **dict.fromkeys(("length", "max_output_tokens", "max_tokens"), "length"),
        "model_context_window_exceeded": "length",
        **dict.fromkeys(("content_filter", "refusal"), "filtered"),
    }
)


def content_text(
    content: JsonValue,
    *,
    texts: Mapping[str, str],
    media: frozenset[str],
    unknown: dict[str, None],
) -> str:
    """Return content as the text that a critic reads.

    `texts` names the kinds of part that hold text, and the field that does; parts in `media`
    are named in brackets; every other kind is added to `unknown`.
    """
    if isinstance(content, str):
        return content
    if content is None:
        return ""
    parts = content if isinstance(content, list) else [content]
    said = (_part_text(part, texts=texts, media=media, unknown=unknown) for part in parts)
    return "\n".join(text for text in said if text)


def _part_text(
    part: JsonValue, *, texts: Mapping[str, str], media: frozenset[str], unknown: dict[str, None]
) -> str:
    if isinstance(part, str):
        return part
    kind = text_of(part, "type") if isinstance(part, dict) else ""
    if isinstance(part, dict) and kind in texts:
        return text_of(part, texts[kind])
    if kind in media:
        return f"[{kind}]"
    unknown[f"content part {kind or type(part).__name__!r}"] = None
    return f"[{kind}]"


def listed(value: JsonValue) -> list[JsonValue]:
    """Return a list as it is; anything else holds nothing."""
    return value if isinstance(value, list) else []


def tool_spec(name: str, description: str, parameters: JsonValue) -> ToolSpec:
    given = parameters if isinstance(parameters, dict) else {}
    return ToolSpec.of_parts(name=name, description=description, parameters=given, effect="unknown")


def hints_of(*records: Body) -> Hints:
    """Return the MCP annotations that one of the records carries."""
    for record in records:
        notes = object_of(record, "annotations")
        if notes:
            return Hints(
                read_only=notes.get("readOnlyHint") is True,
                destructive=notes.get("destructiveHint") is True,
            )
    return Hints()


def call_of(id: str, name: str, arguments: JsonValue) -> ToolCall:
    """Return a call whose arguments came as text, or as the object itself.

    Arguments with a repeated key are not an object: what runs the tool may read them in another
    way than the critic.
    """
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    if arguments is None or not raw.strip():
        return ToolCall(id=id, name=name, arguments={}, raw="")
    _, repeats = read_object(raw.encode(errors="replace"))
    return ToolCall(id=id, name=name, arguments=None if repeats else parse_object(raw), raw=raw)


def object_call(id: str, name: str, arguments: JsonValue) -> ToolCall:
    """Return a call whose arguments are the object itself: a text in its place is none.

    Not even a blank one: LiteLLM hands it on as a text of a text.
    """
    read = call_of(id, name, arguments)
    return read.model_copy(update={"arguments": None}) if isinstance(arguments, str) else read


# What was parsed needs no validation, which takes longer than all the rest in a long chat.


def user_message(text: str) -> User:
    return User.of_parts(role="user", text=text)


def turn_of(text: str, calls: tuple[ToolCall, ...] = ()) -> Assistant:
    return Assistant.of_parts(role="assistant", text=text, calls=calls, reasoning=None)


def result_of(id: str, name: str, text: str, *, is_error: bool = False) -> ToolResult:
    return ToolResult.of_parts(role="tool", call_id=id, name=name, text=text, is_error=is_error)


def usage_of(given: int, written: int, cached: int) -> Usage:
    return Usage.of_parts(
        input_tokens=given, output_tokens=written, cached_tokens=cached, cost_usd=None
    )


def finish_of(reason: str, action: Assistant) -> Finish:
    """Return why an answer ended, by the reason that any provider gives."""
    return _FINISHES.get(reason, "tool_calls" if action.calls else "stop")


def count_of(record: Body, key: str) -> int:
    """Return a number of tokens, or a position; anything else reads as the nearest count."""
    value = record.get(key)
    return within_integer(value if type(value) is int else int(number_of(record, key)))


def within_integer(count: int) -> int:
    """Return a count that a column of a database holds; an upstream may claim any number."""
    return max(0, min(count, _MOST))


def free_call(id: str, name: str, text: str) -> ToolCall:
    """Return a call of a tool whose input is free text."""
    return ToolCall(id=id, name=name, arguments={"input": text}, raw=text)


def written_arguments(call: ToolCall) -> str:
    """Return the arguments as text; a call that a critic made may not have any."""
    if call.arguments is None or parse_object(call.raw) == call.arguments:
        return call.raw
    return json.dumps(call.arguments, ensure_ascii=False)


def substance(action: Assistant) -> list[JsonValue]:
    """Return what an action does, apart from ids and from how arguments are written."""
    calls: list[JsonValue] = [
        [call.name, call.raw if call.arguments is None else call.arguments] for call in action.calls
    ]
    return [action.text.strip(), calls]
