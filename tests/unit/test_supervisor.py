"""What `decide()` does with each verdict, each limit and each failure."""

import asyncio

import pytest

from sidecritic.critics.base import NoCritic
from sidecritic.errors import ModelError
from sidecritic.ports import Critic
from sidecritic.supervisor import Decision, Supervisor
from sidecritic.trace import SUPERVISOR, Event, Executed, Failed, Judged, Observed, Proposed
from sidecritic.types import (
    Answers,
    Approve,
    Assistant,
    Briefing,
    Escalate,
    Halt,
    Judgement,
    Limits,
    Observation,
    Proposal,
    Replace,
    Revise,
    ToolResult,
    User,
)
from tests.parties import TOOLS, Acts, Judges, call, calling

BRIEFING = Briefing(policy="Be right.", tools=TOOLS, system="You are an agent.")
WRITE = calling(call("put", record="1"))
OTHER = calling(call("put", record="2"))
REFUSE = Revise(feedback="Record 1 is not theirs; record 2 is.")


def opened() -> list[Event]:
    return [Observed(observation=Observation(messages=(User(text="Change record 2."),)))]


async def decide(
    actor: Acts, critic: Critic, limits: Limits = Limits(), log: list[Event] | None = None
) -> tuple[Decision, list[Event]]:
    log = opened() if log is None else log
    return await Supervisor(actor, critic, limits=limits).decide(0, log, BRIEFING), log


async def test_an_approved_action_is_executed_as_it_was_proposed() -> None:
    decision, log = await decide(Acts([WRITE]), Judges([]))
    assert decision == WRITE
    assert log[-1] == Executed(turn=0, action=WRITE, source="actor")


async def test_feedback_reaches_the_actor_and_the_revised_action_runs() -> None:
    actor = Acts([WRITE, OTHER])
    decision, log = await decide(actor, Judges([REFUSE]))
    feedback = actor.requests[1].messages[-1]
    assert isinstance(feedback, ToolResult)
    assert feedback.text.startswith(SUPERVISOR)
    assert REFUSE.feedback in feedback.text
    assert isinstance(decision, Assistant)
    assert [c.arguments for c in decision.calls] == [{"record": "2"}]
    assert sum(isinstance(e, Executed) for e in log) == 1


async def test_feedback_on_a_message_says_that_the_user_has_not_seen_it() -> None:
    actor = Acts([Assistant(text="Your record has been changed."), Assistant(text="One moment.")])
    await decide(actor, Judges([Revise(feedback="No call was made.")]))
    draft, feedback = actor.requests[1].messages[-2:]
    assert draft == Assistant(text="Your record has been changed.")
    assert isinstance(feedback, User)
    assert "was not sent" in feedback.text


async def test_a_batch_is_withheld_whole_and_siblings_learn_why() -> None:
    batch = calling(call("get", "r"), call("put", "w", record="1"))
    actor = Acts([batch, OTHER])
    refuse = Revise(feedback="Record 1 is not theirs.", calls=("w",))
    _, log = await decide(actor, Judges([refuse]))
    sibling, at_fault = actor.requests[1].messages[-2:]
    assert isinstance(sibling, ToolResult)
    assert isinstance(at_fault, ToolResult)
    assert sibling.call_id == "r"
    assert "another call of the same message" in sibling.text
    assert "Record 1 is not theirs." in at_fault.text
    assert "Record 1" not in sibling.text
    executed = [c.name for e in log if isinstance(e, Executed) for c in e.action.calls]
    assert executed == ["put"]


async def test_a_refused_action_that_comes_back_unchanged_is_not_judged_again() -> None:
    again = calling(call("put", "another-id", record="1"))
    critic = Judges([REFUSE])
    _, log = await decide(Acts([WRITE, again, OTHER]), critic)
    statuses = [e.judgement.status for e in log if isinstance(e, Judged)]
    assert statuses == ["ok", "skipped", "ok"]
    assert len(critic.seen) == 2


async def test_a_replacement_runs_in_place_of_the_proposal() -> None:
    decision, log = await decide(Acts([WRITE]), Judges([Replace(action=OTHER, reason="rule 4")]))
    last = log[-1]
    assert isinstance(last, Executed)
    assert (last.source, last.action) == ("critic", decision)
    assert [(c.name, c.arguments) for c in last.action.calls] == [("put", {"record": "2"})]


@pytest.mark.parametrize("end", [Escalate(reason="a person decides"), Halt(reason="stop")])
async def test_escalation_and_halt_end_the_trajectory_unexecuted(end: Escalate | Halt) -> None:
    decision, log = await decide(Acts([WRITE]), Judges([end]))
    assert decision == end
    assert not any(isinstance(e, Executed) for e in log)


async def test_reads_pass_the_default_gate_unjudged() -> None:
    critic = Judges([REFUSE])
    decision, _ = await decide(Acts([calling(call("get"))]), critic)
    assert isinstance(decision, Assistant)
    assert critic.seen == []


async def test_a_call_of_a_tool_that_nobody_declared_is_judged() -> None:
    critic = Judges([])
    await decide(Acts([calling(call("drop_tables"))]), critic)
    assert len(critic.seen) == 1


async def test_when_revisions_are_exhausted_a_write_is_held_and_text_passes() -> None:
    held, log = await decide(Acts([WRITE, OTHER, WRITE]), Judges([REFUSE] * 3))
    assert held == Assistant(text=Limits().fallback_text)
    last = log[-1]
    assert isinstance(last, Executed)
    assert (last.source, last.approved) == ("fallback", False)

    goodbye = [Assistant(text=f"Goodbye {i}") for i in range(3)]
    passed, log = await decide(Acts(goodbye), Judges([REFUSE] * 3))
    assert passed == goodbye[2]
    last = log[-1]
    assert isinstance(last, Executed)
    assert (last.source, last.approved) == ("actor", False)


class Hangs:
    name = "hangs"

    async def judge(self, proposal: Proposal) -> Judgement:
        await asyncio.Event().wait()
        raise AssertionError("never reached")


class Breaks:
    name = "breaks"

    async def judge(self, proposal: Proposal) -> Judgement:
        raise ZeroDivisionError("a bug in a critic")


class Owns:
    """Returns its failure as a status, as ensembles do."""

    name = "owns"

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=Halt(reason="-"), critic="owns", status="error", rationale="down")


class Empties:
    name = "empties"

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=Replace(action=Assistant(), reason="-"), critic="empties")


@pytest.mark.parametrize(
    ("critic", "error"),
    [
        (Hangs(), "CriticTimeout"),
        (Breaks(), "ZeroDivisionError"),
        (Owns(), "error"),
        (Empties(), "ok"),
        (Judges([None]), "CriticError"),
    ],
)
async def test_a_failing_critic_is_an_event_and_by_default_holds_writes_only(
    critic: Critic, error: str
) -> None:
    limits = Limits(critic_timeout=0.01)
    decision, log = await decide(Acts([WRITE]), critic, limits)
    assert decision == Assistant(text=limits.fallback_text)
    failed = [e for e in log if isinstance(e, Failed)]
    assert [(e.where, e.error) for e in failed] == [("critic", error)]
    assert not any(isinstance(e, Judged) for e in log)

    goodbye = Assistant(text="Goodbye!")
    fresh = Judges([None]) if isinstance(critic, Judges) else critic
    decision, log = await decide(Acts([goodbye]), fresh, limits)
    assert decision == goodbye
    assert log[-1] == Executed(turn=0, action=goodbye, source="actor", approved=False)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("pass", WRITE),
        ("escalate", Escalate(reason="the critic failed")),
        ("halt", Halt(reason="the critic failed")),
    ],
)
async def test_each_failure_mode_has_its_own_effect_on_a_write(
    answer: str, expected: Decision
) -> None:
    answers = Answers.model_validate({"writes": answer, "text": "fallback"})
    decision, _ = await decide(Acts([WRITE]), Judges([None]), Limits(on_critic_failure=answers))
    assert decision == expected


async def test_an_empty_message_is_sent_back_without_asking_the_critic() -> None:
    critic = Judges([])
    decision, log = await decide(Acts([Assistant(text="  "), OTHER]), critic)
    assert isinstance(decision, Assistant)
    assert decision.calls
    first = next(e for e in log if isinstance(e, Judged))
    assert first.judgement.category == "empty message"
    assert len(critic.seen) == 1


async def test_an_actor_that_stays_empty_is_a_model_failure() -> None:
    with pytest.raises(ModelError, match="empty message"):
        await decide(Acts([Assistant()] * 5), Judges([]))


async def test_call_ids_that_repeat_are_made_distinct_before_anyone_sees_them() -> None:
    log = opened()
    for turn in range(2):
        action, _ = await decide(Acts([calling(call("get", "call_0"))]), Judges([]), log=log)
        assert isinstance(action, Assistant)
        result = ToolResult(call_id=action.calls[0].id, name="get", text="ok")
        log.append(Observed(observation=Observation(messages=(result,))))
        assert (action.calls[0].id == "call_0") is (turn == 0)
    proposed = [e.completion.message.calls[0].id for e in log if isinstance(e, Proposed)]
    assert len(set(proposed)) == 2


BROKEN = calling(call("put").model_copy(update={"arguments": None, "raw": '{"record": '}))


async def test_arguments_that_nobody_can_read_go_back_whatever_the_critic_says() -> None:
    actor, critic = Acts([BROKEN, OTHER]), Judges([Approve()])
    decision, log = await decide(actor, critic)
    assert isinstance(decision, Assistant)
    assert [c.arguments for c in decision.calls] == [{"record": "2"}]
    (first, _) = [event.judgement for event in log if isinstance(event, Judged)]
    assert (first.critic, first.category) == ("supervisor", "unreadable arguments")
    assert "not one JSON object" in actor.requests[1].messages[-1].text


async def test_an_unsupervised_actor_is_measured_with_its_broken_calls() -> None:
    decision, _ = await decide(Acts([BROKEN]), NoCritic())
    assert decision == BROKEN
