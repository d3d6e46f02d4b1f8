"""OpenAI's Responses: a list of items in, a list of items out, and history that may be stored."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from operator import itemgetter
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects import parts
from sidecritic.dialects.base import (
    Ambiguous,
    Assembled,
    Body,
    ClientRequest,
    Hints,
    ProviderAnswer,
    Rejected,
    Released,
    StreamFailed,
    WireDraft,
)
from sidecritic.dialects.deltas import is_of_items, said_by_parts
from sidecritic.dialects.responses_events import events_of
from sidecritic.dialects.responses_refused import CLIENT_CALLS, input_items, refused_items
from sidecritic.dialects.sse import Event, named_events, numbered, read_stream
from sidecritic.types import Assistant, Message, ToolCall, ToolSpec, Usage
from sidecritic.values import object_of, objects_of, text_of

_TEXTS: Mapping[str, str] = MappingProxyType(
    {"input_text": "text", "output_text": "text", "text": "text", "refusal": "refusal"}
)
_MEDIA = frozenset({"input_image", "input_file", "input_audio", "computer_screenshot"})
_CLIENT_TOOLS = frozenset(
    {"function", "custom", "computer_use_preview", "computer", "local_shell", "shell"}
    | {"apply_patch"}
)
_KNOWN_ANSWER = frozenset(
    {"object", "created_at", "model", "usage", "error", "metadata", "instructions", "reasoning"}
    | {"max_output_tokens", "max_tool_calls", "parallel_tool_calls", "previous_response_id"}
    | {"service_tier", "store", "temperature", "text", "tool_choice", "tools", "top_logprobs"}
    | {"top_p", "truncation", "background", "prompt_cache_key", "safety_identifier", "user"}
)
_ENDS = ("response.completed", "response.incomplete")
_ERRORS = ("error", "response.failed")
_FAILED: Mapping[str, JsonValue] = MappingProxyType(
    {
        **{"id": "resp_failed", "object": "response", "created_at": 0, "model": ""},
        **{"incomplete_details": None, "instructions": None, "metadata": {}, "tools": []},
        **{"parallel_tool_calls": True, "tool_choice": "auto", "usage": None},
    }
)
"""What clients expect of every answer, where the provider has said nothing else."""


class Responses:
    endpoint = "responses"
    keeps_history = True

    def asked(self, body: Body) -> ClientRequest:
        unknown: dict[str, None] = {}
        if body.get("background") is True:
            unknown["background: an answer that is fetched later"] = None
        kept = ["conversation"] if body.get("conversation") else []
        if kept:
            unknown["conversation: history that the provider keeps"] = None
        if body.get("prompt"):
            unknown["prompt: a template that the provider keeps"] = None
        items = [item for item in input_items(body) if isinstance(item, dict)]
        if any(_kind(item) == "item_reference" for item in items):
            kept.append("item_reference")
        tools, hints = _tools(body, unknown)
        said = (_content(i, unknown) for i in items if text_of(i, "role") in _SYSTEM)
        return ClientRequest(
            model=text_of(body, "model"),
            stream=body.get("stream") is True,
            system="\n\n".join(t for t in (text_of(body, "instructions"), *said) if t),
            history=tuple(_history(items, unknown)),
            tools=tools,
            hints=hints,
            continues=text_of(body, "previous_response_id"),
            kept=tuple(kept),
            is_kept=True,
            unknown=tuple(unknown),
        )

    def answered(self, answer: Body) -> ProviderAnswer:
        unknown: dict[str, None] = {}
        if not isinstance(answer.get("output"), list):
            unknown["an answer without output"] = None
        if text_of(answer, "status") in ("queued", "in_progress"):
            unknown["an answer that is not finished"] = None
        action = _action(objects_of(answer, "output"), unknown)
        if _squeezed(text_of(answer, "output_text")) not in _squeezed(action.text):
            unknown["an output_text that no item says"] = None
        reason = text_of(object_of(answer, "incomplete_details"), "reason")
        return ProviderAnswer(
            drafts=(WireDraft(action, answer.get("output"), parts.finish_of(reason, action)),),
            model=text_of(answer, "model"),
            id=text_of(answer, "id"),
            usage=_usage(object_of(answer, "usage")),
            unknown=tuple(unknown),
        )

    def assembled(self, raw: bytes, asked: Body) -> Assembled:
        done: list[tuple[int, Body]] = []
        whole: Body = {}
        stream = read_stream(raw)
        heard = list(_heard(stream.events))
        for event in heard:
            kind = text_of(event, "type")
            if kind == "response.output_item.done":
                done.append((numbered(event, "output_index"), object_of(event, "item")))
            elif kind in _ENDS:
                whole = object_of(event, "response")
        if len({number for number, _ in done}) == len(done):
            done.sort(key=itemgetter(0))
        items = [item for _, item in done]  # some servers number none of them, or all alike
        answer = _agreed(whole, items)
        _tell_apart(objects_of(answer, "output"))
        is_plain = said_by_parts(heard) == said_by_parts(events_of(answer))
        types = {text_of(item, "type") for item in objects_of(answer, "output")}
        others = types - CLIENT_CALLS.keys() - {"message", ""}
        is_plain = is_plain and all(is_of_items(text_of(e, "type"), others) for e in heard)
        return Assembled(answer, stream.is_plain and is_plain)

    def again(self, body: Body, rejected: Sequence[Rejected]) -> Body:
        is_stored = body.get("store") is not False
        refused = (item for r in rejected for item in refused_items(r, is_stored=is_stored))
        return {**body, "input": [*input_items(body), *refused]}

    def rewritten(self, answer: Body, released: Sequence[Released], asked: Body) -> Body:
        first = released[0]
        id = held_id(text_of(answer, "id"))
        output = first.raw if isinstance(first, WireDraft) else list[JsonValue](_items(first, id))
        # An unknown field may repeat the refused draft.
        kept = {k: v for k, v in answer.items() if k in _KNOWN_ANSWER}
        return {**kept, "id": id, "output": output, "status": "completed"}

    def streamed(self, answer: Body, asked: Body) -> bytes:
        number = count()
        return named_events({**e, "sequence_number": next(number)} for e in events_of(answer))

    def error_event(self, error: Body) -> bytes:
        given = object_of(error, "response")
        inner = object_of(given or error, "error") or error
        code, message = text_of(inner, "code") or "server_error", text_of(inner, "message")
        failed: Body = {**_FAILED, **given, "output": [], "status": "failed"}
        failed["error"] = {**inner, "code": code, "message": message}
        begun: Body = {**failed, "status": "in_progress", "error": None}
        kinds = (("response.created", begun), ("response.failed", failed))
        return named_events(
            {"type": kind, "response": response, "sequence_number": at}
            for at, (kind, response) in enumerate(kinds)
        )


def held_id(id: str) -> str:
    """Return the id of an answer that replaces the provider's own.

    The provider keeps its own under the id: continuing from it would bring the refused draft back.
    """
    return f"{id}_held"


def _heard(events: Iterable[Event]) -> Iterator[Body]:
    """Walk over the events that all clients read alike, to the end of the answer."""
    is_over = False
    for name, event in events:
        kind = text_of(event, "type")
        if kind in _ERRORS or name == "error" or event.get("error"):
            raise StreamFailed("the stream ended with an error", event)
        if name not in ("", kind):
            raise Ambiguous("an event of the stream is not named by its type")
        if is_over:
            raise Ambiguous("the stream continues after its end")
        is_over = kind in _ENDS
        yield event
    if not is_over:
        raise StreamFailed("the stream was cut off before its end")


def _agreed(whole: Body, items: Sequence[Body]) -> Body:
    """Return the answer at the end of a stream, which says what its items have said.

    Some clients act on the items as they come, and some on the end.
    """
    if not whole.get("output"):
        return {**whole, "output": list[JsonValue](items)}
    said, ended = (_action(each, {}) for each in (items, objects_of(whole, "output")))
    if items and parts.substance(said) != parts.substance(ended):
        raise Ambiguous("the end of the stream contradicts its items")
    return whole


def _tell_apart(items: Sequence[Body]) -> None:
    """Give each item ids of its own; some clients join what has the same."""
    known = set[tuple[str, str]]()
    for at, item in enumerate(items):
        for key in item.keys() & {"id", "call_id"}:
            if (id := text_of(item, key)) and (key, id) in known:
                item[key] = f"{id}_{at}"
            known.add((key, id))


# --- what is asked -----------------------------------------------------------------------

_SYSTEM = ("system", "developer")
_NOT_RELEASED = "item_reference to what was not released here: send the item itself"


def _kind(item: Body) -> str:
    # Without a role it is no message: what stands behind its id only the provider knows.
    return text_of(item, "type") or ("message" if "role" in item else "item_reference")


def _content(item: Body, unknown: dict[str, None]) -> str:
    content = item.get("content")
    return parts.content_text(content, texts=_TEXTS, media=_MEDIA, unknown=unknown)


def _history(items: Sequence[Body], unknown: dict[str, None]) -> Iterator[Message]:
    """Walk over the messages; what an assistant said and called in a row is one turn."""
    names: dict[str, str] = {}
    turn: list[Body] = []
    for item in items:
        kind = _kind(item)
        if kind in CLIENT_CALLS or kind == "reasoning" or text_of(item, "role") == "assistant":
            turn.append(item)
            continue
        yield from _turn(turn, names, unknown)
        turn = []
        if kind == "message":
            role, text = text_of(item, "role"), _content(item, unknown)
            if role == "user":
                yield parts.user_message(text)
            elif role not in _SYSTEM:
                unknown[f"message of role {role!r}"] = None
                yield parts.result_of("", role, text)  # evidence without authority
        elif kind.endswith("_output"):
            id = text_of(item, "call_id") or text_of(item, "id")
            output = item.get("output")
            if kind == "shell_call_output" and not isinstance(output, str):
                text = json.dumps(output, ensure_ascii=False)
            else:
                text = parts.content_text(output, texts=_TEXTS, media=_MEDIA, unknown=unknown)
            yield parts.result_of(id, names.get(id, ""), text)
        else:
            unknown[_NOT_RELEASED if kind == "item_reference" else f"item of type {kind!r}"] = None
    yield from _turn(turn, names, unknown)


def _turn(
    items: Sequence[Body], names: dict[str, str], unknown: dict[str, None]
) -> Iterator[Assistant]:
    action = _action(items, unknown)
    if action.calls or action.text:
        names.update((call.id, call.name) for call in action.calls)
        yield action


def _action(items: Sequence[Body], unknown: dict[str, None]) -> Assistant:
    said: list[str] = []
    calls: list[ToolCall] = []
    for item in items:
        kind = text_of(item, "type") or "message"
        if kind == "message":
            said.append(_content(item, unknown))
        elif kind in CLIENT_CALLS:
            calls.append(_call(item, kind))
        elif kind != "reasoning":
            unknown[f"item of type {kind!r}"] = None
    return parts.turn_of("\n".join(part for part in said if part), tuple(calls))


def _call(item: Body, kind: str) -> ToolCall:
    id, given = text_of(item, "call_id"), item.get(CLIENT_CALLS[kind])
    if item.get("actions"):
        given = {"action": given, "actions": item.get("actions")}
    name = text_of(item, "name") or kind.removesuffix("_call")
    if space := text_of(item, "namespace"):
        name = f"{space}.{name}"
    if kind == "custom_tool_call":
        return parts.free_call(id, name, given if isinstance(given, str) else "")
    return parts.call_of(id, name, given)


def _tools(body: Body, unknown: dict[str, None]) -> tuple[tuple[ToolSpec, ...], dict[str, Hints]]:
    specs: list[ToolSpec] = []
    hints: dict[str, Hints] = {}
    for space, tool in _named_tools(body):
        kind = text_of(tool, "type") or "function"
        where = text_of(object_of(tool, "environment"), "type") or "local"
        if kind not in _CLIENT_TOOLS or where != "local":
            unknown[f"tool of type {kind!r}, which the provider runs"] = None
        name = space + (text_of(tool, "name") or kind)
        specs.append(parts.tool_spec(name, text_of(tool, "description"), tool.get("parameters")))
        hints[name] = parts.hints_of(tool)
    return tuple(specs), hints


def _named_tools(body: Body) -> Iterator[tuple[str, Body]]:
    """Walk over the tools, each with what its calls say before its name."""
    for tool in objects_of(body, "tools"):
        if text_of(tool, "type") == "namespace":
            space = f"{text_of(tool, 'name')}."
            yield from ((space, inner) for inner in objects_of(tool, "tools"))
        else:
            yield "", tool


# --- what is answered --------------------------------------------------------------------


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _usage(usage: Body) -> Usage:
    return parts.usage_of(
        given=parts.count_of(usage, "input_tokens"),
        written=parts.count_of(usage, "output_tokens"),
        cached=parts.count_of(object_of(usage, "input_tokens_details"), "cached_tokens"),
    )


def _items(action: Assistant, id: str) -> Iterator[Body]:
    if action.text or not action.calls:
        part: Body = {"type": "output_text", "text": action.text, "annotations": []}
        yield {
            "id": f"msg_{id}",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [part],
        }
    for call in action.calls:
        space, _, name = call.name.rpartition(".")
        yield {
            "id": f"fc_{id}_{call.id}",
            "type": "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": name,
            "arguments": parts.written_arguments(call),
            **({"namespace": space} if space else {}),
        }
