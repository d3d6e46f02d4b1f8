"""Rivals that judge: what they ask, whom, and what that does to the action."""

import json

import pytest
from pydantic import JsonValue

from sidecritic.assembly.strategies import guarded, parse_strategy
from sidecritic.critics.base import NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.critics.checklist import EVERYWHERE, Checklist, PackRules
from sidecritic.critics.confirmation import Confirmation, question_about
from sidecritic.critics.reviewer import Reviewer
from sidecritic.episode import run_episode
from sidecritic.errors import ConfigError, CriticError
from sidecritic.gates import Gated
from sidecritic.models.scripted import ScriptedModel
from sidecritic.packs.shop import SHOP
from sidecritic.ports import Critic
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Executed, env_view
from sidecritic.types import (
    Answers,
    Approve,
    Assistant,
    Limits,
    Replace,
    Revise,
    ToolCall,
    User,
)
from tests.parties import READ, TOOLS, Acts, EchoWorld, Judges, call, calling, conversation
from tests.talk import Talk

PUT = call("put", "c1", value=1)
TALK = Talk(TOOLS).user("Set it to 1.")


def form(**fields: JsonValue) -> str:
    return json.dumps(fields)


async def played(
    critic: Critic, *actions: Assistant, lines: tuple[str, ...], rounds: int = 2
) -> tuple[EchoWorld, list[Event]]:
    world, log = EchoWorld(), list[Event]()
    limits = Limits(max_revisions=rounds, on_exhausted=Answers(writes="pass", text="pass"))
    supervisor = Supervisor(actor=Acts(actions), critic=critic, gate="writes", limits=limits)
    await run_episode(conversation(world, lines), supervisor, log, task_id="t")
    return world, log


# --- confirmation (SABER) -------------------------------------------------------------------


async def test_a_change_is_put_to_the_user_before_it_is_made() -> None:
    lines = ("Please set it to 1.", "Yes, go ahead.")
    world, log = await played(Confirmation(), calling(PUT), calling(PUT), lines=lines)
    executed = [event for event in log if isinstance(event, Executed)]
    assert executed[0].source == "critic"
    assert executed[0].action == Assistant(text=question_about([PUT]))
    assert "- value: 1" in executed[0].action.text
    assert [c.arguments for c in world.received] == [{"value": 1}]
    seen = env_view(log)
    assert User(text="Yes, go ahead.") in seen[: seen.index(executed[1].action)]


async def test_a_declined_change_is_not_made() -> None:
    lines = ("Please set it to 1.", "No, not that.")
    world, log = await played(Confirmation(), calling(PUT), calling(PUT), lines=lines)
    assert world.received == []
    assert [e.action.text for e in log if isinstance(e, Executed)][1] == "That is all."


async def test_another_change_needs_its_own_question() -> None:
    talk = TALK.agent(question_about([PUT])).user("Yes")
    judgement = await Confirmation().judge(talk.calls("put", value=2))
    assert isinstance(judgement.verdict, Replace)


async def test_one_yes_is_good_for_one_call() -> None:
    talk = TALK.agent(question_about([PUT])).user("Yes").did("put", "ok", value=1)
    judgement = await Confirmation().judge(talk.calls("put", value=1))
    assert isinstance(judgement.verdict, Replace)


async def test_reading_and_talking_need_no_confirmation() -> None:
    for proposal in (TALK.calls("get", id="1"), TALK.says("Hello")):
        judgement = await Confirmation().judge(proposal)
        assert judgement.verdict == Approve()
        assert judgement.status == "skipped"


async def test_what_counts_as_a_change_can_be_narrowed_down() -> None:
    def is_big(call: ToolCall) -> bool:
        return (call.arguments or {}).get("value") == 100

    critic = Confirmation(mutates=is_big)
    assert (await critic.judge(TALK.calls("put", value=1))).verdict == Approve()
    assert isinstance((await critic.judge(TALK.calls("put", value=100))).verdict, Replace)


# --- checklist (PolicyGuard) ----------------------------------------------------------------


async def test_the_verifier_gets_policy_dialogue_and_the_tools_checklist() -> None:
    passes = form(failed=[], verdict="pass", feedback="")
    with ScriptedModel([passes]) as verifier:
        judgement = await Checklist(verifier, PackRules(SHOP)).judge(TALK.calls("refund_items"))
    system, user = verifier.requests[0].messages
    assert "## POLICY" in system.text
    assert "Set it to 1." in user.text
    assert "refund_items" in user.text
    assert all(item in user.text for item in EVERYWHERE)
    assert "A final sale is no refund." in user.text
    assert judgement.verdict == Approve()
    assert verifier.requests[0].tools == ()


async def test_each_tool_has_its_own_checklist() -> None:
    rules = PackRules(SHOP)
    assert "A final sale is no refund." not in rules.items("change_address")
    assert PackRules(None).items("anything") == EVERYWHERE


async def test_a_blocked_call_goes_back_with_the_remediation() -> None:
    blocks = form(failed=[4], verdict="block", feedback="Ask the customer first.")
    with ScriptedModel([blocks]) as verifier:
        judgement = await Checklist(verifier, PackRules(None)).judge(TALK.calls("put", value=1))
    assert isinstance(judgement.verdict, Revise)
    assert judgement.verdict.feedback == "Ask the customer first."
    assert judgement.policy_ref == EVERYWHERE[3]


async def test_each_changing_call_of_a_batch_is_checked_until_one_is_blocked() -> None:
    passes = form(failed=[], verdict="pass", feedback="")
    blocks = form(failed=[1], verdict="block", feedback="No.")
    batch = calling(PUT, call("get", "c2"), call("put", "c3", value=2), call("put", "c4", value=3))
    proposal = TALK.calls("put").model_copy(update={"action": batch})
    with ScriptedModel([passes, blocks]) as verifier:
        judgement = await Checklist(verifier, PackRules(None)).judge(proposal)
    assert judgement.verdict == Revise(feedback="No.", calls=("c3",))


async def test_reads_cost_no_request() -> None:
    with ScriptedModel([]) as verifier:
        judgement = await Checklist(verifier, PackRules(None)).judge(TALK.calls("get", id="1"))
    assert judgement.status == "skipped"


async def test_a_verifier_that_answers_prose_is_a_critic_failure() -> None:
    verifier = ScriptedModel(["Sure, fine.", "I said fine."])
    with pytest.raises(CriticError, match="did not fill in the form Ruling"):
        await Checklist(verifier, PackRules(None)).judge(TALK.calls("put", value=1))


# --- reviewer (Reinforced Agent) ------------------------------------------------------------


async def test_a_reviewer_sends_a_call_back_round_by_round_before_it_runs() -> None:
    block = form(verdict="block", feedback="Wrong value.")
    passes = form(verdict="pass", feedback="")
    drafts = [calling(call("put", f"c{n}", value=n)) for n in (1, 2, 3)]
    with ScriptedModel([block, block, passes]) as reviewer:
        world, _ = await played(Reviewer(reviewer), *drafts, lines=("Set it to 3.",), rounds=5)
    assert [c.arguments for c in world.received] == [{"value": 3}]
    last = reviewer.requests[2].messages[-1].text
    assert last.count("Wrong value.") == 2


async def test_a_reviewer_looks_at_reads_too_and_not_at_messages() -> None:
    with ScriptedModel([form(verdict="pass", feedback="")]) as reviewer:
        critic = Reviewer(reviewer)
        assert (await critic.judge(TALK.calls("get", id="1"))).status == "ok"
        assert (await critic.judge(TALK.says("Hello"))).status == "skipped"


# --- together with the run's critic ---------------------------------------------------------


def test_a_guard_alone_has_its_own_gate() -> None:
    guard = Confirmation()
    assert guarded(parse_strategy("confirmation"), NoCritic(), gate="all", guard=guard) == (
        guard,
        "writes",
    )


def test_a_strategy_that_acts_leaves_critic_and_gate_alone() -> None:
    critic = Judges([])
    together = guarded(parse_strategy("react"), critic, gate="writes+final", guard=None)
    assert together == (critic, "writes+final")


async def test_a_guard_and_a_critic_each_keep_to_their_own_gate() -> None:
    guard, critic = Judges([]), Judges([])
    both, gate = guarded(parse_strategy("checklist"), critic, gate="none", guard=guard)
    assert isinstance(both, Chain)
    assert gate == "all"
    await both.judge(TALK.calls("put", value=1))
    await both.judge(TALK.calls("get", id="1"))
    assert len(guard.seen) == 1
    assert critic.seen == []


async def test_what_a_gate_leaves_out_is_approved_unseen() -> None:
    inner = Judges([Revise(feedback="no")])
    judgement = await Gated(inner, "writes").judge(TALK.calls(READ.name))
    assert judgement.verdict == Approve()
    assert judgement.status == "skipped"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reactt", "did you mean 'react'"),
        ("react:2", "take a number"),
        ("best_of_n:0", "from 1 to 99"),
        ("reviewer:many", "take a number"),
    ],
)
def test_a_strategy_that_cannot_be_read_is_explained(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_strategy(text)


def test_the_number_of_a_reviewer_is_the_rounds_of_the_supervisor() -> None:
    assert parse_strategy("reviewer:5").rounds == 5
    assert parse_strategy("best_of_n:5").rounds is None
