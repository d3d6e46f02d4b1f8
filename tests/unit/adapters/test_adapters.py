"""The critic inside agent frameworks: their own SDKs, a model on loopback, no gateway between."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from sidecritic.adapters.turns import (
    AgentDraft,
    Halted,
    Oversight,
    TurnRequest,
    Unjudgeable,
    settle,
)
from sidecritic.dialects.base import Hints
from sidecritic.gateway.settings import ToolRule
from sidecritic.trace import Event, Judged
from sidecritic.types import (
    Assistant,
    Escalate,
    Halt,
    Replace,
    Revise,
    ToolCall,
    ToolSpec,
    User,
)
from tests.gateway import Asked as Critic
from tests.gateway import approves, refuses
from tests.unit.adapters.refunds import TRACES, actor
from tests.wire import wire_server

BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])


class Shop:
    """Two tools, and what they were called for."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def refund_order(self, order: str) -> str:
        """Refund an order."""
        self.ran.append(f"refund {order}")
        return f"refunded {order}"

    def delete_order(self, order: str) -> str:
        """Delete an order."""
        self.ran.append(f"delete {order}")
        return "deleted"


def check(shop: Shop, transcript: str, turns: list[Sequence[Event]]) -> None:
    assert shop.ran == ["refund B2"], "the wrong tool never ran, the right one once"
    assert "All done." in transcript
    for trace in TRACES:
        assert trace not in transcript
    verdicts = [e.judgement.verdict.kind for log in turns for e in log if isinstance(e, Judged)]
    assert verdicts == ["revise", "approve", "approve"]


def watching(critic: Any, **more: Any) -> tuple[Oversight, list[Sequence[Event]]]:
    turns: list[Sequence[Event]] = []
    return Oversight(critic, gate="all", on_turn=turns.append, **more), turns


RULES = "Refunds need the order's number."


def heard(critic: Critic) -> tuple[str, str]:
    """Return what the critic was told of the operator's rules, and of the agent's session."""
    return critic.seen[0].policy, critic.seen[0].context


def expected(stream: bool) -> tuple[str, str]:
    """Return the same, where an operator's rules stand beside the prompt only for streams."""
    return (RULES, "Never delete.") if stream else ("Never delete.", "")


# --- LangChain ---------------------------------------------------------------------------


def chat_model(url: str, **more: Any) -> Any:
    from langchain_openai import ChatOpenAI
    from pydantic import SecretStr

    return ChatOpenAI(model="m", base_url=url, api_key=SecretStr("k"), max_retries=0, **more)


def langchain_agent(model: Any, shop: Shop, oversight: Oversight) -> Any:
    agents = pytest.importorskip("langchain.agents")
    from sidecritic.adapters.langchain import SupervisorMiddleware

    return agents.create_agent(
        model,
        tools=[shop.refund_order, shop.delete_order],
        system_prompt="Never delete.",
        middleware=[SupervisorMiddleware(oversight)],
    )


ASKED: Any = {"messages": [{"role": "user", "content": "Refund B2"}]}


@BOTH_WAYS
async def test_langchain_runs_the_corrected_call_only(stream: bool) -> None:
    pytest.importorskip("langchain")
    shop, critic = Shop(), refuses("delete_order")
    oversight, turns = watching(critic, policy=RULES if stream else "")
    with wire_server(actor) as server:
        model = chat_model(server.base_url, streaming=stream)
        result = await langchain_agent(model, shop, oversight).ainvoke(ASKED)
        await model.root_async_client.close()
        model.root_client.close()
    check(shop, str(result["messages"]), turns)
    assert heard(critic) == expected(stream)
    assert {tool.name for tool in critic.seen[0].tools} == {"refund_order", "delete_order"}


def test_langchain_runs_the_corrected_call_only_for_callers_that_block() -> None:
    pytest.importorskip("langchain")
    shop = Shop()
    oversight, turns = watching(refuses("delete_order"))
    with wire_server(actor) as server:
        model = chat_model(server.base_url)
        result = langchain_agent(model, shop, oversight).invoke(ASKED)
        model.root_client.close()
    check(shop, str(result["messages"]), turns)


async def test_langgraph_streams_no_token_of_a_refused_draft() -> None:
    pytest.importorskip("langchain")
    shop = Shop()
    oversight, turns = watching(refuses("delete_order"))
    with wire_server(actor) as server:
        model = chat_model(server.base_url, streaming=True)
        agent = langchain_agent(model, shop, oversight)
        parts = [part async for part in agent.astream(ASKED, stream_mode="messages")]
        await model.root_async_client.close()
        model.root_client.close()
    check(shop, str(parts), turns)


# --- pydantic-ai -------------------------------------------------------------------------


@BOTH_WAYS
async def test_pydantic_ai_runs_the_corrected_call_only(stream: bool) -> None:
    pydantic_ai = pytest.importorskip("pydantic_ai")
    from openai import AsyncOpenAI
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers.openai import OpenAIProvider

    from sidecritic.adapters.pydantic_ai import SupervisedModel

    shop, critic = Shop(), refuses("delete_order")
    oversight, turns = watching(critic, policy=RULES if stream else "")
    with wire_server(actor) as server:
        async with AsyncOpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
            inner = OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))
            agent = pydantic_ai.Agent(
                SupervisedModel(inner, oversight),
                tools=[shop.refund_order, shop.delete_order],
                instructions="Never delete.",
            )
            if stream:
                async with agent.run_stream("Refund B2") as result:
                    said = [text async for text in result.stream_text(debounce_by=None)]
                    transcript, usage = str(result.all_messages()), result.usage
                assert len(said) > 1, "the events are those that the answer arrived in"
            else:
                result = await agent.run("Refund B2")
                transcript, usage = str(result.all_messages()), result.usage
    check(shop, transcript, turns)
    assert heard(critic) == expected(stream)
    each = 3 if stream else 12
    assert usage.input_tokens == 3 * each, "the tokens of the refused draft count too"


# --- OpenAI Agents SDK -------------------------------------------------------------------


@BOTH_WAYS
@pytest.mark.parametrize("api", ["responses", "chat"])
async def test_the_agents_sdk_runs_the_corrected_call_only(stream: bool, api: str) -> None:
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    from sidecritic.adapters.openai_agents import SupervisedModel

    shop, critic = Shop(), refuses("delete_order")
    oversight, turns = watching(critic, policy=RULES if stream else "")
    tools = [agents.function_tool(t) for t in (shop.refund_order, shop.delete_order)]
    with wire_server(actor) as server:
        async with AsyncOpenAI(base_url=server.base_url, api_key="k", max_retries=0) as client:
            kinds = {
                "responses": agents.OpenAIResponsesModel,
                "chat": agents.OpenAIChatCompletionsModel,
            }
            model = SupervisedModel(kinds[api](model="m", openai_client=client), oversight)
            agent = agents.Agent(name="a", instructions="Never delete.", model=model, tools=tools)
            config = agents.RunConfig(tracing_disabled=True)
            if stream:
                result = agents.Runner.run_streamed(agent, "Refund B2", run_config=config)
                events = [event async for event in result.stream_events()]
                seen = [e.data for e in events if e.type == "raw_response_event"]
                said = [event.model_dump_json(include={"item", "delta"}) for event in seen]
                assert "delete_order" not in str(said), "no event of a refused draft"
            else:
                result = await agents.Runner.run(agent, "Refund B2", run_config=config)
    check(shop, str(result.to_input_list()), turns)
    assert heard(critic) == expected(stream)
    assert result.context_wrapper.usage.input_tokens >= 3 * 3


# --- what they share ---------------------------------------------------------------------

WRITE = Assistant(calls=(ToolCall(id="a", name="refund", arguments={}, raw="{}"),))
BEFORE = TurnRequest(history=(User(text="Refund B2"),), system="Be kind.", tools=())


async def settled(verdict: Any, action: Assistant = WRITE, **more: Any) -> Any:
    async def ask(refused: Sequence[Any]) -> AgentDraft[str]:
        return AgentDraft(action, f"draft {len(refused) + 1}")

    return await settle(Oversight(asked_for(verdict), **more), BEFORE, ask)


def asked_for(verdict: Any) -> Critic:
    return Critic(lambda proposal: verdict)


async def test_an_approved_draft_leaves_in_the_frameworks_own_form() -> None:
    assert await settled(None) == "draft 1"


async def test_after_the_last_revision_the_fallback_text_is_what_leaves() -> None:
    refused = await settled(Revise(feedback="No."))
    assert refused.text.startswith("I'm sorry")


async def test_an_escalation_is_the_hand_over_text_and_a_halt_is_an_error() -> None:
    handed = await settled(Escalate(reason="large"), hand_over_text="Ann will see to it.")
    assert handed == Assistant(text="Ann will see to it.")
    with pytest.raises(Halted, match="fraud"):
        await settled(Halt(reason="fraud"))


async def test_what_the_critic_puts_in_its_place_is_what_leaves() -> None:
    better = Assistant(text="May I?")
    assert await settled(Replace(action=better, reason="ask first")) == better


async def test_an_answer_without_a_word_passes_unjudged() -> None:
    assert await settled(Halt(reason="never asked"), action=Assistant()) == "draft 1"


async def test_errors_of_the_model_come_out_as_they_are() -> None:
    asked: list[int] = []

    async def ask(refused: Sequence[Any]) -> AgentDraft[str]:
        asked.append(len(refused))
        if refused:
            raise ConnectionResetError("gone")
        return AgentDraft(WRITE, "draft")

    with pytest.raises(ConnectionResetError):
        await settle(Oversight(asked_for(Revise(feedback="No."))), BEFORE, ask)
    assert asked == [0, 1]


def test_a_tools_effect_is_what_the_operator_says_first() -> None:
    rule = ToolRule(match="get_*", effect="read")
    oversight = Oversight(approves(), tools=[rule])
    effects = [oversight.tool(ToolSpec(name=n), Hints()).effect for n in ("get_x", "put_x")]
    assert effects == ["read", "unknown"]


def test_shapes_that_cannot_be_judged_are_refused_or_passed_by_setting() -> None:
    with pytest.raises(Unjudgeable, match="a search that the provider runs"):
        Oversight(approves()).require_known(["a search that the provider runs"])
    Oversight(approves(), unknown="pass").require_known(["a search that the provider runs"])


async def test_the_agents_sdk_is_not_let_keep_history_where_the_critic_cannot_see_it() -> None:
    agents = pytest.importorskip("agents")
    from openai import AsyncOpenAI

    from sidecritic.adapters.openai_agents import SupervisedModel

    with wire_server(actor) as server:
        async with AsyncOpenAI(base_url=server.base_url, api_key="k") as client:
            inner = agents.OpenAIResponsesModel(model="m", openai_client=client)
            agent = agents.Agent(name="a", model=SupervisedModel(inner, Oversight(approves())))
            config = agents.RunConfig(tracing_disabled=True)
            with pytest.raises(Unjudgeable, match="conversation_id"):
                await agents.Runner.run(agent, "Hi", conversation_id="c", run_config=config)
        assert server.received == []


# --- examples ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["openai_agents", "langchain_agent", "pydantic_ai_agent"])
def test_the_example_runs_the_corrected_call_only(name: str) -> None:
    file = Path(__file__).parents[3] / "examples" / f"{name}.py"
    done = subprocess.run([sys.executable, file], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines() == ["refunded B2", "All done."], done.stderr
