"""The third answer: look before you judge, or say what must be verified first."""

import json
import re
from dataclasses import dataclass, field
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.critics.asking.looking import MOST_OF_ONE_TOOL
from sidecritic.critics.llm import LLMCritic, Wire
from sidecritic.errors import CriticError
from sidecritic.models.scripted import FunctionModel
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Executed, Judged, Observed
from sidecritic.types import (
    UNVERIFIED,
    Approve,
    Assistant,
    Briefing,
    Completion,
    Judgement,
    Message,
    Observation,
    Proposal,
    Request,
    Revise,
    TokenLogprob,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

TOOLS = (
    ToolSpec(name="close_account", effect="write"),
    ToolSpec(name="get_balance", effect="read"),
    ToolSpec(name="get_owner", effect="read"),
)
CLOSE = ToolCall(id="w", name="close_account", arguments={"id": "7"}, raw='{"id": "7"}')
_TOLD = re.compile(r"with the tool (\w+) (\{[^}]*\})")
BALANCE: dict[str, JsonValue] = {"id": "7"}
WANTED = {"fact": "the balance is zero", "tool": "get_balance", "arguments": '{"id": "7"}'}


def read(name: str, arguments: dict[str, JsonValue], id: str = "r") -> Assistant:
    call = ToolCall(id=id, name=name, arguments=arguments, raw=json.dumps(arguments))
    return Assistant(calls=(call,))


def looked(name: str, arguments: dict[str, JsonValue], id: str = "r") -> tuple[Message, ...]:
    return read(name, arguments, id), ToolResult(call_id=id, name=name, text='{"balance": 0}')


def proposal(*since: Message, tools: tuple[ToolSpec, ...] = TOOLS) -> Proposal:
    return Proposal(
        task_id="1",
        turn=1,
        attempt=0,
        action=Assistant(calls=(CLOSE,)),
        history=(User(text="Close account 7."), *since),
        policy="An account is closed only with a balance of zero.",
        tools=tools,
    )


@dataclass
class Records:
    balance: int = 0
    asked: list[tuple[str, dict[str, JsonValue]]] = field(
        default_factory=list[tuple[str, dict[str, JsonValue]]]
    )

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        self.asked.append((name, arguments))
        text = json.dumps({"balance": self.balance, "padding": "x" * 9000})
        return ToolResult(call_id="look", name=name, text=text)


def said(text: str, **chances: float) -> Completion:
    top = {word: log(chance) for word, chance in chances.items()}
    tokens = (TokenLogprob(token=text, logprob=max(top.values()), top=top),) if top else ()
    return Completion(message=Assistant(text=text), finish="stop", model="m", logprobs=tokens)


def judges(*, wanted: object = None) -> FunctionModel:
    """Return a model that answers Look until it has seen a balance, and then judges by it."""

    def answer(request: Request) -> Completion:
        text = request.messages[-1].text
        if request.sampling.max_tokens == 1:
            seen = re.search(r'balance\\?": (\d)', text)
            if seen is None:
                return said("Look", Look=0.8, Yes=0.15, No=0.05)
            return said("No", Yes=0.1, No=0.9) if int(seen[1]) else said("Yes", Yes=0.9, No=0.1)
        if text.startswith("Why not?"):
            return said(
                json.dumps(
                    {
                        "fault": "authority",
                        "reason": "Not zero.",
                        "policy_ref": "",
                        "feedback": "The balance is not zero.",
                        "calls": [1],
                    }
                )
            )
        return said(json.dumps({"lookups": [WANTED] if wanted is None else wanted}))

    return FunctionModel(answer, name="m")


async def judged(asked: Proposal, *, look: Records | None = None, lookups: int = 0) -> Judgement:
    critic = LLMCritic(judges(), lookups=lookups)
    return await critic.judge(asked.model_copy(update={"look": look}))


@pytest.mark.parametrize(("balance", "kind"), [(0, "approve"), (5, "revise")])
async def test_what_cannot_be_known_is_looked_up_and_judged_again(balance: int, kind: str) -> None:
    records = Records(balance)
    judgement = await judged(proposal(), look=records, lookups=2)
    assert records.asked == [("get_balance", BALANCE)]
    assert judgement.verdict.kind == kind
    assert judgement.category != UNVERIFIED


@pytest.mark.parametrize(("look", "lookups"), [(None, 2), (Records(), 0)])
async def test_without_a_look_up_the_feedback_names_fact_and_tool(
    look: Records | None, lookups: int
) -> None:
    judgement = await judged(proposal(), look=look, lookups=lookups)
    assert isinstance(judgement.verdict, Revise)
    assert 'First verify the balance is zero with the tool get_balance {"id": "7"}.' in (
        judgement.verdict.feedback
    )
    assert judgement.category == UNVERIFIED
    assert judgement.risk == pytest.approx(0.25), "the risk is of what can be known"


async def test_once_it_was_looked_up_the_action_is_judged_by_what_is_known() -> None:
    judgement = await judged(proposal(*looked("get_balance", BALANCE)))
    assert judgement.verdict == Approve()
    blind = LLMCritic(judges())
    # Even a model that sees nothing of it asks for the same look-up once only.
    seen = proposal(
        read("get_balance", BALANCE), ToolResult(call_id="r", name="get_balance", text="ok")
    )
    judgement = await blind.judge(seen)
    assert judgement.verdict == Approve()
    assert "was looked up before" in judgement.rationale


@pytest.mark.parametrize(("verdict", "kind"), [("Yes", "approve"), ("No", "revise")])
async def test_a_model_that_only_says_look_is_asked_once_more_what_it_is(
    verdict: str, kind: str
) -> None:
    def answer(request: Request) -> Completion:
        text = request.messages[-1].text
        if text.startswith("Why not?"):
            return said("no form at all")
        if "lookups" in text:
            return said(json.dumps({"lookups": [WANTED]}))
        word = "Look" if '"Look"' in text else verdict
        return said(json.dumps({"verdict": word, "confidence": 90}))

    critic = LLMCritic(FunctionModel(answer, name="m"), wire=Wire(verdict="json"))
    judgement = await critic.judge(proposal(*looked("get_balance", BALANCE)))
    assert judgement.verdict.kind == kind
    assert judgement.risk == pytest.approx(0.1 if kind == "approve" else 0.9)


async def test_after_a_write_the_same_record_may_be_looked_up_again() -> None:
    written = Assistant(calls=(CLOSE.model_copy(update={"id": "w0"}),))
    seen = (
        read("get_balance", BALANCE),
        ToolResult(call_id="r", name="get_balance", text="ok"),
        written,
        ToolResult(call_id="w0", name="close_account", text="done"),
    )
    assert (await judged(proposal(*seen))).category == UNVERIFIED


async def test_without_a_tool_that_reads_there_is_no_third_answer() -> None:
    asked = proposal(tools=TOOLS[:1])

    def answer(request: Request) -> Completion:
        assert "Look" not in request.messages[-1].text.partition("## QUESTION")[2]
        return said("Yes", Yes=0.9, No=0.1)

    assert (await LLMCritic(FunctionModel(answer)).judge(asked)).verdict == Approve()


async def test_the_third_answer_has_a_threshold_of_its_own() -> None:
    critic = LLMCritic(judges(), wire=Wire(unverified=0.85))
    assert (await critic.judge(proposal())).verdict == Approve()


async def test_a_model_that_cannot_know_and_names_nothing_has_failed() -> None:
    def answer(request: Request) -> Completion:
        if request.sampling.max_tokens == 1:
            return said("Look", Look=0.9)
        return said('{"lookups": []}')

    with pytest.raises(CriticError, match="neither right nor wrong"):
        await LLMCritic(FunctionModel(answer)).judge(proposal())


def doubts(right: float, wanted: str = "[]") -> FunctionModel:
    """Return a model that is sure not to know, and says what it holds when it must."""

    def answer(request: Request) -> Completion:
        text = request.messages[-1].text
        if "Look" in text.partition("## QUESTION")[2]:
            return said("Look", Look=0.99, Yes=0.009, No=0.001)
        if request.sampling.max_tokens == 1:
            return said("Yes", Yes=right, No=1 - right)
        return said(json.dumps({"lookups": json.loads(wanted)}))

    return FunctionModel(answer, name="m")


@pytest.mark.parametrize("wanted", ["[]", json.dumps([{**WANTED, "tool": "close_account"}])])
@pytest.mark.parametrize(("right", "kind"), [(0.9, "approve"), (0.2, "revise")])
async def test_a_doubt_that_names_no_look_up_is_asked_once_more_for_yes_or_no(
    wanted: str, right: float, kind: str
) -> None:
    judgement = await LLMCritic(doubts(right, wanted)).judge(proposal())
    assert judgement.verdict.kind == kind
    assert judgement.risk == pytest.approx(1 - right), "not what the doubt left of the two"
    assert "no tool was named that would show it: 99%" in judgement.rationale


async def test_a_doubt_about_what_was_looked_up_is_asked_once_more_for_yes_or_no() -> None:
    seen = proposal(
        read("get_balance", BALANCE), ToolResult(call_id="r", name="get_balance", text="ok")
    )
    judgement = await LLMCritic(doubts(0.2, json.dumps([WANTED]))).judge(seen)
    assert judgement.verdict.kind == "revise"
    assert judgement.risk == pytest.approx(0.8)


async def test_an_endpoint_in_doubt_that_names_no_tool_sends_back_once_a_turn() -> None:
    answers = {"yes": {"wrong": 0.1, "unverified": 0.99}, "choices": {"tool": {"none": 1.0}}}
    model = FunctionModel(lambda _: said(json.dumps(answers)), name="m")
    critic = LLMCritic(model, wire=Wire(verdict="decision"))
    first = await critic.judge(proposal())
    assert isinstance(first.verdict, Revise)
    assert first.category == UNVERIFIED
    assert "each condition that the policy sets" in first.verdict.feedback
    again = await critic.judge(proposal().model_copy(update={"attempt": 1}))
    assert again.verdict == Approve()
    assert "99%" in again.rationale, "an approval in doubt says so"


async def test_only_tools_that_read_are_called_and_what_else_is_named_is_said() -> None:
    wanted = [{**WANTED, "tool": "close_account"}, WANTED, WANTED, {**WANTED, "arguments": "[]"}]
    records = Records()
    critic = LLMCritic(judges(wanted=wanted), lookups=4)
    judgement = await critic.judge(proposal().model_copy(update={"look": records}))
    assert records.asked == [("get_balance", BALANCE)], "the same one once"
    assert "close_account" in judgement.rationale


async def test_evidence_is_shown_only_if_it_is_exact_or_of_this_policy() -> None:
    class Checks:
        async def examined(self, proposal: Proposal) -> tuple[Finding, ...]:
            def found(check: str, policy: str) -> Finding:
                return Finding(check, 0.5, "It is so.", policy, None)

            return (
                found("exact", ""),
                found("ours", "closed only with a balance of ZERO."),
                found("theirs", "Refunds need a manager."),
            )

    seen: list[Request] = []

    def answer(request: Request) -> Completion:
        seen.append(request)
        return said("Yes", Yes=0.9, No=0.1)

    judgement = await LLMCritic(FunctionModel(answer), evidence=Checks()).judge(proposal())
    text = seen[0].messages[-1].text
    assert ['"exact"' in text, '"ours"' in text, '"theirs"' in text] == [True, True, False]
    assert [flag.name for flag in judgement.flags] == ["exact", "ours", "theirs"], "all are kept"


# --- an end to look-ups --------------------------------------------------------------------


def named(tool: str, id: int) -> dict[str, str]:
    return {"fact": "it", "tool": tool, "arguments": json.dumps({"id": id})}


_NAMED = st.lists(
    st.builds(
        named,
        st.sampled_from(["get_balance", "get_owner", "close_account", "nothing"]),
        st.integers(0, 50),
    ),
    max_size=6,
)


class Never:
    """A model that can never know, and always wants something else looked up."""

    def __init__(self, names: list[list[dict[str, str]]]) -> None:
        self.names, self.asked, self.name, self.simulated = names, 0, "never", True

    async def complete(self, request: Request) -> Completion:
        self.asked += 1
        if request.sampling.max_tokens == 1:
            return said("Look", Look=0.9, Yes=0.06, No=0.04)
        wanted = self.names[self.asked % len(self.names)]
        return said(json.dumps({"lookups": wanted}))


@given(st.lists(_NAMED, min_size=1, max_size=8), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
async def test_look_ups_of_the_critic_end_with_its_budget(
    names: list[list[dict[str, str]]], lookups: int
) -> None:
    records, model = Records(), Never(names)
    asked = proposal().model_copy(update={"look": records})
    await LLMCritic(model, lookups=lookups).judge(asked)
    assert len(records.asked) <= lookups
    assert model.asked <= 2 * (lookups + 1) + 1, "and once more, where no look-up is left"


def obeys(request: Request) -> Assistant:
    """Look up what the supervisor told it to verify; otherwise close the account."""
    told = _TOLD.search(request.messages[-1].text)
    if told is None:
        return Assistant(calls=(CLOSE,))
    return read(told[1], json.loads(told[2]))


@given(st.lists(_NAMED, min_size=1, max_size=8))
@settings(max_examples=30, deadline=None)
async def test_an_actor_that_obeys_is_not_sent_round_in_circles(
    names: list[list[dict[str, str]]],
) -> None:
    supervisor = Supervisor(FunctionModel(obeys, name="actor"), LLMCritic(Never(names)))
    log_: list[Event] = [Observed(observation=Observation(messages=proposal().history))]
    readers, turns = 2, 0
    while turns <= readers * MOST_OF_ONE_TOOL:
        action = await supervisor.decide(turns, log_, Briefing(tools=TOOLS))
        assert isinstance(action, Assistant)
        if action.calls[0].name == CLOSE.name:
            break
        result = ToolResult(call_id=action.calls[0].id, name=action.calls[0].name, text="ok")
        log_.append(Observed(observation=Observation(messages=(result,))))
        turns += 1
    done = [event.action.calls[0].name for event in log_ if isinstance(event, Executed)]
    assert done[-1] == CLOSE.name
    sent_back = [e for e in log_ if isinstance(e, Judged) and e.judgement.category == UNVERIFIED]
    assert len(sent_back) == len(done) - 1, "each is sent back once for each look-up"


async def test_an_actor_that_does_not_look_does_not_get_through() -> None:
    insists = FunctionModel(lambda _: Assistant(calls=(CLOSE,)), name="actor")
    log_: list[Event] = [Observed(observation=Observation(messages=proposal().history))]
    supervisor = Supervisor(insists, LLMCritic(judges()))
    action = await supervisor.decide(0, log_, Briefing(tools=TOOLS))
    assert action == Assistant(text=supervisor.limits.fallback_text)
