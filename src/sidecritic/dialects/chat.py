"""OpenAI's chat completions: `n` choices, parallel calls, and legacy function calls."""

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
from sidecritic.dialects.chat_stream import assembled, chunks
from sidecritic.dialects.sse import DONE, data_event
from sidecritic.types import Message, ToolCall, ToolSpec, Usage, User
from sidecritic.values import object_of, objects_of, text_of

_TEXTS: Mapping[str, str] = MappingProxyType({"text": "text", "refusal": "refusal"})
_MEDIA = frozenset({"image_url", "input_audio", "file", "video_url", "audio_url", "document_url"})
_SYSTEM = ("system", "developer")
_KNOWN_MESSAGE = frozenset(
    {"role", "content", "refusal", "tool_calls", "function_call", "name", "annotations"}
    | {"reasoning", "reasoning_content", "reasoning_details", "thinking_blocks", "audio"}
    | {"images"}
)

_KNOWN_ANSWER = frozenset({"id", "object", "created", "model", "usage", "service_tier"})


class ChatCompletions:
    endpoint = "chat/completions"
    keeps_history = False

    def asked(self, body: Body) -> ClientRequest:
        unknown: dict[str, None] = {}
        if body.get("web_search_options") is not None:
            unknown["web_search_options: a search that the provider runs"] = None
        if body.get("audio") is not None:
            unknown["spoken answers"] = None
        messages = objects_of(body, "messages")
        tools, hints = _tools(body, unknown)
        return ClientRequest(
            model=text_of(body, "model"),
            stream=body.get("stream") is True,
            system="\n\n".join(
                _text(m, unknown) for m in messages if text_of(m, "role") in _SYSTEM
            ),
            history=tuple(_history(messages, unknown)),
            tools=tools,
            hints=hints,
            unknown=tuple(unknown),
        )

    def answered(self, answer: Body) -> ProviderAnswer:
        unknown: dict[str, None] = {}
        choices = objects_of(answer, "choices")
        if not choices:
            unknown["an answer without choices"] = None
        return ProviderAnswer(
            drafts=tuple(_draft(choice, unknown) for choice in choices),
            model=text_of(answer, "model"),
            id=text_of(answer, "id"),
            usage=_usage(object_of(answer, "usage")),
            unknown=tuple(unknown),
        )

    def assembled(self, raw: bytes, asked: Body) -> Assembled:
        return assembled(raw, asked)

    def again(self, body: Body, rejected: Sequence[Rejected]) -> Body:
        refused = (message for each in rejected for message in _refused(each))
        # One more draft for one choice; the other choices have theirs.
        single = {"n": 1} if "n" in body else {}
        return {**body, "messages": [*parts.listed(body.get("messages")), *refused], **single}

    def rewritten(self, answer: Body, released: Sequence[Released], asked: Body) -> Body:
        legacy = _is_legacy(objects_of(answer, "choices"), asked)
        choices = [_choice(index, part, legacy=legacy) for index, part in enumerate(released)]
        # An unknown field may repeat the refused draft.
        kept = {k: v for k, v in answer.items() if k in _KNOWN_ANSWER}
        return {**kept, "choices": list[JsonValue](choices)}

    def streamed(self, answer: Body, asked: Body) -> bytes:
        kept = {k: v for k, v in answer.items() if k not in ("choices", "usage", "object")}
        base: Body = {**kept, "object": "chat.completion.chunk"}
        events = [data_event({**base, "choices": [c]}) for c in chunks(answer)]
        if object_of(asked, "stream_options").get("include_usage") is True:
            events.append(data_event({**base, "choices": [], "usage": answer.get("usage")}))
        return b"".join((*events, DONE))

    def error_event(self, error: Body) -> bytes:
        return data_event(error) + DONE


# --- what is asked -----------------------------------------------------------------------


def _text(message: Body, unknown: dict[str, None]) -> str:
    content, images = message.get("content"), objects_of(message, "images")
    if isinstance(content, list):
        # What a model thought is not what it says.
        content = [p for p in content if not isinstance(p, dict) or p.get("type") != "thinking"]
    text = parts.content_text(content, texts=_TEXTS, media=_MEDIA, unknown=unknown)
    return "\n".join((*([text] if text else []), *("[image]" for _ in images)))


def _history(messages: Sequence[Body], unknown: dict[str, None]) -> Iterator[Message]:
    names: dict[str, str] = {}
    called = ""
    for index, message in enumerate(messages):
        role, text = text_of(message, "role"), _text(message, unknown)
        if role == "user":
            yield parts.user_message(text)
        elif role == "assistant":
            calls = tuple(_calls(message, f"function_{index}", unknown))
            names.update((call.id, call.name) for call in calls)
            called = calls[-1].id if calls else called
            yield parts.turn_of(text or text_of(message, "refusal"), calls)
        elif role == "tool":
            id = text_of(message, "tool_call_id")
            yield parts.result_of(id, names.get(id, ""), text)
        elif role == "function":
            yield parts.result_of(called, text_of(message, "name"), text)
        elif role not in _SYSTEM:
            unknown[f"message of role {role!r}"] = None


def _calls(message: Body, legacy_id: str, unknown: dict[str, None]) -> Iterator[ToolCall]:
    for call in objects_of(message, "tool_calls"):
        kind, id = text_of(call, "type") or "function", text_of(call, "id")
        part = object_of(call, kind)
        if [k for k in ("function", "custom") if object_of(call, k)] not in ([], [kind]):
            # Some clients go by the type, and some by what is there.
            unknown["tool call of two kinds"] = None
        if kind == "function":
            yield parts.call_of(id, text_of(part, "name"), part.get("arguments"))
        else:
            if kind != "custom":
                unknown[f"tool call of type {kind!r}"] = None
            yield parts.free_call(id, text_of(part, "name") or kind, text_of(part, "input"))
    legacy = object_of(message, "function_call")
    if legacy:
        yield parts.call_of(legacy_id, text_of(legacy, "name"), legacy.get("arguments"))


def _tools(body: Body, unknown: dict[str, None]) -> tuple[tuple[ToolSpec, ...], dict[str, Hints]]:
    specs: list[ToolSpec] = []
    hints: dict[str, Hints] = {}
    for tool in (*objects_of(body, "tools"), *objects_of(body, "functions")):
        kind = text_of(tool, "type") or "function"
        part = object_of(tool, kind) or tool
        if kind not in ("function", "custom"):
            unknown[f"tool of type {kind!r}"] = None
        name = text_of(part, "name") or kind
        specs.append(parts.tool_spec(name, text_of(part, "description"), part.get("parameters")))
        hints[name] = parts.hints_of(part, tool)
    return tuple(specs), hints


def _refused(refusal: Rejected) -> Iterator[Body]:
    """Return the draft as the model wrote it, and the answer to each of its calls."""
    message = dict(object_of(_as_object(refusal.raw), "message"))
    message = {k: v for k, v in message.items() if v is not None or k == "content"}
    message.setdefault("role", "assistant")
    if not refusal.action.calls and not text_of(message, "content"):
        message["content"] = refusal.action.text or "(empty message)"
    written = objects_of(message, "tool_calls")
    if written:
        ids = (call.id for call in refusal.action.calls)
        message["tool_calls"] = [
            {**{k: v for k, v in call.items() if k != "index"}, "id": id}
            for call, id in zip(written, ids, strict=False)
        ]
    yield message
    for answer in refusal.answers:
        if isinstance(answer, User):
            yield {"role": "user", "content": answer.text}
        elif written:
            yield {"role": "tool", "tool_call_id": answer.call_id, "content": answer.text}
        else:
            yield {"role": "function", "name": answer.name, "content": answer.text}


def _as_object(value: JsonValue) -> Body:
    return value if isinstance(value, dict) else {}


# --- what is answered --------------------------------------------------------------------


def _draft(choice: Body, unknown: dict[str, None]) -> WireDraft:
    message = object_of(choice, "message")
    unknown.update(dict.fromkeys(_misshapen(choice)))
    for key, value in message.items():
        if key not in _KNOWN_MESSAGE and not _says_nothing(value) and not _is_note(key, value):
            unknown[f"field {key!r} of a message"] = None
    if message.get("audio"):
        unknown["a spoken answer"] = None
    both = (_text(message, unknown), text_of(message, "refusal"))
    text = "\n".join(part for part in both if part)
    calls = tuple(_calls(message, "function_draft", unknown))
    action = parts.turn_of(text, calls)
    return WireDraft(action, choice, parts.finish_of(text_of(choice, "finish_reason"), action))


def _says_nothing(value: JsonValue) -> bool:
    """Whether a value holds no text anywhere, as in empty fields that a proxy adds."""
    if isinstance(value, dict):
        return all(map(_says_nothing, value.values()))
    return not value if isinstance(value, str | list) else True


def _is_note(key: str, value: JsonValue) -> bool:
    """Whether a field says how an answer was made, and not what it is."""
    if key == "channel":
        return value in ("analysis", "commentary", "final")
    extra = _as_object(value)
    signed = set(extra) == {"google"} and set(object_of(extra, "google")) == {"thought_signature"}
    return key == "extra_content" and signed


def _misshapen(choice: Body) -> Iterator[str]:
    """Name what we would read as an empty message, and a client might not."""
    message = choice.get("message")
    if not isinstance(message, dict):
        yield "a choice without a message"
        return
    calls = message.get("tool_calls")
    is_list = isinstance(calls, list) and all(isinstance(call, dict) for call in calls)
    if calls is not None and not is_list:
        yield "tool_calls that are not a list of objects"
    legacy = message.get("function_call")
    if legacy is not None and not isinstance(legacy, dict):
        yield "a function_call that is not an object"
    yield from (f"field {key!r} of a choice" for key in ("delta", "text") if key in choice)


def _usage(usage: Body) -> Usage:
    return parts.usage_of(
        given=parts.count_of(usage, "prompt_tokens"),
        written=parts.count_of(usage, "completion_tokens"),
        cached=parts.count_of(object_of(usage, "prompt_tokens_details"), "cached_tokens"),
    )


def _is_legacy(choices: Sequence[Body], asked: Body) -> bool:
    """Whether the client reads legacy calls: it was sent one, or offers nothing else."""
    if any(object_of(object_of(c, "message"), "function_call") for c in choices):
        return True
    return bool(asked.get("functions")) and not asked.get("tools")


def _choice(index: int, part: Released, *, legacy: bool) -> Body:
    if isinstance(part, WireDraft):
        return {**_as_object(part.raw), "index": index}
    message: Body = {"role": "assistant", "content": part.text or None, "refusal": None}
    if part.calls and legacy:
        message["function_call"] = _function(part.calls[0])
    elif part.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": _function(call)} for call in part.calls
        ]
    reason = ("function_call" if legacy else "tool_calls") if part.calls else "stop"
    return {"index": index, "message": message, "logprobs": None, "finish_reason": reason}


def _function(call: ToolCall) -> Body:
    return {"name": call.name, "arguments": parts.written_arguments(call)}
