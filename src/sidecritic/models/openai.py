"""Any server that speaks OpenAI's chat completions: hosted APIs, vLLM, Ollama, llama.cpp."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import AliasPath, BaseModel, Field, JsonValue

from sidecritic.models.endpoint import Endpoint
from sidecritic.models.replies import arguments_text, assistant, finish_of, native_call
from sidecritic.models.served import NO_PARAMETERS, ServedModel, offered
from sidecritic.models.streams import whole
from sidecritic.types import (
    Assistant,
    Completion,
    Finish,
    Message,
    Request,
    Sampling,
    System,
    TokenLogprob,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    User,
)

OPENAI_URL = "https://api.openai.com/v1"

_FINISHES: Mapping[str, Finish] = MappingProxyType(
    {"length": "length", "content_filter": "filtered"}
)
_COMPLETION_LIMIT_HOSTS = ("openai.com", "openai.azure.com")
_COMPLETION_LIMIT_MODELS = re.compile(r"(.*/)?(o\d|gpt-[5-9])")


class OpenAIChat(ServedModel):
    """A model behind an OpenAI-compatible server; close it with `aclose()`."""

    _package, _client_class, _errors = "openai", "AsyncOpenAI", "OpenAIError"
    _url, _path = OPENAI_URL, "/chat/completions"

    def _payload(self, request: Request) -> dict[str, JsonValue]:
        payload: dict[str, JsonValue] = {
            "model": self.name,
            "messages": [_message(message) for message in request.messages],
            **offered(request, _tool, _tool_choice),
        }
        return payload | _sampling(self._endpoint, request.sampling) | request.sampling.extra

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        reply = self._endpoint.read(whole(self._endpoint, body), _Reply)
        if not reply.choices:
            raise self._endpoint.unusable("the answer holds no choices; check the server's log")
        choice, usage = reply.choices[0], reply.usage or _Usage()
        said = choice.message
        message = assistant(
            request,
            self._endpoint,
            text=said.content or said.refusal or "",
            calls=[_native(call) for call in said.tool_calls or ()],
            reasoning=said.reasoning_content or said.reasoning,
        )
        return Completion(
            message=message,
            finish=finish_of(_FINISHES.get(choice.finish_reason or "", "stop"), message),
            model=reply.model or self.name,
            usage=Usage(
                input_tokens=usage.prompt_tokens,
                output_tokens=usage.completion_tokens,
                cached_tokens=usage.cached_tokens or 0,
            ),
            seconds=seconds,
            logprobs=tuple(map(_logprob, choice.logprobs or ())),
        )


# --- what is asked -----------------------------------------------------------------------


def _sampling(endpoint: Endpoint, sampling: Sampling) -> dict[str, JsonValue]:
    limits = {"max_tokens", "max_completion_tokens"}
    chosen: dict[str, JsonValue | None] = {
        "temperature": sampling.temperature,
        "seed": sampling.seed,
        "stop": list(sampling.stop) or None,
        "logprobs": True if sampling.top_logprobs is not None else None,
        "top_logprobs": sampling.top_logprobs,
    }
    if limits.isdisjoint(sampling.extra):
        chosen[_limit_field(endpoint)] = sampling.max_tokens
    return {key: value for key, value in chosen.items() if value is not None}


def _limit_field(endpoint: Endpoint) -> str:
    """Return the name of the token limit: OpenAI has renamed it, most others know the old one."""
    host = urlsplit(endpoint.base_url).hostname or ""
    renamed = any(host == h or host.endswith(f".{h}") for h in _COMPLETION_LIMIT_HOSTS)
    if renamed or _COMPLETION_LIMIT_MODELS.match(endpoint.model):
        return "max_completion_tokens"
    return "max_tokens"


def _tool(tool: ToolSpec) -> dict[str, JsonValue]:
    called: JsonValue = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or NO_PARAMETERS,
    }
    return {"type": "function", "function": called}


def _tool_choice(choice: str) -> JsonValue:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "function": {"name": choice}}


def _message(message: Message) -> dict[str, JsonValue]:
    match message:
        case System(text=text) | User(text=text):
            return {"role": message.role, "content": text}
        case ToolResult(call_id=call_id, text=text):
            return {"role": "tool", "tool_call_id": call_id, "content": text}
        case Assistant(text=text, calls=()):
            return {"role": "assistant", "content": text}
        case Assistant(text=text, calls=calls):
            return {
                "role": "assistant",
                "content": text or None,
                "tool_calls": [
                    {
                        "id": call.id,
                        "type": "function",
                        "function": {"name": call.name, "arguments": arguments_text(call)},
                    }
                    for call in calls
                ],
            }


# --- what is answered --------------------------------------------------------------------


class _Call(BaseModel):
    id: str | None = None
    name: str = Field(validation_alias=AliasPath("function", "name"))
    arguments: str | dict[str, JsonValue] | None = Field(
        default=None, validation_alias=AliasPath("function", "arguments")
    )


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[_Call] | None = None


class _Alternative(BaseModel):
    token: str
    logprob: float


class _Token(_Alternative):
    top_logprobs: list[_Alternative] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: list[_Token] | None = Field(
        default=None, validation_alias=AliasPath("logprobs", "content")
    )


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int | None = Field(
        default=None, validation_alias=AliasPath("prompt_tokens_details", "cached_tokens")
    )


class _Reply(BaseModel):
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def _native(call: _Call) -> ToolCall:
    arguments = call.arguments
    raw = json.dumps(arguments) if isinstance(arguments, dict) else arguments or ""
    return native_call(call.id or "", call.name, raw)


def _logprob(token: _Token) -> TokenLogprob:
    # Two tokens may read the same; the list begins with the likeliest, which is kept.
    top = {other.token: other.logprob for other in reversed(token.top_logprobs or ())}
    return TokenLogprob(token=token.token, logprob=token.logprob, top=top)
