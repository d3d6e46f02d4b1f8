"""Any server that speaks OpenAI's chat completions: hosted APIs, vLLM, Ollama, llama.cpp."""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from pydantic import BaseModel, JsonValue

from sidecritic.models.endpoint import Endpoint
from sidecritic.models.replies import arguments_text, assistant, finish_of, native_call
from sidecritic.models.served import ServedModel
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

    def _payload(self, request: Request) -> tuple[dict[str, JsonValue], dict[str, str]]:
        return _payload(self._endpoint, request), {}

    def _completion(self, request: Request, body: bytes, seconds: float) -> Completion:
        reply = self._endpoint.read(whole(self._endpoint, body), _Reply)
        return _completion(self._endpoint, request, reply, seconds)


# --- what is asked -----------------------------------------------------------------------


def _payload(endpoint: Endpoint, request: Request) -> dict[str, JsonValue]:
    sampling = request.sampling
    payload: dict[str, JsonValue] = {
        "model": endpoint.model,
        "messages": [_message(message) for message in request.messages],
    }
    if request.tools:
        payload["tools"] = [_tool(tool) for tool in request.tools]
        if sampling.tool_choice is not None:
            payload["tool_choice"] = _tool_choice(sampling.tool_choice)
    payload |= _sampling(endpoint, sampling)
    return payload | sampling.extra


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
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {
            "name": tool.name,
            "description": tool.description,
            "parameters": parameters,
        },
    }


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


class _Function(BaseModel):
    name: str
    arguments: str | dict[str, JsonValue] | None = None


class _Call(BaseModel):
    id: str | None = None
    function: _Function


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


class _Logprobs(BaseModel):
    content: list[_Token] | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _PromptDetails(BaseModel):
    cached_tokens: int | None = None


class _Usage(BaseModel):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    prompt_tokens_details: _PromptDetails | None = None


class _Reply(BaseModel):
    model: str | None = None
    choices: list[_Choice]
    usage: _Usage | None = None


def _completion(endpoint: Endpoint, request: Request, reply: _Reply, seconds: float) -> Completion:
    if not reply.choices:
        raise endpoint.unusable("the answer holds no choices; check the server's log")
    choice = reply.choices[0]
    said = choice.message
    message = assistant(
        request,
        endpoint,
        text=said.content or said.refusal or "",
        calls=[_native(call) for call in said.tool_calls or ()],
        reasoning=said.reasoning_content or said.reasoning,
    )
    return Completion(
        message=message,
        finish=finish_of(_FINISHES.get(choice.finish_reason or "", "stop"), message),
        model=reply.model or endpoint.model,
        usage=_usage(reply.usage),
        seconds=seconds,
        logprobs=_logprobs(choice.logprobs),
    )


def _native(call: _Call) -> ToolCall:
    arguments = call.function.arguments
    raw = json.dumps(arguments) if isinstance(arguments, dict) else arguments or ""
    return native_call(call.id or "", call.function.name, raw)


def _usage(usage: _Usage | None) -> Usage:
    if usage is None:
        return Usage()
    details = usage.prompt_tokens_details
    return Usage(
        input_tokens=usage.prompt_tokens,
        output_tokens=usage.completion_tokens,
        cached_tokens=(details.cached_tokens if details else None) or 0,
    )


def _logprobs(logprobs: _Logprobs | None) -> tuple[TokenLogprob, ...]:
    tokens = (logprobs.content if logprobs else None) or ()
    return tuple(
        TokenLogprob(
            token=token.token,
            logprob=token.logprob,
            # Two tokens may read the same; the list begins with the likeliest, which is kept.
            top={other.token: other.logprob for other in reversed(token.top_logprobs or ())},
        )
        for token in tokens
    )
