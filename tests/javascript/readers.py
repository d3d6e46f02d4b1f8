"""What real clients make of an answer: the text, and the calls that they would run.

A reader asks once, runs the tools that it is told to, and sends the results. Readers of Python run
nothing, as most leave that to the application: what they hand out as a call of a known tool counts.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk

from tests.javascript.deltas import TOOLS
from tests.javascript.frameworks import Ran, openai_agents, pydantic_ai
from tests.javascript.processes import Clients, Processes
from tests.wire import Json

ASKED: list[Any] = [{"role": "user", "content": "Hi"}]


@dataclass(frozen=True)
class Read:
    text: str
    ran: list[tuple[str, Any]]
    """Name and arguments; arguments that are not JSON stay a text."""
    error: str = ""


Reader = Callable[[str, bool], Read]
"""From the address of a server, and whether to stream."""


def run(name: str, given: Any) -> list[tuple[str, Any]]:
    """Return the call as it would run, or nothing if there is no such tool.

    Applications take no arguments, or a blank text of them, for an empty object.
    """
    if name not in TOOLS:
        return []
    if given is None or (isinstance(given, str) and not given.strip()):
        return [(name, {})]
    try:
        return [(name, json.loads(given) if isinstance(given, str) else given)]
    except ValueError:
        return [(name, given)]


# --- Python ------------------------------------------------------------------------------


def of_openai(root: str) -> openai_sdk.OpenAI:
    http = openai_sdk.DefaultHttpxClient(verify=False)  # certificates take long to load
    return openai_sdk.OpenAI(base_url=f"{root}/v1", api_key="k", max_retries=0, http_client=http)


def of_anthropic(root: str) -> anthropic_sdk.Anthropic:
    http = anthropic_sdk.DefaultHttpxClient(verify=False)
    return anthropic_sdk.Anthropic(base_url=root, api_key="k", max_retries=0, http_client=http)


def openai_chat(root: str, stream: bool) -> Read:
    with of_openai(root) as client:
        api = client.chat.completions
        if stream:
            with api.stream(model="m", messages=ASKED) as events:
                answer: Any = events.get_final_completion()
        else:
            answer = api.create(model="m", messages=ASKED)
    said = answer.choices[0].message
    calls: list[Any] = said.tool_calls or []
    made = [r for c in calls for r in run(c.function.name, c.function.arguments)]
    return Read(said.content or "", made)


def openai_responses(root: str, stream: bool) -> Read:
    with of_openai(root) as client:
        if stream:
            with client.responses.stream(model="m", input=ASKED) as events:
                answer: Any = events.get_final_response()
        else:
            answer = client.responses.create(model="m", input=ASKED)
    calls = (i for i in answer.output if i.type == "function_call")
    return Read(answer.output_text, [r for c in calls for r in run(c.name, c.arguments)])


def anthropic(root: str, stream: bool, *, beta: bool) -> Read:
    asked: Json = {"model": "m", "max_tokens": 99, "messages": ASKED}
    with of_anthropic(root) as client:
        api: Any = client.beta.messages if beta else client.messages
        if stream:
            with api.stream(**asked) as events:
                answer = events.get_final_message()
        else:
            answer = api.create(**asked)
    text = "".join(block.text for block in answer.content if block.type == "text")
    calls = (block for block in answer.content if block.type == "tool_use")
    return Read(text, [r for c in calls for r in run(c.name, c.input)])


def langchain(root: str, stream: bool, *, responses: bool) -> Read:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    with openai_sdk.DefaultHttpxClient(verify=False) as http:
        model: Any = ChatOpenAI(
            model="m",
            base_url=f"{root}/v1",
            api_key=SecretStr("k"),
            max_retries=0,
            http_client=http,
            use_responses_api=responses,
        )
        if stream:
            answer, *more = list(model.stream("Hi"))
            for chunk in more:
                answer += chunk
        else:
            answer = model.invoke("Hi")
    return Read(answer.text, [r for c in answer.tool_calls for r in run(c["name"], c["args"])])


def framework(reader: Callable[..., tuple[str, Ran, str]], root: str, stream: bool) -> Read:
    text, ran, error = reader(root, stream)
    return Read(text, [call for name, given in ran for call in run(name, given)], error)


def agents(*, responses: bool) -> Reader:
    return partial(framework, partial(openai_agents, responses=responses))


PYTHON: Mapping[str, Mapping[str, Reader]] = {
    "chat": {
        "openai": openai_chat,
        "langchain": partial(langchain, responses=False),
        "openai-agents": agents(responses=False),
        "pydantic-ai": partial(framework, partial(pydantic_ai, api="chat")),
    },
    "messages": {
        "anthropic": partial(anthropic, beta=False),
        "anthropic, beta": partial(anthropic, beta=True),
        "pydantic-ai": partial(framework, partial(pydantic_ai, api="messages")),
    },
    "responses": {
        "openai": openai_responses,
        "langchain": partial(langchain, responses=True),
        "openai-agents": agents(responses=True),
        "pydantic-ai": partial(framework, partial(pydantic_ai, api="responses")),
    },
}

# --- in processes of their own -----------------------------------------------------------

JAVASCRIPT: Mapping[str, tuple[str, ...]] = {
    "chat": ("openai_chat", "agents_chat", "ai_compatible", "ai_openai_chat"),
    "messages": ("anthropic_messages", "anthropic_runner_unthreaded", "ai_anthropic"),
    "responses": ("openai_responses", "agents_responses", "ai_openai"),
}
LITELLM: Mapping[str, tuple[str, ...]] = {
    "chat": ("litellm_openai", "litellm_openai_deltas", "litellm_vllm", "litellm_vllm_deltas"),
    "messages": ("litellm_anthropic", "litellm_anthropic_deltas"),
    "responses": ("litellm_responses", "litellm_bridge", "litellm_bridge_deltas"),
}


def of_process(clients: Clients, client: str, root: str, stream: bool) -> Read:
    heard = clients.converse(client, root, ["Hi"], dict.fromkeys(TOOLS, "done"), stream=stream)
    made = [call for name, given in heard.ran for call in run(name, given)]
    return Read("".join(map(str, heard.texts)), made, heard.error or "")


def of_python(reader: Reader, root: str, stream: bool) -> Read:
    """Read with an SDK of Python; whatever it raises over an answer is an error of its own."""
    try:
        return reader(root, stream)
    except Exception as failed:  # noqa: BLE001
        return Read("", [], repr(failed))


def readers(running: Processes, api: str) -> dict[str, Reader]:
    """Return the readers of an API by name."""
    python = {f"python {name}": partial(of_python, reader) for name, reader in PYTHON[api].items()}
    node = {name: partial(of_process, running.node, name) for name in JAVASCRIPT[api]}
    litellm = {name: partial(of_process, running.litellm, name) for name in LITELLM[api]}
    return python | node | litellm
