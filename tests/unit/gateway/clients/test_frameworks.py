"""Agent frameworks through the gateway: a whole conversation with tools, one URL changed.

The model refunds the wrong order, is told so behind the scenes, and refunds the right one; then it
deletes that order, is told so, and closes its case instead; then it says so. The framework runs
its tools itself and never learns of the refused drafts.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from sidecritic.types import Proposal, Revise
from tests.conversing import Step, answered, require_well_formed
from tests.gateway import Asked, Running, gateway
from tests.wire import Received, Reply, wire_server

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
FEEDBACK = "Not that one."
TRACES = ("delete_order", "A1", FEEDBACK, "supervisor")
"""What no framework may get to see."""
APIS = {"chat/completions": "chat", "messages": "messages", "responses": "responses"}


def judge(proposal: Proposal) -> Revise | None:
    bad = [
        call.id
        for call in proposal.action.calls
        if call.name == "delete_order" or call.arguments != {"order": "B2"}
    ]
    return Revise(feedback=FEEDBACK, calls=tuple(bad)) if bad else None


def next_step(said: str) -> Step:
    told = FEEDBACK in said
    if "refunded B2" not in said:
        return [("call_1", "refund_order", {"order": "B2" if told else "A1"})]
    if "closed B2" not in said:
        return [("call_2", "close_case" if told else "delete_order", {"order": "B2"})]
    return "All done."


def model(received: Received) -> Reply:
    """Look at the conversation and do the next thing, wrong at first."""
    body = received.body
    step = next_step(str(body["messages"] if "messages" in body else body["input"]))
    id = "resp_1" if isinstance(step, str) else step[0][0]
    return answered(_api(received), step, stream=body.get("stream") is True, id=id)


def _api(received: Received) -> str:
    return APIS[received.path.partition("?")[0].removeprefix("/v1/")]


class Shop:
    """Three tools, and what they were called for."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def refund_order(self, order: str) -> str:
        """Refund an order."""
        self.ran.append(f"refund {order}")
        return f"refunded {order}"

    def close_case(self, order: str) -> str:
        """Close the case of an order."""
        self.ran.append(f"close {order}")
        return f"closed {order}"

    def delete_order(self, order: str) -> str:
        """Delete an order."""
        self.ran.append(f"delete {order}")
        return "deleted"

    @property
    def tools(self) -> list[Any]:
        return [self.refund_order, self.close_case, self.delete_order]


@dataclass
class Supervised:
    door: Running
    shop: Shop
    seen: str = ""
    """Everything that the framework handed out: its transcript, and the events of a stream."""


@asynccontextmanager
async def supervised(*, stream: bool) -> AsyncGenerator[Supervised]:
    """Run the block with a gateway; afterwards, check what each side has seen."""
    with (
        wire_server(model) as upstream,
        gateway(upstream.root, critic=Asked(judge)) as door,
    ):
        run = Supervised(door, Shop())
        yield run
        assert run.shop.ran == ["refund B2", "close B2"], "each right tool once, no wrong one"
        assert "All done." in run.seen
        for trace in TRACES:
            assert trace not in run.seen
        rows = door.settled()
        verdicts = ["revise", "approve", "revise", "approve", "approve"]
        assert [r["verdict"] for r in rows] == verdicts
        assert not any(r["unverified"] for r in rows)
        assert len(upstream.received) == len(verdicts)
        for received in upstream.received:
            assert (received.body.get("stream") is True) == stream
            require_well_formed(_api(received), received.body)


@BOTH_WAYS
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_the_openai_agents_sdk(api: str, stream: bool) -> None:
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    async with (
        supervised(stream=stream) as run,
        AsyncOpenAI(base_url=f"{run.door.root}/v1", api_key="k", max_retries=0) as client,
    ):
        kinds = {"chat": "OpenAIChatCompletionsModel", "responses": "OpenAIResponsesModel"}
        agent = agents.Agent(
            name="a",
            model=getattr(agents, kinds[api])(model="m", openai_client=client),
            tools=[agents.function_tool(tool) for tool in run.shop.tools],
        )
        config = agents.RunConfig(tracing_disabled=True)
        if stream:
            result = agents.Runner.run_streamed(agent, "Refund B2", run_config=config)
            async for event in result.stream_events():
                run.seen += str(getattr(event, "data", ""))
        else:
            result = await agents.Runner.run(agent, "Refund B2", run_config=config)
        run.seen += str(result.to_input_list()) + str(result.raw_responses)


@BOTH_WAYS
@pytest.mark.parametrize("api", ["chat", "responses"])
async def test_langchain(api: str, stream: bool) -> None:
    langchain_agents = pytest.importorskip("langchain.agents")
    from langchain_openai import ChatOpenAI
    from openai import DefaultAsyncHttpxClient, DefaultHttpxClient
    from pydantic import SecretStr

    # Clients of its own: LangChain shares its default ones between models of the same URL, so a
    # port that is used again would meet a client that an earlier test has closed.
    async with supervised(stream=stream) as run, DefaultAsyncHttpxClient() as http:
        chat_model = ChatOpenAI(
            model="m",
            base_url=f"{run.door.root}/v1",
            api_key=SecretStr("k"),
            max_retries=0,
            streaming=stream,
            use_responses_api=api == "responses",
            http_async_client=http,
            http_client=DefaultHttpxClient(),
        )
        agent = langchain_agents.create_agent(chat_model, tools=run.shop.tools)
        asked = {"messages": [{"role": "user", "content": "Refund B2"}]}
        if stream:
            async for event in agent.astream(asked, stream_mode=["messages", "values"]):
                run.seen += str(event)
        else:
            run.seen = str(await agent.ainvoke(asked))
        chat_model.root_client.close()


@asynccontextmanager
async def pydantic_model(api: str, root: str) -> AsyncGenerator[Any]:
    from anthropic import AsyncAnthropic
    from openai import AsyncOpenAI
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
    from pydantic_ai.providers.anthropic import AnthropicProvider
    from pydantic_ai.providers.openai import OpenAIProvider

    if api == "messages":
        async with AsyncAnthropic(base_url=root, api_key="k", max_retries=0) as claude:
            yield AnthropicModel("m", provider=AnthropicProvider(anthropic_client=claude))
        return
    kind = OpenAIChatModel if api == "chat" else OpenAIResponsesModel
    async with AsyncOpenAI(base_url=f"{root}/v1", api_key="k", max_retries=0) as client:
        yield kind("m", provider=OpenAIProvider(openai_client=client))


@BOTH_WAYS
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
async def test_pydantic_ai(api: str, stream: bool) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")

    async with supervised(stream=stream) as run, pydantic_model(api, run.door.root) as made:

        async def keep(_: Any, events: AsyncIterable[Any]) -> None:
            async for event in events:
                run.seen += str(event)

        agent = pydantic_ai.Agent(made, tools=run.shop.tools)
        result = await agent.run("Refund B2", event_stream_handler=keep if stream else None)
        run.seen += str(result.all_messages())
