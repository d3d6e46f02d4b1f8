"""The LLM critic against servers that answer badly, over a real connection."""

import asyncio
import json
from collections.abc import Sequence
from math import exp, log

import pytest

from sidecritic.critics.llm import GENERIC_FEEDBACK, LLMCritic, Wire
from sidecritic.errors import CriticError
from sidecritic.models.openai import OpenAIChat
from sidecritic.models.scripted import FunctionModel
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Failed, Observed
from sidecritic.types import (
    Approve,
    Assistant,
    Briefing,
    Judgement,
    Limits,
    Observation,
    Proposal,
    Request,
    Revise,
    User,
)
from tests.parties import TOOLS, Acts, call, calling
from tests.wire import (
    DRIPS,
    HANGS,
    Answer,
    Json,
    Received,
    Reply,
    chat,
    completion,
    failure,
    half,
    html,
    wire_server,
)

WRITE = calling(call("put", record="1"))
CASE = Proposal(
    task_id="1",
    turn=0,
    attempt=0,
    action=WRITE,
    history=(User(text="Change record 2."),),
    policy="Be right.",
    tools=TOOLS,
)


NO_OBJECT = '{"verdict": "No", "confidence": 80}'
REASONS = json.dumps(
    {
        "fault": "correctness",
        "reason": "It is record 2.",
        "policy_ref": "",
        "feedback": "Change record 2.",
        "calls": [1],
    }
)


def token(text: str, **chances: float) -> Json:
    """Return a token as the wire carries it; `_` in a name stands for a blank before it."""
    top = [{"token": word.replace("_", " "), "logprob": log(p)} for word, p in chances.items()]
    return {"token": text, "logprob": -0.1, "top_logprobs": top}


def said(text: str, *tokens: Json) -> Reply:
    return chat(text, logprobs=tokens or None)


async def judge(
    replies: Reply | Sequence[Reply] | Answer, *, wire: Wire | None = None, patience: float = 20.0
) -> Judgement:
    with wire_server(replies) as server:
        model = OpenAIChat("m", base_url=server.base_url, timeout=patience)
        try:
            return await LLMCritic(model, wire=wire).judge(CASE)
        finally:
            await model.aclose()


# --- log-probabilities ---------------------------------------------------------------------


@pytest.mark.parametrize("first", [said("No"), failure(400, "logprobs are not supported")])
async def test_without_log_probabilities_an_object_is_asked_for(first: Reply) -> None:
    judgement = await judge([first, said(NO_OBJECT), said(REASONS)])
    assert judgement.verdict == Revise(feedback="Change record 2.", calls=("c1",))
    assert judgement.risk == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("shown", "risk"),
    [
        (token("Yes", Yes=0.6, No=0.2), 0.25),
        (token(" yes", _yes=0.5, _no=0.1, No=0.1), 2 / 7),
        (token("Y", Y=0.6, N=0.2), 0.25),
        (token("Ye", Ye=0.6, No=0.2), 0.25),
        (token("▁Yes", **{"▁Yes": 0.6, "▁No": 0.2}), 0.25),
        (token("ĠYES", **{"ĠYES": 0.6, "ĠNO": 0.2}), 0.25),
        (token('"Yes', **{'"Yes': 0.6, '"No': 0.2}), 0.25),
    ],
)
async def test_a_word_counts_however_the_tokenizer_spells_or_splits_it(
    shown: Json, risk: float
) -> None:
    judgement = await judge(said("Yes", shown))
    assert judgement.verdict == Approve()
    assert judgement.risk == pytest.approx(risk)


@pytest.mark.parametrize("text", ["", "\n", "<think>", "```", "Sure", "Yesterday", "Nothing"])
async def test_a_first_token_that_is_no_word_of_the_two_leads_to_the_object(text: str) -> None:
    shown: Json = {"token": text, "logprob": -0.1, "top_logprobs": []}
    judgement = await judge([said(text, shown), said(NO_OBJECT), said(REASONS)])
    assert judgement.risk == pytest.approx(0.8)
    assert "no verdict token" in judgement.rationale


@pytest.mark.parametrize(("text", "low", "high"), [("Yes", 0.0, 0.1), ("No", 0.9, 1.0)])
@pytest.mark.parametrize("logprob", [-0.01, 0.0, 0.3, -1e-300])
async def test_a_server_that_shows_no_alternatives_gives_a_bound(
    text: str, low: float, high: float, logprob: float
) -> None:
    shown = {"token": text, "logprob": logprob, "top_logprobs": None}
    judgement = await judge([said(text, shown), said(REASONS)])
    assert judgement.risk is not None
    assert low < judgement.risk < high
    assert "bound" in judgement.rationale


async def test_probabilities_too_small_to_hold_do_not_divide_by_zero() -> None:
    top = [{"token": "Yes", "logprob": -9999.0}, {"token": "No", "logprob": -9999.0}]
    shown = {"token": "The", "logprob": 0.0, "top_logprobs": top}
    judgement = await judge([said("The", shown), said(NO_OBJECT), said(REASONS)])
    assert exp(-9999.0) == 0.0
    assert judgement.risk == pytest.approx(0.8)


# --- answers -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        said(""),
        chat(None),
        completion([]),
        said("x" * 300_000),
        said('{"verdict": "No", "confidence": 80, "reason": "' + "x" * 300_000 + '"}'),
        html(),
        half(said(NO_OBJECT)),
        Reply(b"[]"),
        Reply(b""),
        failure(503, "overloaded"),
        failure(401, "bad key"),
    ],
)
async def test_an_answer_that_is_empty_too_long_or_broken_is_a_critic_that_failed(
    reply: Reply,
) -> None:
    with pytest.raises(CriticError, match=r"llm:m|model 'm'"):
        await judge(reply)


@pytest.mark.parametrize("reply", [said(""), said("x" * 300_000), html(), failure(500), chat(None)])
async def test_a_refusal_stands_when_its_reasons_are_empty_too_long_or_broken(
    reply: Reply,
) -> None:
    judgement = await judge([said("No", token("No", Yes=0.1, No=0.9)), reply])
    assert judgement.verdict == Revise(feedback=GENERIC_FEEDBACK)
    assert "reasons" in judgement.rationale


# --- time ----------------------------------------------------------------------------------


@pytest.mark.parametrize("reply", [HANGS, DRIPS])
async def test_a_server_that_never_ends_its_answer_is_a_critic_that_failed(reply: Reply) -> None:
    with pytest.raises(CriticError, match=r"no complete answer within 0\.2 s"):
        await judge(reply, patience=0.2)


async def test_a_refusal_stands_when_its_reasons_never_come() -> None:
    first = said("No", token("No", Yes=0.1, No=0.9))

    def answer(received: Received) -> Reply:
        return first if received.body["max_tokens"] == 1 else HANGS

    judgement = await judge(answer, wire=Wire(reasons_timeout=0.2))
    assert judgement.verdict == Revise(feedback=GENERIC_FEEDBACK)
    assert "none within 0.2 s" in judgement.rationale


async def test_a_silent_critic_is_noted_in_the_log_and_its_write_is_held() -> None:
    log_: list[Event] = [Observed(observation=Observation(messages=CASE.history))]
    with wire_server(HANGS) as server:
        model = OpenAIChat("m", base_url=server.base_url)
        try:
            limits = Limits(critic_timeout=0.2)
            supervisor = Supervisor(Acts([WRITE]), LLMCritic(model), limits=limits)
            decision = await supervisor.decide(0, log_, Briefing(tools=TOOLS))
        finally:
            await model.aclose()
    assert decision == Assistant(text=limits.fallback_text)
    assert [e.error for e in log_ if isinstance(e, Failed)] == ["CriticTimeout"]


async def test_a_warm_up_that_hangs_ends_with_the_actors_turn() -> None:
    def answer(received: Received) -> Reply:
        warm = "logprobs" not in received.body
        return HANGS if warm else said("Yes", token("Yes", Yes=0.9, No=0.1))

    async def write(request: Request) -> Assistant:
        await asyncio.to_thread(server.arrived.wait)
        return WRITE

    log_: list[Event] = [Observed(observation=Observation(messages=CASE.history))]
    with wire_server(answer) as server:
        model = OpenAIChat("m", base_url=server.base_url)
        try:
            supervisor = Supervisor(FunctionModel(write), LLMCritic(model))
            decision = await supervisor.decide(0, log_, Briefing(tools=TOOLS))
        finally:
            await model.aclose()
    assert decision == WRITE
    assert len(server.received) == 2


# --- each way to ask ------------------------------------------------------------------------

REASONED = '{"reasoning": "Record 2 was asked for.", "verdict": "Yes", "wrong": 10}'
WAYS: dict[str, tuple[Wire, Reply, int]] = {
    "token": (Wire(verdict="logprobs"), said("Yes", token("Yes", Yes=0.9, No=0.1)), 1),
    "json": (Wire(verdict="json"), said('{"verdict": "Yes", "confidence": 90}'), 1),
    "reason": (Wire(verdict="reason"), said(REASONED), 1),
    "votes": (Wire(votes=3), said("Yes"), 3),
    "reasoned votes": (Wire(verdict="reason", votes=3), said(REASONED), 3),
}


@pytest.mark.parametrize("way", WAYS)
async def test_each_way_counts_what_all_of_its_requests_cost(way: str) -> None:
    wire, reply, requests = WAYS[way]
    judgement = await judge(reply, wire=wire)
    assert judgement.verdict == Approve()
    assert judgement.usage.input_tokens == 12 * requests
    assert judgement.usage.output_tokens == 5 * requests
    assert judgement.seconds > 0
    assert "Record 2 was asked for" not in judgement.model_dump_json()


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("reply", [failure(429), failure(503), html(502), half(chat("Yes")), HANGS])
async def test_each_way_fails_where_its_server_does(way: str, reply: Reply) -> None:
    wire = WAYS[way][0]
    with pytest.raises(CriticError, match="m"):
        await judge(reply, wire=wire, patience=0.3)


async def test_votes_on_a_server_that_fails_now_and_then_count_those_that_came() -> None:
    replies = (failure(503), said("Yes"), said("Yes"), said("Yes"))
    judgement = await judge(replies, wire=Wire(votes=4))
    assert judgement.usage.output_tokens == 15
    assert "1 of 4 votes failed" in judgement.rationale
