"""Asks with LiteLLM for tests: a job is a line of JSON on stdin, what came of it a line on stdout.

It speaks the protocol of `serve.mjs`, and runs in `.venv-litellm`: LiteLLM pins another `openai`
than the rest of the tests use. As LiteLLM leaves it to the application to run tools, what it hands
out as a call of a known one counts.
"""

import contextlib
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

Call = tuple[str, Any]
Said = tuple[str, Sequence[Call]]

_SECONDS = 20
_OVER_RESPONSES = "openai/responses/gpt-4o"  # of models that it does not know it asks no stream
_ANY: Any = {"type": "object"}
_ASKED: Any = {"messages": [{"role": "user", "content": "Hi"}]}
_KEY: Mapping[str, Any] = {"api_key": "k", "max_retries": 0, "timeout": _SECONDS}


def joined(answer: Iterable[Any], litellm: Any) -> Any:
    """Return what LiteLLM's own builder makes of a stream."""
    return litellm.stream_chunk_builder([*answer]).choices[0].message


def added_up(answer: Iterable[Any], litellm: Any) -> Any:
    """Return what an application makes of a stream that adds up the deltas of each index."""
    text, calls = "", dict[int, list[str]]()
    for chunk in answer:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            parts: list[Any] = choice.delta.tool_calls or []
            for part in parts:
                call = calls.setdefault(part.index, ["", ""])
                call[0] = call[0] or part.function.name or ""
                call[1] += part.function.arguments or ""
    return litellm.Message(
        content=text,
        tool_calls=[
            {"id": str(at), "type": "function", "function": {"name": name, "arguments": given}}
            for at, (name, given) in calls.items()
        ],
    )


def completion(
    litellm: Any,
    root: str,
    stream: bool,
    tools: Iterable[str],
    *,
    model: str,
    path: str = "/v1",
    read: Callable[[Iterable[Any], Any], Any] = joined,
) -> Said:
    known: Any = [
        {"type": "function", "function": {"name": name, "parameters": _ANY}} for name in tools
    ]
    asked = {**_KEY, **_ASKED, "model": model, "api_base": root + path, "tools": known}
    answer = litellm.completion(**asked, stream=stream)
    said = read(answer, litellm) if stream else answer.choices[0].message
    calls: list[Any] = said.tool_calls or []
    return said.content or "", [(c.function.name, c.function.arguments) for c in calls]


def responses(litellm: Any, root: str, stream: bool, tools: Iterable[str]) -> Said:
    known: Any = [{"type": "function", "name": name, "parameters": {}} for name in tools]
    asked = {
        **_KEY,
        "model": "openai/gpt-4o",
        "api_base": f"{root}/v1",
        "input": "Hi",
        "tools": known,
    }
    answer = litellm.responses(**asked, stream=stream)
    if stream:
        *_, last = answer
        answer = last.response
    calls = [item for item in answer.output if item.type == "function_call"]
    return answer.output_text, [(call.name, call.arguments) for call in calls]


CLIENTS: Mapping[str, Callable[..., Said]] = {
    "litellm_openai": partial(completion, model="openai/m"),
    "litellm_openai_deltas": partial(completion, model="openai/m", read=added_up),
    "litellm_vllm": partial(completion, model="hosted_vllm/m"),
    "litellm_vllm_deltas": partial(completion, model="hosted_vllm/m", read=added_up),
    "litellm_anthropic": partial(completion, model="anthropic/m", path=""),
    "litellm_anthropic_deltas": partial(completion, model="anthropic/m", path="", read=added_up),
    "litellm_responses": responses,
    "litellm_bridge": partial(completion, model=_OVER_RESPONSES),
    "litellm_bridge_deltas": partial(completion, model=_OVER_RESPONSES, read=added_up),
}


def done(litellm: Any, job: Mapping[str, Any]) -> Mapping[str, Any]:
    """Ask once, as all of `says` amounts to; whatever LiteLLM raises over an answer is told."""
    nothing: Any = {"sent": [], "bodies": []}
    try:
        client = CLIENTS[job["client"]]
        text, ran = client(litellm, job["root"], job["stream"], job["tools"])
    except Exception as failed:  # noqa: BLE001
        return {"ran": [], "texts": [], **nothing, "error": repr(failed)}
    return {"ran": ran, "texts": [text], **nothing, "error": None}


def main() -> None:
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):  # LiteLLM prints its advice there
        litellm: Any = import_module("litellm")
        litellm.suppress_debug_info = True
        litellm.telemetry = False
        litellm.ssl_verify = False  # certificates take long to load
        for line in sys.stdin:
            answers.write(json.dumps(done(litellm, json.loads(line))) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
