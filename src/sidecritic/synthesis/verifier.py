"""Whether a new task is sound: it is played before it is used.

1. Its reference runs without an error and is graded as a success; doing nothing is not, unless
   the only wish must be refused.
2. Simulated parties who make no mistake solve it, and the policy's checks, looking facts up,
   object to none of their writes.
3. Where the right answer is to refuse, the checks do object to what the user asks for, and doing
   it is graded as a failure, or is what the tool itself refuses.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sidecritic.checks.base import Pack
from sidecritic.critics.policy import THRESHOLD, PolicyCritic
from sidecritic.envs.task_files import Checking
from sidecritic.episode import run_episode
from sidecritic.errors import ConfigError, EnvError, UserError
from sidecritic.ports import Benchmark
from sidecritic.simulation.actor import SimulatedActor
from sidecritic.simulation.scripted_user import STOP, ScriptedUser
from sidecritic.simulation.task_record import Action, is_write, reference_of
from sidecritic.splits.benchmarks import HeldOutSplit
from sidecritic.supervisor import Supervisor
from sidecritic.synthesis.drafts import TaskDraft, to_task
from sidecritic.trace import Ended, Event, Executed
from sidecritic.types import (
    Approve,
    Assistant,
    Completion,
    Judgement,
    Outcome,
    Proposal,
    Request,
    Task,
    ToolCall,
    ToolResult,
)


class Rejection(NamedTuple):
    """Why a task is not used."""

    reason: str
    """One of few, to be counted."""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verifier:
    """Plays new tasks of one benchmark."""

    benchmark: Benchmark
    held_out: HeldOutSplit
    pack: Pack
    split: str = "train"

    def task_of(self, draft: TaskDraft, id_: str) -> Task:
        """Return the draft as a task of this benchmark, not verified yet."""
        return to_task(draft, id=id_, env=self.benchmark.name, split=self.split)

    async def verify(self, draft: TaskDraft, id_: str) -> Task | Rejection:
        """Return the task, or why it is rejected; only infrastructure raises."""
        task = self.task_of(draft, id_)
        problem = self._refused(task) or await self._reference(task, draft)
        problem = problem or await self._playable(task)
        for wish in draft.wishes:
            if problem is None and wish.forbidden is not None:
                tempted = to_task(draft.tempted, id=f"{id_}-tempted", env=task.env, split="none")
                problem = await self._forbidden(task, tempted, wish.forbidden)
        return problem or task

    def _refused(self, task: Task) -> Rejection | None:
        why = self.held_out.objection(task)
        if why is not None:
            return Rejection("touches a test user", why)
        if isinstance(self.benchmark, Checking):
            try:
                self.benchmark.check(task, f"task {task.id!r}")
            except ConfigError as cause:
                return Rejection("not a task of this benchmark", str(cause))
        return None

    async def _reference(self, task: Task, draft: TaskDraft) -> Rejection | None:
        """Replay the reference, and doing nothing."""
        reference = reference_of(task)
        tells = "; ".join(reference.communicate)
        writes = any(wish.writes for wish in draft.wishes)
        try:
            done, errors = await self._replayed(task, reference.actions, tells)
            idle, _ = await self._replayed(task, (), tells if writes else "")
        except (EnvError, UserError) as cause:
            return Rejection("the reference cannot be run", str(cause))
        if errors:
            return Rejection("a tool refuses the reference", errors[0])
        if done.reward != 1:
            return Rejection("the reference is not graded as a success", str(done.parts))
        if idle.reward == 1 and (writes or not draft.refuses):
            return Rejection("the reference changes nothing", task.id)
        return None

    async def _replayed(
        self, task: Task, actions: Sequence[Action], tells: str
    ) -> tuple[Outcome, list[str]]:
        env = self.benchmark.environment(task, _Quiet())
        await env.start()
        errors: list[str] = []
        for at, action in enumerate(actions):
            call = ToolCall(
                id=f"c{at}",
                name=action.name,
                arguments=dict(action.arguments),
                raw=json.dumps(action.arguments),
            )
            seen = await env.step(Assistant(calls=(call,)))
            errors += [
                f"{result.name}: {result.text}"
                for result in seen.messages
                if isinstance(result, ToolResult) and result.is_error
            ]
        await env.step(Assistant(text=f"That is done. {tells}"))
        return await env.outcome(), errors

    async def _playable(self, task: Task) -> Rejection | None:
        """Let parties who make no mistakes solve it, with the policy's checks as witness."""
        played = await self._played(task)
        for call, judgement in played.witness.judged:
            if (judgement.risk or 0) >= THRESHOLD:
                return Rejection("the policy forbids it", f"{call.name}: {judgement.rationale}")
        if played.outcome is None or not played.outcome.passed:
            return Rejection("simulated parties do not solve it", f"ended: {played.reason}")
        return None

    async def _forbidden(self, task: Task, tempted: Task, action: Action) -> Rejection | None:
        """Check that what must be refused is wrong by the policy, and by the grade."""
        played = await self._played(tempted)
        judged = [
            judgement
            for call, judgement in played.witness.judged
            if call.name == action.name and call.arguments == dict(action.arguments)
        ]
        if not judged:
            return Rejection("simulated parties do not reach what must be refused", action.name)
        # The grade decides besides: a check need not be sure enough to refuse alone.
        if not judged[-1].risk:
            return Rejection("no check objects to what must be refused", judged[-1].rationale)
        outcome, errors = await self._replayed(task, reference_of(tempted).actions, "")
        if outcome.reward == 1 and not errors:
            return Rejection("doing what must be refused is graded as a success", action.name)
        return None

    async def _played(self, task: Task) -> "_Played":
        specs = self.benchmark.environment(task, _Quiet()).tools
        env = self.benchmark.environment(task, ScriptedUser(task, tools=specs))
        witness = _Witness(PolicyCritic(self.pack))
        actor = SimulatedActor(task, specs, seed=0, rates=0.0)
        log: list[Event] = []
        await run_episode(env, Supervisor(actor, witness, gate="writes"), log, task_id=task.id)
        executed = [c for e in log if isinstance(e, Executed) for c in e.action.calls]
        end = log[-1]
        assert isinstance(end, Ended)  # the last event of every episode
        done = sum(is_write(call.name, specs) for call in executed)
        return _Played(end.outcome, f"{end.reason}, {done} writes", witness)


class _Played(NamedTuple):
    outcome: Outcome | None
    reason: str
    witness: "_Witness"


class _Witness:
    """A critic that remembers what another one says, and lets everything pass."""

    name = "witness"

    def __init__(self, critic: PolicyCritic) -> None:
        self._critic = critic
        self.judged: list[tuple[ToolCall, Judgement]] = []

    async def judge(self, proposal: Proposal) -> Judgement:
        judgement = await self._critic.judge(proposal)
        self.judged.extend((call, judgement) for call in proposal.action.calls)
        return judgement.model_copy(update={"verdict": Approve()})


class _Quiet:
    """A user who asks for help and is content with the first answer."""

    name = "quiet"
    simulated = True

    async def complete(self, request: Request) -> Completion:
        spoken = any(isinstance(message, Assistant) for message in request.messages)
        message = Assistant(text=f"Thank you. {STOP}" if spoken else "Please help me.")
        return Completion(message=message, finish="stop", model=self.name)
