"""A critic gets ready while the actor writes, and nothing but time depends on it."""

import asyncio
from dataclasses import dataclass, field

import pytest

from sidecritic.critics.base import NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.errors import ModelError
from sidecritic.gates import GATES, Gate
from sidecritic.models.scripted import FunctionModel
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Observed, actor_view
from sidecritic.types import (
    Approve,
    Assistant,
    Briefing,
    Judgement,
    Observation,
    Proposal,
    Request,
    Revise,
    User,
)
from tests.parties import TOOLS, call, calling

BRIEFING = Briefing(policy="Be right.", tools=TOOLS, system="You are an agent.")
WRITE = calling(call("put", record="1"))


@dataclass
class Warms:
    """Notes what it is warmed up with, and reads until it is stopped."""

    verdicts: list[Revise] = field(default_factory=list[Revise])
    read: list[Proposal] = field(default_factory=list[Proposal])
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    stopped: int = 0
    judged: list[tuple[Proposal, int]] = field(default_factory=list[tuple[Proposal, int]])
    name: str = "warms"

    async def warm(self, proposal: Proposal) -> None:
        self.read.append(proposal)
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped += 1

    async def judge(self, proposal: Proposal) -> Judgement:
        self.judged.append((proposal, self.stopped))
        verdict = self.verdicts.pop(0) if self.verdicts else Approve()
        return Judgement(verdict=verdict, critic=self.name)


@dataclass
class Breaks:
    warmed: int = 0
    name: str = "breaks"

    async def warm(self, proposal: Proposal) -> None:
        self.warmed += 1
        raise ZeroDivisionError("a bug in a critic")

    async def judge(self, proposal: Proposal) -> Judgement:
        return Judgement(verdict=Approve(), critic=self.name)


def opened() -> list[Event]:
    return [Observed(observation=Observation(messages=(User(text="Change record 1."),)))]


def writing_beside(critic: Warms, *actions: Assistant) -> FunctionModel:
    """Return an actor that is not done before the warm-up has begun."""
    left = list(actions)

    async def write(request: Request) -> Assistant:
        await critic.begun.wait()
        critic.begun.clear()
        return left.pop(0)

    return FunctionModel(write, name="actor")


async def test_the_critic_reads_what_it_will_judge_while_the_actor_writes() -> None:
    critic, log = Warms(), opened()
    decision = await Supervisor(writing_beside(critic, WRITE), critic).decide(0, log, BRIEFING)
    assert decision == WRITE
    (coming,), ((judged, _),) = critic.read, critic.judged
    assert coming == judged.model_copy(update={"action": Assistant()})
    assert coming.history == actor_view(opened())


async def test_the_warm_up_has_ended_when_the_critic_judges() -> None:
    critic = Warms()
    await Supervisor(writing_beside(critic, WRITE), critic).decide(0, opened(), BRIEFING)
    assert [stopped for _, stopped in critic.judged] == [1]


async def test_every_attempt_is_warmed_up_with_its_own_history() -> None:
    critic = Warms(verdicts=[Revise(feedback="Record 1 is not theirs.")])
    other = calling(call("put", record="2"))
    actor = writing_beside(critic, WRITE, other)
    await Supervisor(actor, critic).decide(0, opened(), BRIEFING)
    assert [coming.attempt for coming in critic.read] == [0, 1]
    assert "not theirs" in critic.read[1].history[-1].text


async def test_an_actor_that_answers_at_once_is_not_held_up() -> None:
    critic = Warms()
    decision = await Supervisor(FunctionModel(lambda _: WRITE), critic).decide(
        0, opened(), BRIEFING
    )
    assert decision == WRITE
    assert critic.read == [], "stopped before it began"


@pytest.mark.parametrize("gate", GATES)
async def test_no_warm_up_where_nobody_will_be_asked(gate: Gate) -> None:
    critic = Breaks()

    async def write(request: Request) -> Assistant:
        await asyncio.sleep(0)
        return WRITE

    await Supervisor(FunctionModel(write), critic, gate=gate).decide(0, opened(), BRIEFING)
    assert critic.warmed == (gate != "none")


async def test_a_warm_up_that_breaks_changes_nothing() -> None:
    async def write(request: Request) -> Assistant:
        await asyncio.sleep(0)
        return WRITE

    broken, plain = opened(), opened()
    supervisor = Supervisor(FunctionModel(write), Breaks(name="none"))
    await supervisor.decide(0, broken, BRIEFING)
    await Supervisor(FunctionModel(write), NoCritic()).decide(0, plain, BRIEFING)
    assert [e.event for e in broken] == [e.event for e in plain]


async def test_a_failing_actor_leaves_no_warm_up_behind() -> None:
    critic = Warms()

    async def fail(request: Request) -> Assistant:
        await critic.begun.wait()
        raise ModelError("down")

    with pytest.raises(ModelError, match="down"):
        await Supervisor(FunctionModel(fail), critic).decide(0, opened(), BRIEFING)
    assert critic.stopped == 1


async def test_a_cancelled_decision_leaves_no_warm_up_behind() -> None:
    critic = Warms()

    async def never(request: Request) -> Assistant:
        await asyncio.Event().wait()
        raise AssertionError

    supervisor = Supervisor(FunctionModel(never), critic)
    deciding = asyncio.create_task(supervisor.decide(0, opened(), BRIEFING))
    await critic.begun.wait()
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    assert critic.stopped == 1


async def test_a_chain_warms_up_every_link_that_can_whatever_the_others_do() -> None:
    slow, broken = Warms(), Breaks()
    chain = Chain([NoCritic(), broken, slow])
    await Supervisor(writing_beside(slow, WRITE), chain).decide(0, opened(), BRIEFING)
    assert (broken.warmed, len(slow.read), slow.stopped) == (1, 1, 1)
