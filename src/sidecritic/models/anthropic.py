"""Models behind Anthropic's Messages API.

It differs from chat completions in what it insists on: the system prompt stands apart, user
and assistant alternate and the user begins, all results of one message come back in one, a
token limit must be set, and there are neither log-probabilities nor seeds.
"""

import json
import re
from collections.abc import Mapping
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from pydantic import BaseModel, JsonValue

from sidecritic.errors import ConfigError
from sidecritic.models.replies import arguments_object, assistant, finish_of, native_call
from sidecritic.models.served import NO_PARAMETERS, ServedModel, offered
from sidecritic.types import (
    Assistant,
    Completion,
    Finish,
    Message,
    Request,
    System,
    ToolResult,
    ToolSpec,
    Usage,
    User,
)

ANTHROPIC_URL = "https://api.anthropic.com"

MAX_TOKENS = 4096
"""Used when the request sets no limit; the API insists on one."""

OPENER = "(The conversation begins.)"
"""Stands in for the user when the assistant has the first word."""

SAMPLING_VERSION = "2023-06-01"
"""API version for requests that set a temperature.

Later ones refuse it; with this one the models up to Claude 4.6 accept it, and newer ones say
themselves that they do not. Source: "Versions" in the API reference of the Claude platform.
"""

_SAMPLING_FIELDS = frozenset({"temperature", "top_p", "top_k"})
_FINISHES: Mapping[str, Finish] = MappingProxyType(
    {"max_tokens": "length", "model_context_window_exceeded": "length", "refusal": "filtered"}
)
_EMPTY = "(empty message)"
_ODD_IN_ID = re.compile(r"[^A-Za-z0-9_-]")


class AnthropicMessages(ServedModel):
    """A model behind the Messages API; close it with `aclose()`.

    `Sampling.seed` has no counterpart there and is not sent.
    """

    _package, _client_class, _errors = "anthropic", "AsyncAnthropic", "AnthropicError"
    _url, _path = ANTHROPIC_URL, "/v1/messages"

    def _root(self, base_url: str) -> str:
        # The SDK adds /v1 itself, unlike OpenAI's; people give the same URL to both.
        return base_url.rstrip("/").removesuffix("/v1")

    def _payload(self, request: Request) -> dict[str, JsonValue]:
        sampling = request.sampling
        if sampling.top_logprobs is not None:
            raise ConfigError(
                f"{self._endpoint.label}: the Messages API gives no log-probabilities; "
                "leave out top_logprobs or use an OpenAI-compatible server"
            )
        system = "\n\n".join(m.text for m in request.messages if isinstance(m, System) if m.text)
        payload: dict[str, JsonValue] = {
            "model": self.name,
            "max_tokens": sampling.max_tokens or MAX_TOKENS,
            "messages": _alternating(request.messages),
            **({"system": system} if system else {}),
            **offered(request, _tool, _tool_choice),
        }
        if sampling.temperature is not None:
            payload["temperature"] = sampling.temperature
        if sampling.stop:
            payload["stop_sequences"] = list(sampling.stop)
        return payload | sampling.extra

    def _headers(self, payload: Mapping[str, JsonValue]) -> dict[str, str]:
        samples = not _SAMPLING_FIELDS.isdisjoint(payload)
        return {"anthropic-version": SAMPLING_VERSION} if samples else {}

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        reply = self._endpoint.read(body, _Reply)
        used = [block for block in reply.content if block.type == "tool_use"]
        thought = "\n\n".join(block.thinking for block in reply.content if block.thinking)
        message = assistant(
            request,
            self._endpoint,
            text="".join(block.text for block in reply.content if block.type == "text"),
            calls=[
                native_call(b.id, b.name, json.dumps(b.input, ensure_ascii=False)) for b in used
            ],
            reasoning=thought or None,
        )
        # The API counts cached input apart, here it is a part of the input.
        usage = reply.usage or _Usage()
        read = usage.cache_read_input_tokens or 0
        return Completion(
            message=message,
            finish=finish_of(_FINISHES.get(reply.stop_reason or "", "stop"), message),
            model=reply.model or self.name,
            usage=Usage(
                input_tokens=usage.input_tokens + read + (usage.cache_creation_input_tokens or 0),
                output_tokens=usage.output_tokens,
                cached_tokens=read,
            ),
            seconds=seconds,
        )


# --- what is asked -----------------------------------------------------------------------


def _tool(tool: ToolSpec) -> dict[str, JsonValue]:
    schema = tool.parameters or NO_PARAMETERS
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tool_choice(choice: str) -> JsonValue:
    match choice:
        case "auto" | "none":
            return {"type": choice}
        case "required":
            return {"type": "any"}
        case _:
            return {"type": "tool", "name": choice}


def _alternating(messages: tuple[Message, ...]) -> list[JsonValue]:
    """Render the chat as the API wants it: roles alternate, and the user begins."""
    spoken = [
        ("assistant" if isinstance(m, Assistant) else "user", block)
        for m in messages
        for block in _blocks(m)
    ]
    if not spoken or spoken[0][0] != "user":
        spoken.insert(0, ("user", _text(OPENER)))
    chat: list[JsonValue] = []
    for role, group in groupby(spoken, key=itemgetter(0)):
        blocks = [block for _, block in group]
        # Results must come before any text of the same message.
        blocks.sort(key=lambda block: role == "user" and block["type"] != "tool_result")
        chat.append({"role": role, "content": list[JsonValue](blocks)})
    return chat


def _blocks(message: Message) -> list[dict[str, JsonValue]]:
    match message:
        case System():
            return []
        case User(text=text):
            return [_text(text if text.strip() else _EMPTY)]
        case ToolResult(call_id=call_id, text=text, is_error=failed):
            answers = {"tool_use_id": _id(call_id), "content": text, "is_error": failed}
            return [{"type": "tool_result", **answers}]
        case Assistant(text=text, calls=calls):
            said = [_text(text)] if text.strip() else []
            made: list[dict[str, JsonValue]] = [
                {
                    "type": "tool_use",
                    "id": _id(call.id),
                    "name": call.name,
                    "input": arguments_object(call),
                }
                for call in calls
            ]
            return said + made


def _text(text: str) -> dict[str, JsonValue]:
    return {"type": "text", "text": text}


def _id(call_id: str) -> str:
    """Return the id with the characters that the API allows: others may come from elsewhere."""
    return _ODD_IN_ID.sub("_", call_id)


# --- what is answered --------------------------------------------------------------------


class _Block(BaseModel):
    type: str
    text: str = ""
    thinking: str = ""
    id: str = ""
    name: str = ""
    input: JsonValue = None


class _Usage(BaseModel):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Reply(BaseModel):
    model: str | None = None
    content: list[_Block]
    stop_reason: str | None = None
    usage: _Usage | None = None
