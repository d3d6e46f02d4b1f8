"""The LLM critic against a real server: `make test-real`.

What SmolLM2-135M thinks of an action is worth nothing; that its log-probabilities arrive, and that
its server reads a known prefix once, is what is tested.
"""

import asyncio
from collections.abc import AsyncGenerator
from time import perf_counter

import pytest
from benchmarks.llama_server import MODEL

from sidecritic.critics.asking.wire import Way
from sidecritic.critics.llm import LLMCritic, Wire
from sidecritic.models.openai import OpenAIChat
from sidecritic.types import (
    Assistant,
    Message,
    Proposal,
    Revise,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("llama")]

TOOL = ToolSpec(
    name="cancel_order",
    description="Cancel a pending order.",
    parameters={"type": "object", "properties": {"order_id": {"type": "string"}}},
    effect="write",
)
POLICY = (
    "Only pending orders can be cancelled.\nThe user must confirm with yes first.\n"
    + "\n".join(
        f"Rule {n}: a price above {n} dollars is told to the user before it is charged."
        for n in range(8)
    )
)


@pytest.fixture
async def model(base_url: str) -> AsyncGenerator[OpenAIChat]:
    client = OpenAIChat(MODEL, base_url=base_url, api_key="none", timeout=300)
    yield client
    await client.aclose()


def proposal(order: str, *since: Message, rule: str = "") -> Proposal:
    call = ToolCall(id="c1", name=TOOL.name, arguments={"order_id": order}, raw="")
    opening = (User(text="Cancel #W1."), Assistant(text="Shall I?"), User(text="Yes."))
    return Proposal(
        task_id="1",
        turn=1,
        attempt=0,
        action=Assistant(calls=(call,)),
        history=(*opening, *since),
        policy=rule + POLICY,
        tools=(TOOL,),
    )


async def test_risk_comes_from_logprobs_and_grown_trajectories_are_judged(
    model: OpenAIChat,
) -> None:
    critic = LLMCritic(model, threshold=1.0)
    cold = await critic.judge(proposal("#W1"))
    done = ToolResult(call_id="c1", name=TOOL.name, text='{"status": "cancelled"}')
    grown = await critic.judge(proposal("#W2", done, User(text="And #W2.")))
    print(f"verdict: cold {cold.seconds:.2f} s, on a known prefix {grown.seconds:.2f} s")  # noqa: T201
    for judgement in (cold, grown):
        assert judgement.risk is not None
        assert 0 < judgement.risk < 1
        assert "no verdict token" not in judgement.rationale
        assert judgement.usage.input_tokens > 500
        assert judgement.usage.output_tokens == 1


async def test_a_refusal_gets_feedback_whatever_the_model_writes(model: OpenAIChat) -> None:
    critic = LLMCritic(model, threshold=0.0, wire=Wire(answer_tokens=60))
    judgement = await critic.judge(proposal("#W9"))
    assert isinstance(judgement.verdict, Revise)
    assert judgement.verdict.feedback
    assert judgement.usage.output_tokens > 1, "reasons were asked for"


async def test_the_verdict_can_be_read_from_an_object(model: OpenAIChat) -> None:
    critic = LLMCritic(model, wire=Wire(verdict="json", answer_tokens=60))
    judgement = await critic.judge(proposal("#W1"))
    assert judgement.risk is not None
    assert 0 < judgement.risk < 1


async def test_the_verdict_can_follow_its_reasoning(model: OpenAIChat) -> None:
    critic = LLMCritic(model, threshold=1.0, wire=Wire(verdict="reason", reason_tokens=500))
    judgement = await critic.judge(proposal("#W1"))
    assert judgement.risk is not None
    assert 0 < judgement.risk < 1
    assert judgement.usage.output_tokens > 10, "it reasoned"
    assert judgement.rationale == "", "reasoning stays where it was"


@pytest.mark.parametrize("way", ["auto", "json", "reason"])
async def test_each_way_of_asking_ends_in_a_verdict_where_a_third_answer_is_offered(
    model: OpenAIChat, way: Way
) -> None:
    asked = proposal("#W1")
    read = ToolSpec(name="get_order", description="Return an order.", effect="read")
    asked = asked.model_copy(update={"tools": (*asked.tools, read)})
    wire = Wire(verdict=way, reason_tokens=500, answer_tokens=120, unverified=1.0)
    judgement = await LLMCritic(model, threshold=1.0, wire=wire).judge(asked)
    assert judgement.risk is not None
    assert 0 < judgement.risk < 1


async def test_a_streamed_verdict_is_the_same_verdict(model: OpenAIChat) -> None:
    # This model has the words near the twentieth place, below which they are seen only when drawn.
    at_once, in_pieces = (Wire(stream=stream, top_logprobs=100) for stream in (False, True))
    whole = await LLMCritic(model, threshold=1.0, wire=at_once).judge(proposal("#W1"))
    streamed = await LLMCritic(model, threshold=1.0, wire=in_pieces).judge(proposal("#W1"))
    assert whole.risk is not None
    assert "bound" not in whole.rationale + streamed.rationale
    assert streamed.risk == pytest.approx(whole.risk, abs=0.01)


async def test_a_warm_up_is_kept_even_when_it_is_cancelled_on_its_way(model: OpenAIChat) -> None:
    critic = LLMCritic(model, threshold=1.0, wire=Wire(stream=True))
    seconds: dict[str, float] = {}
    for name, rule in (("cold", "Be brief."), ("warm", "Be polite."), ("cancelled", "Be kind.")):
        coming = proposal("#W1", rule=f"{rule}\n")
        started = perf_counter()
        warming = asyncio.create_task(
            critic.warm(coming.model_copy(update={"action": Assistant()}))
        )
        if name != "warm":
            # Nothing has been sent yet, or all of it has and some of it was read.
            await asyncio.sleep(0.0 if name == "cold" else 0.5)
            warming.cancel()
        await asyncio.wait((warming,))
        waited = perf_counter() - started
        judgement = await critic.judge(coming)
        assert judgement.risk is not None
        seconds[name] = judgement.seconds + (waited if name == "cancelled" else 0.0)
    print(f"verdicts: {seconds}")  # noqa: T201
    assert seconds["warm"] < 0.7 * seconds["cold"]
    assert seconds["cancelled"] < 1.5 * seconds["cold"], "nothing is read twice"
