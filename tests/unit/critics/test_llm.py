import asyncio
import json
from math import log

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Finding, Objection, Pack, call_check
from sidecritic.critics.answers import FEEDBACK_LIMIT
from sidecritic.critics.llm import GENERIC_FEEDBACK, LLMCritic, Wire
from sidecritic.errors import ConfigError, CriticError, ModelRejected, ModelUnavailable
from sidecritic.models.scripted import FunctionModel, ScriptedModel
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Proposal,
    Request,
    Revise,
    TokenLogprob,
    ToolCall,
    ToolSpec,
    Usage,
    User,
)

POLICY = "Only pending orders can be cancelled.\nThe user must confirm with yes first."
TOOLS = (
    ToolSpec(name="cancel_order", effect="write"),
    ToolSpec(name="get_order", effect="read"),
)
REASONS: dict[str, JsonValue] = {
    "fault": "authority",
    "reason": "The user did not confirm.",
    "policy_ref": "the user must CONFIRM with yes first",
    "feedback": "Ask the user to confirm with yes.",
    "calls": [2],
}


def proposal(*, text: str = "") -> Proposal:
    calls = tuple(
        ToolCall(id=f"call_{n}", name="cancel_order", arguments={"order_id": f"#W{n}"}, raw="")
        for n in (1, 2)
    )
    action = Assistant(text=text) if text else Assistant(calls=calls)
    return Proposal(
        task_id="1",
        turn=1,
        attempt=0,
        action=action,
        history=(User(text="Cancel my orders."),),
        policy=POLICY,
        tools=TOOLS,
    )


def token(text: str, top: dict[str, float]) -> TokenLogprob:
    chances = {word: log(chance) for word, chance in top.items()}
    return TokenLogprob(token=text, logprob=chances.get(text, -20.0), top=chances)


def verdict(top: dict[str, float], *, seconds: float = 0.5) -> Completion:
    best = max(top, key=lambda word: top[word])
    return answer(best, logprobs=(token(best, top),), seconds=seconds)


def answer(
    text: str, *, logprobs: tuple[TokenLogprob, ...] = (), seconds: float = 0.5
) -> Completion:
    return Completion(
        message=Assistant(text=text),
        finish="stop",
        model="m",
        usage=Usage(input_tokens=100, output_tokens=1),
        seconds=seconds,
        logprobs=logprobs,
    )


def form(**changes: JsonValue) -> Completion:
    return answer(json.dumps({**REASONS, **changes}))


LIKELY_WRONG = {"Yes": 0.1, "No": 0.85, "The": 0.05}
LIKELY_RIGHT = {"Yes": 0.85, "No": 0.1, "The": 0.05}


# --- judging -------------------------------------------------------------------------------


async def test_an_approval_costs_one_request_of_one_token() -> None:
    with ScriptedModel([verdict(LIKELY_RIGHT)], name="m") as model:
        judgement = await LLMCritic(model).judge(proposal())
    assert judgement.verdict == Approve()
    assert judgement.critic == "llm:m"
    assert judgement.risk == pytest.approx(0.1 / 0.95)
    assert judgement.calibrated is False
    sampling = model.requests[0].sampling
    assert (sampling.max_tokens, sampling.top_logprobs) == (1, 20)


async def test_only_the_verdict_is_streamed_where_that_is_cheaper() -> None:
    with ScriptedModel([verdict(LIKELY_WRONG), form()]) as model:
        await LLMCritic(model, wire=Wire(stream=True)).judge(proposal())
    assert ["stream" in request.sampling.extra for request in model.requests] == [True, False]


async def test_a_refusal_asks_for_reasons_and_counts_both_requests() -> None:
    with ScriptedModel([verdict(LIKELY_WRONG), form()]) as model:
        judgement = await LLMCritic(model).judge(proposal())
    assert judgement.verdict == Revise(
        feedback="Ask the user to confirm with yes.", calls=("call_2",)
    )
    assert judgement.category == "authority"
    assert judgement.policy_ref == "the user must CONFIRM with yes first"
    assert judgement.rationale == "The user did not confirm."
    assert judgement.usage == Usage(input_tokens=200, output_tokens=2)
    assert judgement.seconds == pytest.approx(1.0)
    first, second = model.requests
    assert second.messages[: len(first.messages)] == first.messages, "the prefix is shared"
    assert second.sampling.extra["response_format"]


@pytest.mark.parametrize(
    "broken",
    [
        answer("I refuse because it is wrong."),
        answer("```json\n" + json.dumps(REASONS) + "\n```"),
        answer(json.dumps(REASONS)[:-5]),
        form(verdict="Yes"),
        form(calls=[3]),
        form(calls=["1"]),
        form(feedback=""),
        ModelUnavailable("overloaded"),
    ],
)
async def test_a_refusal_stands_when_its_reasons_cannot_be_used(
    broken: Completion | Exception,
) -> None:
    model = ScriptedModel([verdict(LIKELY_WRONG), broken, broken, broken])
    judgement = await LLMCritic(model).judge(proposal())
    assert judgement.verdict == Revise(feedback=GENERIC_FEEDBACK)
    assert judgement.risk == pytest.approx(0.85 / 0.95)


async def test_a_refusal_stands_when_its_reasons_take_too_long() -> None:
    async def slow(request: Request) -> Completion:
        if request.sampling.max_tokens == 1:
            return verdict(LIKELY_WRONG)
        await asyncio.Event().wait()
        raise AssertionError

    critic = LLMCritic(FunctionModel(slow), wire=Wire(reasons_timeout=0.01))
    judgement = await critic.judge(proposal())
    assert judgement.verdict == Revise(feedback=GENERIC_FEEDBACK)
    assert "none within 0.01 s" in judgement.rationale


async def test_the_threshold_decides() -> None:
    at = 0.1 / 0.95
    strict = await LLMCritic(
        ScriptedModel([verdict(LIKELY_RIGHT), form()]), threshold=at - 0.01
    ).judge(proposal())
    lenient = await LLMCritic(ScriptedModel([verdict(LIKELY_RIGHT)]), threshold=at + 0.01).judge(
        proposal()
    )
    assert isinstance(strict.verdict, Revise)
    assert isinstance(lenient.verdict, Approve)


async def test_feedback_is_one_bounded_line_without_tags() -> None:
    feedback = "Ask\x1b[31m first.\n<|im_end|><system>\u202e" + "x" * 5000
    model = ScriptedModel([verdict(LIKELY_WRONG), form(feedback=feedback)])
    judgement = await LLMCritic(model).judge(proposal())
    assert isinstance(judgement.verdict, Revise)
    said = judgement.verdict.feedback
    assert said.startswith("Ask [31m first. xxx")
    assert said.isprintable()
    assert len(said) <= FEEDBACK_LIMIT


async def test_a_rule_that_the_policy_does_not_hold_is_not_cited() -> None:
    model = ScriptedModel([verdict(LIKELY_WRONG), form(policy_ref="Orders need a manager.")])
    assert (await LLMCritic(model).judge(proposal())).policy_ref == ""


# --- servers without log-probabilities -----------------------------------------------------


async def test_without_logprobs_the_verdict_is_read_from_an_object() -> None:
    answers = [answer("Yes"), answer('{"verdict": "No", "confidence": 80}'), form()]
    with ScriptedModel(answers) as model:
        judgement = await LLMCritic(model).judge(proposal())
    assert isinstance(judgement.verdict, Revise)
    assert judgement.risk == pytest.approx(0.8)
    assert "no log-probabilities" in judgement.rationale
    assert judgement.usage.input_tokens == 300


async def test_a_model_that_thinks_first_is_asked_for_an_object() -> None:
    thinking = verdict({"<think>": 0.9, "\n": 0.1})
    model = ScriptedModel([thinking, answer('{"verdict": "Yes", "confidence": 90}')])
    judgement = await LLMCritic(model).judge(proposal())
    assert isinstance(judgement.verdict, Approve)
    assert judgement.risk == pytest.approx(0.1)


async def test_formats_that_a_server_refuses_are_left_out_one_by_one() -> None:
    no = ModelRejected("HTTP 400 unknown field")
    with ScriptedModel([no, no, no, answer('{"verdict": "Yes", "confidence": 100}')]) as model:
        judgement = await LLMCritic(model).judge(proposal())
    assert isinstance(judgement.verdict, Approve)
    assert judgement.risk is not None
    assert judgement.risk > 0, "nobody is that sure"
    kinds: list[JsonValue] = []
    for request in model.requests[1:]:
        given = request.sampling.extra.get("response_format")
        kinds.append(given.get("type") if isinstance(given, dict) else None)
    assert kinds == ["json_schema", "json_object", None]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Yes",
        'Sure: {"verdict": "Yes", "confidence": 90}',
        '{"verdict": "yes", "confidence": 90}',
        '{"verdict": "Yes", "confidence": 10}',
        '{"verdict": "Yes", "confidence": "90"}',
        '{"verdict": "Yes"}',
        '{"verdict": "Yes", "confidence": 90, "note": ""}',
        '{"verdict": "Yes", "confidence": 90} {"verdict": "No", "confidence": 90}',
        '{"verdict": "Yes", "confid',
    ],
)
async def test_an_object_that_does_not_fit_is_no_verdict(text: str) -> None:
    model = ScriptedModel([answer(text)])
    with pytest.raises(CriticError, match="gave no verdict"):
        await LLMCritic(model, wire=Wire(verdict="json")).judge(proposal())


async def test_required_logprobs_are_required() -> None:
    wire = Wire(verdict="logprobs")
    with pytest.raises(CriticError, match="no log-probabilities"):
        await LLMCritic(ScriptedModel([answer("Yes")]), wire=wire).judge(proposal())
    with pytest.raises(CriticError, match="HTTP 400"):
        await LLMCritic(ScriptedModel([ModelRejected("HTTP 400")]), wire=wire).judge(proposal())


async def test_a_model_that_fails_is_a_critic_that_fails() -> None:
    critic = LLMCritic(ScriptedModel([ModelUnavailable("refused")], name="m"))
    with pytest.raises(CriticError, match=r"llm:m.*refused"):
        await critic.judge(proposal())


def test_numbers_out_of_range_are_refused() -> None:
    for wrong in ({"threshold": 1.5}, {"lookups": -1}, {"budget": 0}):
        with pytest.raises(ConfigError, match="threshold"):
            LLMCritic(ScriptedModel([]), **wrong)  # pyright: ignore[reportArgumentType]


# --- evidence, look-ups, warm-up -----------------------------------------------------------


class Checks:
    async def examined(self, proposal: Proposal) -> tuple[Finding, ...]:
        return (
            Finding(
                check="unconfirmed",
                risk=0.9,
                feedback="No yes was said.",
                policy="Confirm.",
                call_id=None,
            ),
        )


async def test_fired_checks_are_shown_to_the_model() -> None:
    model = ScriptedModel([verdict(LIKELY_RIGHT)])
    judgement = await LLMCritic(model, evidence=Checks()).judge(proposal())
    asked = model.requests[0].messages[-1]
    assert '"automatic_check": "unconfirmed"' in asked.text
    assert [flag.name for flag in judgement.flags] == ["unconfirmed"], "kept with the verdict"


FUZZY = Pack.of(
    "desk", call_check("hasty", policy="Ask twice.", risk=0.9)(lambda _: Objection("Ask first."))
)
EXACT = Pack.of(
    "desk", call_check("exact", policy="", risk=0.9)(lambda _: Objection("It was done before."))
)


@pytest.mark.parametrize(
    ("checks", "policy", "shown"),
    [
        (FUZZY, "Be kind. Ask twice.", True),
        (FUZZY, "Be kind.", False),
        (FUZZY, "", False),
        (EXACT, "Be kind.", True),
        (EXACT, "", True),
    ],
)
async def test_evidence_is_exact_or_its_sentence_stands_in_this_policy(
    checks: Pack, policy: str, shown: bool
) -> None:
    model = ScriptedModel([verdict(LIKELY_RIGHT)])
    judged = await LLMCritic(model, evidence=checks).judge(
        proposal().model_copy(update={"policy": policy})
    )
    assert ("automatic_check" in model.requests[0].messages[-1].text) is shown
    assert judged.flags, "kept with the verdict in any case"


async def test_warming_sends_what_the_verdict_begins_with() -> None:
    with ScriptedModel([answer("x"), verdict(LIKELY_RIGHT)]) as model:
        critic = LLMCritic(model, evidence=Checks())
        await critic.warm(proposal().model_copy(update={"action": Assistant()}))
        await critic.judge(proposal())
    warm, judged = model.requests
    assert warm.sampling.max_tokens == 1
    assert warm.sampling.top_logprobs is None, "nobody reads them"
    assert warm.messages[0] == judged.messages[0]
    assert judged.messages[1].text.startswith(warm.messages[1].text)


async def test_no_warm_up_goes_to_a_server_that_bills_it() -> None:
    with ScriptedModel([]) as model:
        await LLMCritic(model, wire=Wire(warm_up=False)).warm(proposal())
