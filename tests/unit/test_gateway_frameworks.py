"""Agent frameworks through the gateway: a whole conversation with tools, one URL changed.

The upstream proposes a wrong write, is told so behind the scenes, corrects it, and ends with a
message. The framework runs its tools itself and never learns of the refused draft.
"""

from typing import Any

import pytest

from tests.gateway import gateway, refuses
from tests.refunds import actor
from tests.wire import wire_server

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


def check(ran: list[str], transcript: str, rows: list[dict[str, Any]]) -> None:
    assert ran == ["refund B2"], "the wrong tool never ran, the right one once"
    assert "All done." in transcript
    for trace in ("delete_order", "Not that one.", "[supervisor]"):
        assert trace not in transcript
    assert [r["verdict"] for r in rows] == ["revise", "approve", "approve"]
    assert not any(r["unverified"] for r in rows)


@BOTH_WAYS
async def test_the_openai_agents_sdk(stream: bool) -> None:
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    ran: list[str] = []

    @agents.function_tool
    def refund_order(order: str) -> str:
        """Refund an order."""
        ran.append(f"refund {order}")
        return f"refunded {order}"

    @agents.function_tool
    def delete_order(order: str) -> str:
        """Delete an order."""
        ran.append(f"delete {order}")
        return "deleted"

    with (
        wire_server(actor) as upstream,
        gateway(upstream.root, critic=refuses("delete_order")) as door,
    ):
        async with AsyncOpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0) as client:
            model = agents.OpenAIResponsesModel(model="m", openai_client=client)
            agent = agents.Agent(name="a", model=model, tools=[refund_order, delete_order])
            config = agents.RunConfig(tracing_disabled=True)
            if stream:
                result = agents.Runner.run_streamed(agent, "Refund B2", run_config=config)
                async for _ in result.stream_events():
                    pass
            else:
                result = await agents.Runner.run(agent, "Refund B2", run_config=config)
        check(ran, str(result.to_input_list()), door.settled())


@BOTH_WAYS
async def test_langchain(stream: bool) -> None:
    langchain_agents = pytest.importorskip("langchain.agents")
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    ran: list[str] = []

    def refund_order(order: str) -> str:
        """Refund an order."""
        ran.append(f"refund {order}")
        return f"refunded {order}"

    def delete_order(order: str) -> str:
        """Delete an order."""
        ran.append(f"delete {order}")
        return "deleted"

    with (
        wire_server(actor) as upstream,
        gateway(upstream.root, critic=refuses("delete_order")) as door,
    ):
        model = ChatOpenAI(
            model="m",
            base_url=f"{door.root}/v1",
            api_key=SecretStr("k"),
            max_retries=0,
            streaming=stream,
        )
        agent = langchain_agents.create_agent(model, tools=[refund_order, delete_order])
        result = await agent.ainvoke({"messages": [{"role": "user", "content": "Refund B2"}]})
        await model.root_async_client.close()
        model.root_client.close()
        check(ran, str(result["messages"]), door.settled())


@BOTH_WAYS
async def test_pydantic_ai(stream: bool) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    ran: list[str] = []

    def refund_order(order: str) -> str:
        """Refund an order."""
        ran.append(f"refund {order}")
        return f"refunded {order}"

    def delete_order(order: str) -> str:
        """Delete an order."""
        ran.append(f"delete {order}")
        return "deleted"

    with (
        wire_server(actor) as upstream,
        gateway(upstream.root, critic=refuses("delete_order")) as door,
    ):
        client = AsyncOpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0)
        provider = OpenAIProvider(openai_client=client)
        agent = pydantic_ai.Agent(
            OpenAIChatModel("m", provider=provider), tools=[refund_order, delete_order]
        )
        if stream:
            async with agent.run_stream("Refund B2") as result:
                await result.get_output()
                transcript = str(result.all_messages())
        else:
            transcript = str((await agent.run("Refund B2")).all_messages())
        await client.close()
        check(ran, transcript, door.settled())
