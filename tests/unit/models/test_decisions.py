"""Decision endpoints on the wire: a local server of each protocol, and our own gateway."""

import json
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import httpx2
import pytest
from openai import OpenAI
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
from tests.gateway import Asked, gateway, post, refuses
from tests.gateway import code as code_of
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


# --- our gateway ---------------------------------------------------------------------------


def asking(name: str = "wrong", kind: str = "predicate") -> Json:
    return {"type": kind, "name": name, "instructions": "Is it wrong?"}


def test_the_official_client_reads_what_the_gateway_answers() -> None:
    critic = refuses("cancel")
    with gateway("http://127.0.0.1:9", critic=critic, decisions=True) as door:
        client = OpenAI(base_url=f"{door.root}/v1", api_key="k", max_retries=0)
        decision = client.decisions.create(
            model="critic",
            input=[
                {"role": "system", "content": "Be careful."},
                {"role": "user", "content": "Cancel 7."},
                {
                    "type": "function_call",
                    "call_id": "c1",
                    "name": "cancel",
                    "arguments": '{"id": "7"}',
                },
            ],
            questions=[
                {"type": "predicate", "name": "wrong", "instructions": "Is it wrong?"},
                {"type": "predicate", "name": "right", "instructions": "Is it right?"},
                {"type": "predicate", "name": "else", "instructions": "Is it nice?"},
            ],
        )
    wrong, right, other = decision.answers
    assert (wrong.type, right.type, other.type) == ("predicate", "predicate", "refusal")
    assert wrong.type == "predicate" and wrong.probability == 1.0
    assert right.type == "predicate" and right.probability == 0.0
    (seen,) = critic.seen
    assert seen.policy == "Be careful."
    assert [call.name for call in seen.action.calls] == ["cancel"]


async def test_pydantic_ai_reads_what_the_gateway_answers() -> None:
    pytest.importorskip("pydantic_ai")
    from pydantic_ai.models.decision import DecisionRequest, NoulQuestion
    from pydantic_ai.models.system_one import SystemOneModel as Theirs
    from pydantic_ai.providers.system_one import SystemOneProvider

    with gateway("http://127.0.0.1:9", critic=refuses("refund"), decisions=True) as door:
        provider = SystemOneProvider(base_url=door.root, api_key="k")
        model = Theirs("critic", provider=provider)
        asked = NoulQuestion(instructions="Is it wrong?")
        request = DecisionRequest(state="I sent a refund.", questions={"wrong": asked})
        response = await model.decide(request, {})
        await provider.client.aclose()
    assert getattr(response.answers["wrong"], "noul", None) == 1.0


def fails(proposal: Proposal) -> None:
    raise RuntimeError("records are down")


INVALID = "invalid_decision_request"
UNDECIDED: list[tuple[object, int, str]] = [
    ({"input": "Hi", "questions": [asking()]}, 502, "critic_failed"),
    ({"input": "Hi", "questions": []}, 400, INVALID),
    ({"input": "Hi"}, 400, INVALID),
    ({"input": "Hi", "questions": [asking(), asking()]}, 400, INVALID),
    ({"input": "Hi", "questions": [{"type": "predicate"}]}, 400, INVALID),
    ({"input": "Hi", "questions": [asking(kind="score")]}, 400, INVALID),
    ({"input": "Hi", "questions": [asking(kind="choice") | {"choices": []}]}, 400, INVALID),
    ({"input": "", "questions": [asking()]}, 400, INVALID),
    ({"questions": [asking()]}, 400, INVALID),
    ({"input": '{"policy": "x"}', "questions": [asking()]}, 400, INVALID),
    ({"input": [{"role": "user", "content": "a"}] * 2, "questions": [asking()]}, 400, INVALID),
    ([], 400, "invalid_json"),
]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    UNDECIDED,
)
def test_what_the_gateway_cannot_decide_says_why(body: object, status: int, code: str) -> None:
    with gateway("http://127.0.0.1:9", critic=Asked(fails), decisions=True) as door:
        response = post(door, "v1/decisions", body)
    assert (response.status_code, code_of(response)) == (status, code)


def test_what_the_gateway_decides_is_stored_as_other_decisions_are() -> None:
    action = {"role": "assistant", "text": "Deleted."}
    body = {
        "input": json.dumps({"policy": "Ask first.", "action": action}),
        "questions": [asking()],
    }
    kept = {"content": True}
    critic = refuses("Deleted")
    with gateway("http://127.0.0.1:9", critic=critic, decisions=True, store=kept) as door:
        answered = post(door, "v1/decisions", body)
        (row,) = door.settled()
    assert row["request"] == answered.headers["x-sidecritic-request"]
    shown = (row["endpoint"], row["mode"], row["verdict"], row["fate"], row["link"])
    assert shown == ("decisions", "shadow", "revise", "released", "")
    assert row["content"]["proposal"]["policy"] == "Ask first."
    assert row["content"]["judgement"]["verdict"]["kind"] == "revise"


def test_a_critic_that_fails_as_an_endpoint_is_stored_with_the_reason() -> None:
    with gateway("http://127.0.0.1:9", critic=Asked(fails), decisions=True) as door:
        post(door, "v1/decisions", {"input": "Hi", "questions": [asking()]})
        (row,) = door.settled()
    assert (row["verdict"], row["status"], row["content"]) == ("none", "error", None)
    assert row["category"].startswith("exception: critic")


def test_what_two_readers_may_read_differently_is_not_decided() -> None:
    asked = json.dumps([asking()])
    body = f'{{"input": "Hi", "input": "Deleted.", "questions": {asked}}}'
    with gateway("http://127.0.0.1:9", critic=refuses(), decisions=True) as door:
        response = httpx2.post(f"{door.root}/v1/decisions", content=body, trust_env=False)
    assert (response.status_code, code_of(response)) == (400, "invalid_decision_request")


@pytest.mark.parametrize(("raw", "status"), [('{"id": "8"}', 400), ('{"id":"7"}', 200)])
def test_a_call_whose_raw_arguments_say_something_else_is_not_decided(
    raw: str, status: int
) -> None:
    call = {"id": "1", "name": "cancel", "arguments": {"id": "7"}, "raw": raw}
    state = json.dumps({"action": {"role": "assistant", "text": "", "calls": [call]}})
    with gateway("http://127.0.0.1:9", critic=refuses(), decisions=True) as door:
        response = post(door, "v1/decisions", {"input": state, "questions": [asking()]})
    assert response.status_code == status


def test_a_systemone_question_of_the_wrong_kind_is_refused_before_the_critic_is_asked() -> None:
    kinds = {"wrong": {"type": "choice", "criteria": {"a": "b"}}, "tool": {"type": "noul"}}
    with gateway("http://127.0.0.1:9", critic=Asked(fails), decisions=True) as door:
        for name, question in kinds.items():
            body = {"state": "Hi", "questions": {name: question}}
            assert post(door, "v1/systemone", body).status_code == 400


def test_a_route_serves_its_critic_only_where_it_is_told_to_and_to_known_keys() -> None:
    body = {"model": "m", "input": "Hi", "questions": [asking()]}
    with gateway("http://127.0.0.1:9", critic=refuses(), mode="enforce") as door:
        assert code_of(post(door, "v1/decisions", body)) == "unsupervised_path"
    known = [{"name": "a", "key_env": "UPSTREAM_KEY", "per_minute": 1}]
    with gateway("http://127.0.0.1:9", critic=refuses(), clients=known, decisions=True) as door:
        assert post(door, "v1/decisions", body).status_code == 401
        key = "Bearer sk-upstream-0123456789"
        assert post(door, "v1/decisions", body, authorization=key).status_code == 200
        assert post(door, "v1/decisions", body, authorization=key).status_code == 429
