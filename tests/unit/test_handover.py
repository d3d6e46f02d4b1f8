"""Which tools give the conversation to a person, for everything that asks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecritic.checks.base import Pack
from sidecritic.checks.endings import ENDING_CALLS
from sidecritic.critics.checklist import PackRules
from sidecritic.gates import covers, kind_of
from sidecritic.handover import hand_overs, hands_over
from sidecritic.packs.registry import PACKS
from sidecritic.types import Assistant, Effect, Proposal, ToolCall, ToolSpec, User

CANCEL = ToolSpec(name="cancel_order", effect="write")
HAND_OVERS = (
    "transfer_to_human_agents",
    "transfer_to_human",
    "escalate_to_agent",
    "escalate_to_supervisor",
    "escalateToTier2Support",
    "handoff_to_human",
    "hand_over_to_specialist",
    "transferToAgent",
    "transfer-user-to-live-agent",
    "mcp__desk__transfer_to_human",
    "connect_customer_to_representative",
    "request_human_agent",
    "human_handoff",
    "transfer_call",
    "escalate",
)
OTHERS = (
    "transfer_funds",
    "transfer",
    "transfer_to_savings",
    "transfer_money_to_person",
    "transfer_money_to_agent_account",
    "transfer_to_account_of_agent",
    "get_transfer_history",
    "get_human_resources_policy",
    "get_handoff_notes",
    "list_escalations",
    "escalate_ticket",
    "human_review",
    "connect_to_database",
)


def proposing(
    name: str, *, effect: Effect = "unknown", description: str = "", declared: bool = True
) -> Proposal:
    tool = ToolSpec(name=name, effect=effect, description=description)
    call = ToolCall(id="c1", name=name, arguments={"summary": "A request."}, raw="{}")
    return Proposal(
        task_id="t",
        turn=0,
        attempt=0,
        action=Assistant(calls=(call,)),
        history=(User(text="Please cancel my order."),),
        policy="",
        tools=(CANCEL, tool) if declared else (CANCEL,),
    )


def checks_fired(proposal: Proposal, pack: Pack | None = None) -> list[str]:
    pack = pack or Pack("mine", calls=ENDING_CALLS)
    return [finding.check for finding in pack.findings(proposal)]


@pytest.mark.parametrize("declared", [True, False])
@pytest.mark.parametrize("name", HAND_OVERS)
def test_a_hand_over_is_one_for_gate_and_checks_alike(name: str, declared: bool) -> None:
    proposal = proposing(name, declared=declared)
    assert covers("writes+final", proposal)
    assert kind_of(proposal) == "final"
    known = proposing("transfer_to_human_agents")
    assert checks_fired(proposal) == checks_fired(known)
    assert "transfer of what can be served" in checks_fired(proposal)


@pytest.mark.parametrize("name", HAND_OVERS)
def test_a_hand_over_that_is_declared_a_read_is_still_one(name: str) -> None:
    assert kind_of(proposing(name, effect="read")) == "final"


@pytest.mark.parametrize(("effect", "kind"), [("read", "other"), ("write", "write")])
@pytest.mark.parametrize("name", OTHERS)
def test_what_moves_or_shows_something_else_is_no_hand_over(
    name: str, effect: Effect, kind: str
) -> None:
    proposal = proposing(name, effect=effect)
    assert kind_of(proposal) == kind
    assert not checks_fired(proposal)


def test_a_description_tells_where_a_name_does_not() -> None:
    says = "Escalates the ticket to a human specialist. Use it when nothing else helps."
    assert kind_of(proposing("escalate_ticket", description=says)) == "final"
    assert kind_of(proposing("escalate_ticket", description=says, effect="write")) == "final"
    assert kind_of(proposing("escalate_ticket", description=says, effect="read")) == "other"


@pytest.mark.parametrize(
    "description",
    [
        "Transfer money to another person.",
        "Send the transfer request to the agent account.",
        "Escalate the priority of a ticket.",
        "Show how to transfer the user to a human agent.",
    ],
)
def test_a_description_of_something_else_does_not(description: str) -> None:
    assert kind_of(proposing("act", description=description)) == "write"


def test_a_pack_may_name_its_own() -> None:
    desk = Pack("desk", calls=ENDING_CALLS, hand_overs=frozenset({"ring_the_desk"}))
    assert checks_fired(proposing("ring_the_desk"), desk) == checks_fired(proposing(HAND_OVERS[0]))
    assert not checks_fired(proposing("transfer_to_human"), desk)


def test_a_checklist_has_the_rules_of_hand_overs_for_hand_overs_alone() -> None:
    rules = PackRules(Pack("mine", calls=ENDING_CALLS))
    assert set(rules.items("escalate_to_agent")) > set(rules.items("transfer_funds"))


def test_the_shipped_packs_know_the_tool_of_their_benchmark() -> None:
    for env, pack in PACKS.items():
        named = "transfer_to_human" if env == "shop" else "transfer_to_human_agents"
        assert named in (pack.hand_overs or hand_overs((), (named,)))


@given(
    st.sampled_from(["transfer", "escalate", "hand off", "hand over", "handoff", "handover"]),
    st.sampled_from(["", "user ", "conversation ", "ticket "]),
    st.sampled_from(["", "a ", "human ", "billing ", "senior support "]),
    st.sampled_from(["human", "agents", "person", "representative", "specialist", "supervisor"]),
    st.sampled_from(["_", "-", "camel"]),
)
def test_how_a_name_is_spelt_does_not_matter(
    verb: str, subject: str, kind: str, person: str, style: str
) -> None:
    first, *others = f"{verb} {subject}to {kind}{person}".split()
    camel = "".join((first, *map(str.title, others)))
    assert hands_over(camel if style == "camel" else style.join((first, *others)))


@given(
    st.sampled_from(["get", "list", "find", "search", "count", "cancel", "is"]),
    st.sampled_from(HAND_OVERS[:9]),
)
def test_a_name_that_does_something_else_with_hand_overs_is_none(verb: str, name: str) -> None:
    assert not hands_over(f"{verb}_{name}")
