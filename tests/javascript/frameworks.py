"""Agent frameworks of Python as readers: each runs the tools itself, and goes on."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import agents
import openai
from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
from pydantic_ai import Agent, Tool
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider

from tests.javascript.deltas import TOOLS

Ran = list[tuple[str, Any]]
SCHEMA: Any = {"type": "object", "properties": {}, "additionalProperties": True}


def of_openai(root: str) -> openai.AsyncOpenAI:
    http = openai.DefaultAsyncHttpxClient(verify=False)
    return openai.AsyncOpenAI(base_url=f"{root}/v1", api_key="k", max_retries=0, http_client=http)


def finished(ran: Ran, work: Coroutine[Any, Any, str]) -> tuple[str, Ran, str]:
    """Return the text, what ran before the end, and how it failed, if it did."""
    try:
        return asyncio.run(work), ran, ""
    except Exception as failed:  # noqa: BLE001
        return "", ran, repr(failed)


def openai_agents(root: str, stream: bool, *, responses: bool) -> tuple[str, Ran, str]:
    ran: Ran = []

    def tool(name: str) -> agents.FunctionTool:
        async def invoke(_: Any, given: str) -> str:
            ran.append((name, given))
            return "done"

        return agents.FunctionTool(
            name=name,
            description=name,
            params_json_schema=SCHEMA,
            on_invoke_tool=invoke,
            strict_json_schema=False,
        )

    async def work() -> str:
        kind = agents.OpenAIResponsesModel if responses else agents.OpenAIChatCompletionsModel
        config = agents.RunConfig(tracing_disabled=True)
        async with of_openai(root) as client:
            model = kind(model="m", openai_client=client)
            agent = agents.Agent(name="a", model=model, tools=[tool(name) for name in TOOLS])
            if not stream:
                return str((await agents.Runner.run(agent, "Hi", run_config=config)).final_output)
            result = agents.Runner.run_streamed(agent, "Hi", run_config=config)
            async for _ in result.stream_events():
                pass
            return str(result.final_output)

    return finished(ran, work())


def pydantic_ai(root: str, stream: bool, *, api: str) -> tuple[str, Ran, str]:
    ran: Ran = []

    def tool(name: str) -> Tool[None]:
        async def invoke(**given: Any) -> str:
            ran.append((name, given))
            return "done"

        return Tool.from_schema(invoke, name=name, description=name, json_schema=SCHEMA)

    async def drain(_: Any, events: Any) -> None:
        async for _ in events:
            pass

    async def said(model: Any) -> str:
        made: Any = Agent
        agent = made(model, tools=[tool(name) for name in TOOLS])
        result = await agent.run("Hi", event_stream_handler=drain if stream else None)
        return result.output

    async def work() -> str:
        if api == "messages":
            http = DefaultAsyncHttpxClient(verify=False)
            async with AsyncAnthropic(
                base_url=root, api_key="k", max_retries=0, http_client=http
            ) as claude:
                provider = AnthropicProvider(anthropic_client=claude)
                return await said(AnthropicModel("m", provider=provider))
        kind = OpenAIChatModel if api == "chat" else OpenAIResponsesModel
        async with of_openai(root) as client:
            return await said(kind("m", provider=OpenAIProvider(openai_client=client)))

    return finished(ran, work())
