"""Exports of observability tools, as the lines of a chat log.

- Langfuse (its Observations API v2 and the JSON or JSONL of its UI): observations, as a list, one
  a line, under `data`, or in a trace under `observations`. Of each trace the generation with the
  longest `input` is the conversation, and its `output` the last turn.
- OpenTelemetry's GenAI conventions (semantic conventions 1.37 and later) in OTLP's JSON encoding:
  spans with `gen_ai.input.messages` and `gen_ai.output.messages`, grouped in the same way by
  `gen_ai.conversation.id`, else by trace.

Sources: langfuse.com/docs (Observations API v2); github.com/open-telemetry/semantic-conventions
(gen-ai-input-messages.json, gen-ai-output-messages.json).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, cast

from sidecritic.errors import TraceError
from sidecritic.recordings.shapes import inner

_Json = Mapping[str, Any]
_SAID = frozenset({"content", "tool_calls", "function_call", "refusal"})
"""Of which a message has one."""


class _Turn(NamedTuple):
    """What one call of a model was given, and what it answered."""

    conversation: str
    messages: list[_Json]
    answer: list[_Json]
    more: _Json
    """Other keys of the line: model, tools."""


def is_exported(record: object) -> bool:
    """Whether a record is one of an export, or a whole export."""
    listed = inner(record, "data")
    return (
        _is_observation(record)
        or isinstance(inner(record, "resourceSpans"), list)
        or isinstance(inner(record, "observations"), list)
        or (isinstance(listed, list) and any(map(_is_observation, cast("list[Any]", listed))))
    )


def chat_lines(records: Iterable[object]) -> Iterator[_Json]:
    """Yield a line of a chat log for each conversation in an export.

    Raises:
        TraceError: no call of a model in it holds messages.
    """
    longest: dict[str, _Turn] = {}
    for turn in (turn for record in records for turn in _turns(record)):
        there = longest.get(turn.conversation)
        if there is None or len(turn.messages) >= len(there.messages):
            longest[turn.conversation] = turn
    if not longest:
        raise TraceError(
            "no call of a model in this export holds messages; export generations with input and "
            "output (Langfuse), or spans with gen_ai.input.messages (OpenTelemetry)"
        )
    for turn in longest.values():
        messages = [*turn.messages, *turn.answer]
        yield {"id": turn.conversation, "messages": messages, **turn.more}


def _turns(record: object) -> Iterator[_Turn]:
    for span in _spans(record):
        yield from _of_span(span)
    for key in ("observations", "data"):
        for each in _list(inner(record, key)):
            yield from _of_observation(each)
    yield from _of_observation(record)


# --- Langfuse ------------------------------------------------------------------------------


def _is_observation(record: object) -> bool:
    return isinstance(inner(record, "traceId"), str) and isinstance(inner(record, "type"), str)


def _of_observation(record: object) -> Iterator[_Turn]:
    if not _is_observation(record) or inner(record, "type") != "GENERATION":
        return
    given: Any = _parsed(inner(record, "input"))
    said: Any = inner(record, "output")
    listed = _list(given) or _list(inner(given, "messages"))
    messages = [message for message in listed if isinstance(inner(message, "role"), str)]
    if not messages:
        return
    tools, model = _parsed(inner(given, "tools")), inner(record, "model")
    more: dict[str, Any] = {"tools": tools} if isinstance(tools, list) else {}
    if isinstance(model, str):
        more["model"] = model
    yield _Turn(
        str(inner(record, "sessionId") or inner(record, "traceId")),
        messages,
        _answered(said),
        more,
    )


def _answered(said: object) -> list[_Json]:
    """Return the message that a generation put out, in whatever wrapping it stands."""
    held = _parsed(said)
    first = next(iter(_list(inner(held, "choices"))), None)
    message: Any = held if first is None else inner(first, "message")
    if isinstance(held, list):
        message = next(iter(cast("list[Any]", held)), None)
    if isinstance(message, dict) and message.keys() & _SAID:
        return [{**message, "role": "assistant"}]
    # What the agent said may be JSON, and no message.
    text = said if isinstance(said, str) else json.dumps(said) if isinstance(said, dict) else ""
    return [{"role": "assistant", "content": text}] if text else []


# --- OpenTelemetry -------------------------------------------------------------------------


def _spans(record: object) -> Iterator[_Json]:
    for resource in _list(inner(record, "resourceSpans")):
        for scope in _list(inner(resource, "scopeSpans")):
            yield from _list(inner(scope, "spans"))


def _of_span(span: object) -> Iterator[_Turn]:
    said = {
        str(inner(a, "key")): _value(inner(a, "value")) for a in _list(inner(span, "attributes"))
    }
    given = _list(_parsed(said.get("gen_ai.input.messages")))
    if not given:
        return
    told = _list(_parsed(said.get("gen_ai.system_instructions")))
    system = "\n".join(str(inner(part, "content") or "") for part in told)
    opening = [{"role": "system", "content": system}] if system else []
    answers = _list(_parsed(said.get("gen_ai.output.messages")))[:1]
    tools = _list(_parsed(said.get("gen_ai.tool.definitions")))
    model = said.get("gen_ai.response.model") or said.get("gen_ai.request.model")
    yield _Turn(
        str(said.get("gen_ai.conversation.id") or inner(span, "traceId")),
        [*opening, *(each for message in given for each in _messages(message))],
        [each for message in answers for each in _messages(message)],
        {**({"tools": tools} if tools else {}), **({"model": str(model)} if model else {})},
    )


def _value(value: Any) -> Any:
    """Return an attribute's value out of OTLP's wrapping."""
    wrapping = cast("dict[str, Any]", value) if isinstance(value, dict) else {}
    for kind, held in wrapping.items():
        if kind == "arrayValue":
            return [_value(each) for each in _list(inner(held, "values"))]
        if kind == "kvlistValue":
            return {
                str(inner(e, "key")): _value(inner(e, "value"))
                for e in _list(inner(held, "values"))
            }
        return held
    return None


def _messages(message: object) -> Iterator[_Json]:
    """Yield a message of parts as chat completions write it; each result is one of its own."""
    parts = _list(inner(message, "parts"))
    role = inner(message, "role")
    texts = [inner(part, "content") for part in parts if inner(part, "type") == "text"]
    text = "\n".join(each for each in texts if isinstance(each, str))
    calls = [_call(part) for part in parts if inner(part, "type") == "tool_call"]
    results = [part for part in parts if inner(part, "type") == "tool_call_response"]
    for part in results:
        response = inner(part, "response")
        answer = inner(part, "result") if response is None else response
        text_of = answer if isinstance(answer, str) else json.dumps(answer, ensure_ascii=False)
        yield {"role": "tool", "tool_call_id": inner(part, "id") or "", "content": text_of}
    if calls:
        yield {"role": role, "content": text or None, "tool_calls": calls}
    elif text or not results:
        yield {"role": role, "content": text}


def _call(part: object) -> _Json:
    arguments = inner(part, "arguments")
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments or {})
    function = {"name": inner(part, "name") or "", "arguments": raw}
    return {"id": inner(part, "id") or "", "type": "function", "function": function}


# --- shapes --------------------------------------------------------------------------------


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _parsed(value: object) -> Any:
    """Return what a text of JSON holds: some exporters write structures as text."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value
