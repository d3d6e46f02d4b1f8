"""Anthropic's Messages: content blocks, and results that come back in one user message."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects import parts
from sidecritic.dialects.base import (
    Assembled,
    Body,
    ClientRequest,
    Hints,
    ProviderAnswer,
    Rejected,
    Released,
    WireDraft,
)
from sidecritic.dialects.messages_stream import assembled, events_of
from sidecritic.dialects.sse import data_event, named_events
from sidecritic.types import Assistant, Message, ToolCall, ToolSpec, Usage, User
from sidecritic.values import object_of, objects_of, text_of

_TEXTS: Mapping[str, str] = MappingProxyType({"text": "text"})
_MEDIA = frozenset({"image", "document", "search_result", "tool_reference", "container_upload"})
_THOUGHTS = frozenset({"thinking", "redacted_thinking"})
_CLIENT_TOOLS = ("custom", "bash_", "text_editor_", "computer_", "memory_")
"""Types of tools that the client runs; every other type runs at the provider's."""

_KNOWN_ANSWER = frozenset({"id", "type", "role", "model", "usage"})


class Messages:
    endpoint = "messages"
    keeps_history = True

    def asked(self, body: Body) -> ClientRequest:
        unknown: dict[str, None] = {}
        if body.get("mcp_servers"):
            unknown["mcp_servers: tools that the provider runs"] = None
        tools, hints = _tools(body, unknown)
        messages = objects_of(body, "messages")
        given = [body, *({"system": m.get("content")} for m in messages if _is_system(m))]
        said = (_content(each.get("system"), unknown) for each in given)
        thread = object_of(body, "thread")
        return ClientRequest(
            model=text_of(body, "model"),
            stream=body.get("stream") is True,
            system="\n\n".join(text for text in said if text),
            history=tuple(_history(messages, unknown)),
            tools=tools,
            hints=hints,
            continues=text_of(thread, "previous_message_id"),
            kept=("thread",) if thread else (),
            is_kept=bool(thread),
            unknown=tuple(unknown),
        )

    def answered(self, answer: Body) -> ProviderAnswer:
        unknown: dict[str, None] = {}
        if not isinstance(answer.get("content"), list):
            unknown["an answer without content"] = None
        action = _assistant(answer.get("content"), unknown)
        finish = parts.finish_of(text_of(answer, "stop_reason"), action)
        return ProviderAnswer(
            drafts=(WireDraft(action, answer.get("content"), finish),),
            model=text_of(answer, "model"),
            id=text_of(answer, "id"),
            usage=_usage(object_of(answer, "usage")),
            unknown=tuple(unknown),
        )

    def assembled(self, raw: bytes, asked: Body) -> Assembled:
        return assembled(raw)

    def again(self, body: Body, rejected: Sequence[Rejected]) -> Body:
        refused = (message for each in rejected for message in _refused(each))
        return {**body, "messages": [*parts.listed(body.get("messages")), *refused]}

    def rewritten(self, answer: Body, released: Sequence[Released], asked: Body) -> Body:
        first = released[0]
        if isinstance(first, WireDraft):
            return {**answer, "content": first.raw}
        content: list[JsonValue] = [_text(first.text)] if first.text or not first.calls else []
        content += [_use(call) for call in first.calls]
        reason = "tool_use" if first.calls else "end_turn"
        # An unknown field may repeat the refused draft.
        kept = {k: v for k, v in answer.items() if k in _KNOWN_ANSWER}
        return {**kept, "content": content, "stop_reason": reason, "stop_sequence": None}

    def streamed(self, answer: Body, asked: Body) -> bytes:
        return named_events(events_of(answer))

    def error_event(self, error: Body) -> bytes:
        return data_event(error, name="error")


# --- what is asked -----------------------------------------------------------------------


def _history(messages: Sequence[Body], unknown: dict[str, None]) -> Iterator[Message]:
    names: dict[str, str] = {}
    for message in messages:
        role, content = text_of(message, "role"), message.get("content")
        if role == "assistant":
            turn = _assistant(content, unknown)
            names.update((call.id, call.name) for call in turn.calls)
            yield turn
        elif role == "user":
            yield from _user(content, names, unknown)
        elif not _is_system(message):
            unknown[f"message of role {role!r}"] = None


def _content(content: JsonValue, unknown: dict[str, None]) -> str:
    return parts.content_text(content, texts=_TEXTS, media=_MEDIA, unknown=unknown)


def _is_system(message: Body) -> bool:
    return text_of(message, "role") == "system"


def _user(
    content: JsonValue, names: Mapping[str, str], unknown: dict[str, None]
) -> Iterator[Message]:
    if isinstance(content, str):
        yield parts.user_message(content)
        return
    said: list[JsonValue] = []
    for block in parts.listed(content):
        if isinstance(block, dict) and text_of(block, "type") == "tool_result":
            id = text_of(block, "tool_use_id")
            yield parts.result_of(
                id,
                names.get(id, ""),
                _content(block.get("content"), unknown),
                is_error=block.get("is_error") is True,
            )
        else:
            said.append(block)
    if said:
        yield parts.user_message(_content(said, unknown))


def _assistant(content: JsonValue, unknown: dict[str, None]) -> Assistant:
    if isinstance(content, str):
        return parts.turn_of(content)
    said: list[str] = []
    calls: list[ToolCall] = []
    for block in parts.listed(content):
        kind = text_of(block, "type") if isinstance(block, dict) else ""
        if isinstance(block, dict) and kind == "tool_use":
            id, name = text_of(block, "id"), text_of(block, "name")
            calls.append(parts.object_call(id, name, block.get("input")))
        elif isinstance(block, dict) and kind == "text":
            said.append(text_of(block, "text"))
        elif kind not in _THOUGHTS:
            unknown[f"content block {kind!r}"] = None
    return parts.turn_of("".join(said), tuple(calls))


def _tools(body: Body, unknown: dict[str, None]) -> tuple[tuple[ToolSpec, ...], dict[str, Hints]]:
    specs: list[ToolSpec] = []
    hints: dict[str, Hints] = {}
    for tool in objects_of(body, "tools"):
        kind, name = text_of(tool, "type") or "custom", text_of(tool, "name")
        if not kind.startswith(_CLIENT_TOOLS):
            unknown[f"tool of type {kind!r}, which the provider runs"] = None
        specs.append(parts.tool_spec(name, text_of(tool, "description"), tool.get("input_schema")))
        hints[name] = parts.hints_of(tool)
    return tuple(specs), hints


def _refused(refusal: Rejected) -> Iterator[Body]:
    """Return the draft with its thoughts, which the API insists on, and all results."""
    blocks = parts.listed(refusal.raw) or [_text(refusal.action.text or "(empty message)")]
    ids = iter([call.id for call in refusal.action.calls])
    yield {"role": "assistant", "content": [_sent_back(block, ids) for block in blocks]}
    yield {
        "role": "user",
        "content": [
            _text(answer.text)
            if isinstance(answer, User)
            else {
                "type": "tool_result",
                "tool_use_id": answer.call_id,
                "content": answer.text,
                "is_error": True,
            }
            for answer in refusal.answers
        ],
    }


def _sent_back(block: JsonValue, ids: Iterator[str]) -> JsonValue:
    if not isinstance(block, dict) or block.get("type") != "tool_use":
        return block
    given = block.get("input")
    # What is not an object would make the API refuse the whole conversation.
    arguments: JsonValue = given if isinstance(given, dict) else {"malformed_arguments": given}
    return {**block, "id": next(ids, text_of(block, "id")), "input": arguments}


def _text(text: str) -> Body:
    return {"type": "text", "text": text}


def _use(call: ToolCall) -> Body:
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments or {}}


# --- what is answered --------------------------------------------------------------------


def _usage(usage: Body) -> Usage:
    read = parts.count_of(usage, "cache_read_input_tokens")
    written = parts.count_of(usage, "cache_creation_input_tokens")
    return parts.usage_of(
        given=parts.count_of(usage, "input_tokens") + read + written,
        written=parts.count_of(usage, "output_tokens"),
        cached=read,
    )
