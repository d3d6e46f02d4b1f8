"""Judgements on one recorded run: every proposal that the gate covers, as if live."""

from collections.abc import Callable, Iterator, Set
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import process_time

from sidecritic.envs.base import Look
from sidecritic.errors import CriticError, CriticTimeout
from sidecritic.gates import Gate, covers, kind_of
from sidecritic.ports import Critic, version_of
from sidecritic.recorded import JudgedProposal, ProposalKey, Recorded
from sidecritic.replay.shadow import Shadow, Worlds
from sidecritic.supervisor import judge_in_time
from sidecritic.trace import Executed, Observed, Proposed, proposals
from sidecritic.types import Approve, Judgement, Proposal, ToolCall

CriticFor = Callable[[str], AbstractAsyncContextManager[Critic]]
"""Environment to critic; must be picklable, as every process opens its own."""


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """How to replay."""

    critic: str
    """The name that the critic is asked for by."""
    critic_for: CriticFor
    gate: Gate = "writes+final"
    timeout: float = 60.0
    """Seconds until a silent critic counts as failed."""
    terms: str = ""
    """What decides its judgements besides its name, in words."""


def covered(run: Recorded, gate: Gate) -> Iterator[ProposalKey]:
    """Yield the proposals of a run that the gate sends to the critic; of a chat, labelled ones."""
    task = run.trajectory.task.id
    labelled = {(opinion.turn, opinion.attempt) for opinion in run.opinions}
    for proposal, _ in proposals(run.trajectory.events, task_id=task, briefing=run.briefing):
        counts = not run.is_chat or (proposal.turn, proposal.attempt) in labelled
        if counts and covers(gate, proposal):
            yield run.key(proposal.turn, proposal.attempt)


async def judge_run(
    run: Recorded, critic: Critic, plan: ReplayPlan, *, worlds: Worlds, wanted: Set[ProposalKey]
) -> list[JudgedProposal]:
    """Return a judgement on each wanted proposal, in order."""
    return [
        await _judge(proposal, shadow.look(), run, critic, plan)
        for proposal, shadow in rebuilt(run, worlds, wanted)
    ]


def rebuilt(
    run: Recorded, worlds: Worlds, wanted: Set[ProposalKey]
) -> Iterator[tuple[Proposal, Shadow]]:
    """Yield each wanted proposal in order, with its world: use it before the next."""
    shadow = worlds.shadow(run)
    events = run.trajectory.events
    made = proposals(events, task_id=run.trajectory.task.id, briefing=run.briefing)
    calls: dict[str, ToolCall] = {}
    for event in events:
        match event:
            case Observed():
                shadow.follow(calls, event)
            case Executed(action=action):
                calls.update((call.id, call) for call in action.calls)
            case Proposed():
                proposal, _ = next(made)
                if run.key(event.turn, event.attempt) in wanted:
                    yield proposal, shadow
            case _:
                pass


async def _judge(
    proposal: Proposal, look: Look | None, run: Recorded, critic: Critic, plan: ReplayPlan
) -> JudgedProposal:
    started = process_time()
    judgement = await judgement_on(proposal.model_copy(update={"look": look}), critic, plan)
    line = _line(proposal, run, plan, version_of(critic), judgement)
    seconds = process_time() - started
    return line.model_copy(update={"looked": look is not None, "cpu_seconds": seconds})


def unjudged(
    run: Recorded, plan: ReplayPlan, version: str, *, wanted: Set[ProposalKey], reason: str
) -> list[JudgedProposal]:
    """Return a failed judgement on each wanted proposal of a run that cannot be judged."""
    task = run.trajectory.task.id
    failed = Judgement(verdict=Approve(), critic=plan.critic, status="error", rationale=reason)
    return [
        _line(proposal, run, plan, version, failed)
        for proposal, _ in proposals(run.trajectory.events, task_id=task, briefing=run.briefing)
        if run.key(proposal.turn, proposal.attempt) in wanted
    ]


def _line(
    proposal: Proposal, run: Recorded, plan: ReplayPlan, version: str, judgement: Judgement
) -> JudgedProposal:
    return JudgedProposal(
        **run.key(proposal.turn, proposal.attempt)._asdict(),
        env=run.trajectory.task.env,
        task_id=run.trajectory.task.id,
        actor=run.trajectory.actor,
        gate=plan.gate,
        critic=plan.critic,
        critic_version=version,
        terms=plan.terms,
        kind=kind_of(proposal),
        tools=tuple(call.name for call in proposal.action.calls),
        looked=False,
        judgement=judgement,
        cpu_seconds=0.0,
    )


async def judgement_on(proposal: Proposal, critic: Critic, plan: ReplayPlan) -> Judgement:
    """Return the judgement; that of a critic that fails has the status that says so."""
    try:
        return await judge_in_time(critic, proposal, plan.timeout)
    except CriticError as error:
        return Judgement(
            verdict=Approve(),
            critic=critic.name,
            status="timeout" if isinstance(error, CriticTimeout) else "error",
            rationale=str(error),
        )
