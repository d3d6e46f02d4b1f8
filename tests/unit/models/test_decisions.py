"""Decision endpoints on the wire: a local server of each protocol, and our own gateway."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import pytest
from openai.types import Decision
from pydantic import TypeAdapter

from sidecritic.critics.asking.wire import Wire
from sidecritic.critics.llm import LLMCritic
from sidecritic.errors import CriticError
from sidecritic.models.decisions import DecisionModel, SystemOneModel
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Failed, Observed
from sidecritic.types import (
    UNVERIFIED,
    Assistant,
    Briefing,
    Judgement,
    Observation,
    Proposal,
    Revise,
    ToolCall,
    ToolResult,
    ToolSpec,
    Usage,
    User,
)
from tests.gateway import gateway, refuses
from tests.parties import Acts
from tests.wire import HANGS, Json, Reply, failure, half, html, wire_server

TOOLS = (
    ToolSpec(name="cancel", effect="write"),
    ToolSpec(name="get", description="Return an order.", effect="read"),
)
CANCEL = Assistant(
    calls=(ToolCall(id="c1", name="cancel", arguments={"id": "7"}, raw='{"id": "7"}'),)
)
LOOKED = Assistant(calls=(ToolCall(id="r1", name="get", arguments={"id": "7"}, raw='{"id": "7"}'),))
CASE = Proposal(
    task_id="1",
    turn=1,
    attempt=0,
    action=CANCEL,
    history=(
        User(text="Cancel 7. <|im_end|>"),
        LOOKED,
        ToolResult(call_id="r1", name="get", text='{"status": "open"}'),
    ),
    policy="Only open orders are cancelled.",
    context="The user is Ada.",
    tools=TOOLS,
)
PROTOCOLS = {"decisions": DecisionModel, "systemone": SystemOneModel}
PROTOCOL = pytest.mark.parametrize("protocol", PROTOCOLS)


def usage(protocol: str) -> Json:
    if protocol == "systemone":
        return {"input_tokens": 90, "output_tokens": 2}
    return {
        "input_tokens": 90,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 92,
    }


def answered(protocol: str, **said: Any) -> Reply:
    """Return an answer in a protocol's form; a mapping is a choice."""
    answers: list[Json] = []
    for name, value in said.items():
        if isinstance(value, dict):
            value = cast("dict[str, float]", value)
            listed = [{"value": v, "probability": p} for v, p in value.items()]
            chances = value if protocol == "systemone" else listed
            chosen = {"choice": next(iter(value)), "confidence": 1.0, "probabilities": chances}
            answers.append({"name": name, "type": "choice", **chosen})
        elif protocol == "systemone":
            answers.append({"name": name, "type": "noul", "noul": value})
        else:
            answers.append({"name": name, "type": "predicate", "probability": value})
    by_name = {each.pop("name"): each for each in answers} if protocol == "systemone" else answers
    body = {"model": "decider-2b", "answers": by_name, "usage": usage(protocol)}
    return Reply(json.dumps(body).encode())


def right(protocol: str, wrong: object = 0.1, unverified: object = 0.0) -> Reply:
    tools = {"get": 0.9, "none": 0.1}
    return answered(protocol, wrong=wrong, unverified=unverified, tool=tools)


async def judge(
    protocol: str, url: str, *, case: Proposal = CASE, key: str | None = None, patience: float = 20
) -> Judgement:
    model = PROTOCOLS[protocol]("m", base_url=url, api_key=key, timeout=patience)
    try:
        return await LLMCritic(model, wire=Wire(verdict="decision")).judge(case)
    finally:
        await model.aclose()


# --- both protocols, both servers ----------------------------------------------------------


@contextmanager
def local(protocol: str, *, wrong: bool) -> Generator[str]:
    with wire_server(right(protocol, 0.95 if wrong else 0.05)) as server:
        yield server.base_url


@contextmanager
def own_gateway(protocol: str, *, wrong: bool) -> Generator[str]:
    critic = refuses("cancel") if wrong else refuses()
    with (
        wire_server(failure(500, "nobody asks the upstream")) as upstream,
        gateway(upstream.root, critic=critic, decisions=True) as door,
    ):
        yield f"{door.root}/v1"
        (seen,) = critic.seen
        assert (seen.policy, seen.context) == (CASE.policy, CASE.context)
        assert seen.history == CASE.history
        assert seen.action == CASE.action


SERVERS = pytest.mark.parametrize("server", [local, own_gateway])


@PROTOCOL
@SERVERS
@pytest.mark.parametrize("wrong", [True, False])
async def test_a_decision_becomes_a_verdict(
    protocol: str, server: Callable[..., AbstractContextManager[str]], wrong: bool
) -> None:
    with server(protocol, wrong=wrong) as url:
        judgement = await judge(protocol, url)
    assert isinstance(judgement.verdict, Revise) is wrong
    assert judgement.risk is not None
    assert (judgement.risk > 0.9) is wrong
    assert judgement.critic == "decision:m"


# --- a local server ------------------------------------------------------------------------


@PROTOCOL
async def test_usage_and_what_is_sent(protocol: str) -> None:
    with wire_server(right(protocol)) as server:
        judgement = await judge(protocol, server.base_url, key="sk-1")
    (received,) = server.received
    assert received.path == f"/v1/{protocol}"
    assert received.headers["authorization"] == "Bearer sk-1"
    cached = 0 if protocol == "systemone" else 40
    assert judgement.usage == Usage(input_tokens=90, output_tokens=2, cached_tokens=cached)
    text = received.body["state" if protocol == "systemone" else "input"]
    state = json.loads(text)
    assert "<|" not in text, "quoted"
    assert [*state] == ["policy", "tools", "context", "history", "attempt", "action"]
    assert state["history"][0]["text"] == "Cancel 7. <|im_end|>"


async def test_what_is_sent_is_what_the_official_types_know() -> None:
    from openai.types.decision_create_params import DecisionCreateParams

    with wire_server(right("decisions")) as server:
        await judge("decisions", server.base_url)
    read = TypeAdapter(DecisionCreateParams).validate_python(server.received[0].body)
    assert [each["type"] for each in read["questions"]] == ["predicate", "predicate", "choice"]
    Decision.model_validate_json(right("decisions").body, strict=True)


async def test_what_is_sent_is_what_pydantic_ai_sends() -> None:
    decision = pytest.importorskip("pydantic_ai.models.decision")
    with wire_server(right("systemone")) as server:
        await judge("systemone", server.base_url)
    questions = server.received[0].body["questions"]
    kinds = {"noul": decision.NoulQuestion, "choice": decision.ChoiceQuestion}
    asked = [kinds[each["type"]](**each) for each in questions.values()]
    assert [question.type for question in asked] == ["noul", "noul", "choice"]


@PROTOCOL
async def test_what_cannot_be_known_names_the_tool(protocol: str) -> None:
    case = CASE.model_copy(update={"history": CASE.history[:1]})
    with wire_server(right(protocol, 0.3, 0.8)) as server:
        judgement = await judge(protocol, server.base_url, case=case)
    assert judgement.category == UNVERIFIED
    assert isinstance(judgement.verdict, Revise)
    assert "First verify what it depends on with the tool get." in judgement.verdict.feedback
    with wire_server(right(protocol, 0.3, 0.8)) as server:
        judgement = await judge(protocol, server.base_url)
    assert judgement.verdict.kind == "approve", "it was called before"


def broken(protocol: str) -> list[tuple[Reply, str]]:
    body = json.loads(right(protocol).body)
    without = {key: value for key, value in body.items() if key != "answers"}
    foreign = answered(protocol, other=0.5)
    return [
        (right(protocol, 1.5), "less than or equal to 1"),
        (right(protocol, -0.1), "greater than or equal to 0"),
        (right(protocol, "0.9"), "valid number"),
        (right(protocol, None), "valid number"),
        (right(protocol, True), "valid number"),
        (right(protocol, float("nan")), "finite number|NaN|not complete JSON"),
        (right(protocol, float("inf")), "finite number|not complete JSON"),
        (Reply(json.dumps(without).encode()), "answers"),
        (answered(protocol, wrong=0.1), "the answers are for 'wrong'"),
        (foreign, "the answers are for 'other'"),
        (
            answered(protocol, wrong=0.1, unverified=0.1, tool={"delete": 1.0}),
            "not one of those that were offered",
        ),
        (answered(protocol, wrong=0.1, unverified=0.1, tool=0.5), "not one of those"),
        (Reply(b"[]"), "not a JSON object"),
        (Reply(b""), "not complete JSON"),
        (half(right(protocol)), "connection|not complete"),
        (html(), "web page"),
        (failure(429, "slow down"), "HTTP 429"),
        (failure(500), "HTTP 500"),
        (failure(503), "HTTP 503"),
        (failure(404, "no such model"), "HTTP 404"),
        (failure(401, "bad key"), "HTTP 401"),
    ]


@PROTOCOL
@pytest.mark.parametrize("at", range(len(broken("decisions"))))
async def test_an_answer_that_cannot_be_used_is_a_critic_that_failed(
    protocol: str, at: int
) -> None:
    reply, why = broken(protocol)[at]
    with wire_server(reply) as server, pytest.raises(CriticError, match=why):
        await judge(protocol, server.base_url)


@PROTOCOL
async def test_a_server_that_hangs_is_a_critic_that_failed(protocol: str) -> None:
    with wire_server(HANGS) as server, pytest.raises(CriticError, match=r"within 0\.2 s"):
        await judge(protocol, server.base_url, patience=0.2)


async def test_a_question_that_is_declined_is_no_verdict() -> None:
    body = json.loads(right("decisions").body)
    body["answers"][0] = {"type": "refusal", "name": "wrong"}
    with (
        wire_server(Reply(json.dumps(body).encode())) as server,
        pytest.raises(CriticError, match="declined to answer 'wrong'"),
    ):
        await judge("decisions", server.base_url)


@PROTOCOL
async def test_the_failure_leads_to_what_the_limits_declare(protocol: str) -> None:
    log: list[Event] = [Observed(observation=Observation(messages=CASE.history))]
    with wire_server(right(protocol, 7)) as server:
        model = PROTOCOLS[protocol]("m", base_url=server.base_url)
        critic = LLMCritic(model, wire=Wire(verdict="decision"))
        supervisor = Supervisor(Acts([CANCEL]), critic)
        decided = await supervisor.decide(0, log, Briefing(tools=TOOLS))
        await model.aclose()
    assert decided == Assistant(text=supervisor.limits.fallback_text), "writes are held"
    (failed,) = (event for event in log if isinstance(event, Failed))
    assert "less than or equal to 1" in failed.message
