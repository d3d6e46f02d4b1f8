"""A streamed answer of chat completions, read as the one that would have come in one piece."""

from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError
from pydantic_core import to_json

from sidecritic.errors import ModelUnavailable
from sidecritic.models.endpoint import Endpoint

_BEGINNINGS = (b"data:", b"event:", b"id:", b"retry:", b":")
"""How lines of server-sent events begin; a JSON answer begins with none of them."""

_TEXTS = ("content", "refusal", "reasoning", "reasoning_content")


class _Logprobs(BaseModel):
    content: list[dict[str, JsonValue]] | None = None


class _Choice(BaseModel):
    index: int = 0
    delta: dict[str, JsonValue] = {}
    logprobs: _Logprobs | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    model: str | None = None
    choices: list[_Choice] = []
    usage: dict[str, JsonValue] | None = None
    error: JsonValue = None


def whole(endpoint: Endpoint, body: bytes) -> bytes:
    """Return the body of the answer; one that was not streamed is returned as it is.

    Raises:
        ModelUnavailable: the stream broke off.
        ModelError: it holds what cannot be put together.
    """
    if not body.lstrip().startswith(_BEGINNINGS):
        return body
    chunks = _chunks(endpoint, body)
    failed = next((chunk for chunk in chunks if chunk.error), None)
    if failed is not None:
        return to_json({"error": failed.error})
    choices = [choice for chunk in chunks for choice in chunk.choices if choice.index == 0]
    finish = next((choice.finish_reason for choice in choices if choice.finish_reason), None)
    if finish is None:
        raise ModelUnavailable(
            f"{endpoint.label}: the stream broke off; the connection or the server failed"
        )
    if any(choice.delta.get("tool_calls") for choice in choices):
        raise endpoint.unusable("tool calls came as a stream; ask without `stream`")
    tokens = [t for choice in choices if choice.logprobs for t in choice.logprobs.content or ()]
    joined: dict[str, Any] = {
        "message": _message(choices),
        "finish_reason": finish,
        "logprobs": {"content": tokens} if tokens else None,
    }
    usage = next((chunk.usage for chunk in reversed(chunks) if chunk.usage), None)
    model = next((chunk.model for chunk in chunks if chunk.model), None)
    return to_json({"model": model, "choices": [joined], "usage": usage})


def _message(choices: list[_Choice]) -> dict[str, str]:
    said = {name: [choice.delta.get(name) for choice in choices] for name in _TEXTS}
    texts = {n: "".join(p for p in parts if isinstance(p, str)) for n, parts in said.items()}
    return {name: text for name, text in texts.items() if text}


def _chunks(endpoint: Endpoint, body: bytes) -> list[_Chunk]:
    lines = (line.strip() for line in body.split(b"\n"))
    told = (line.removeprefix(b"data:").strip() for line in lines if line.startswith(b"data:"))
    try:
        return [_Chunk.model_validate_json(part) for part in told if part not in (b"", b"[DONE]")]
    except ValidationError as cause:
        raise ModelUnavailable(
            f"{endpoint.label}: a part of the stream is not what chat completions send; "
            "the connection or the server broke off"
        ) from cause
