"""Decision endpoints that the gateway serves, as official clients read them."""

import json

import httpx2
import pytest
from openai import OpenAI

from sidecritic.types import (
    Proposal,
)
from tests.gateway import Asked, gateway, post, refuses
from tests.gateway import code as code_of
from tests.wire import Json


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
