"""Which action may run? One `decide()`, shared by benchmark episodes and the gateway.

    actor proposes ──▶ gate ──▶ critic ──▶ approve ───▶ execute
         ▲                        │
         └──── feedback ◀── revise│ (at most `max_revisions` times)
                                  ├─▶ replace ──▶ execute the critic's action
                                  └─▶ escalate, halt ──▶ the trajectory ends

While the actor writes, a critic that can (`ports.Warm`) reads what it will need for the verdict.
Everything that happens is appended to the log; nothing else is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, assert_never

from sidecritic.critics.base import NoCritic, warm_up
from sidecritic.errors import (
    CriticError,
    CriticTimeout,
    ModelError,
    SidecriticError,
    boundary,
    place_of,
)
from sidecritic.gates import Gate, covers, may_write
from sidecritic.ports import Critic, Model, can_warm
from sidecritic.trace import (
    Event,
    Executed,
    Failed,
    Judged,
    Observed,
    Proposed,
    Source,
    actor_view,
)
from sidecritic.types import (
    Answer,
    Approve,
    Assistant,
    Briefing,
    Completion,
    Escalate,
    Halt,
    Judgement,
    Limits,
    Proposal,
    ReadOnlyTools,
    Replace,
    Request,
    Revise,
    Sampling,
    System,
    ToolResult,
    Usage,
    Verdict,
)

Decision = Assistant | Escalate | Halt
"""An action that has been logged as executed, or the reason why the trajectory ends."""

LookFor = Callable[[], ReadOnlyTools]


@dataclass(frozen=True, slots=True)
class Supervisor:
    """An actor with a critic beside it; without state, so one serves any number of logs."""

    actor: Model
    critic: Critic
    gate: Gate = "writes+final"
    limits: Limits = field(default_factory=Limits)
    sampling: Sampling = field(default_factory=Sampling)

    async def decide(
        self,
        turn: int,
        log: list[Event],
        briefing: Briefing,
        *,
        task_id: str = "",
        look: LookFor | None = None,
        attempt: int = 0,
    ) -> Decision:
        """Propose and judge until an action may run, appending to `log` what happens.

        `attempt` is the number of drafts of this turn that the log holds already, each refused.

        Raises:
            ModelError: the actor gave no usable completion.
        """
        action = Assistant()
        for number in range(attempt, self.limits.max_revisions + 1):
            proposal = await self._propose(turn, number, log, briefing, task_id=task_id)
            action = proposal.action
            match await self._verdict(proposal, log, look):
                case None:
                    return self._answer("failure", turn, action, log, briefing)
                case Approve():
                    return _execute(log, turn, action, "actor")
                case Replace(action=substitute):
                    return _execute(log, turn, _distinct(substitute, log), "critic")
                case Escalate() | Halt() as end:
                    return end
                case Revise():
                    continue
                case _ as other:
                    assert_never(other)
        return self._answer("exhausted", turn, action, log, briefing)

    async def _propose(
        self, turn: int, attempt: int, log: list[Event], briefing: Briefing, *, task_id: str
    ) -> Proposal:
        history = actor_view(log)
        messages = (System(text=briefing.system), *history) if briefing.system else history
        # Every part is a validated record; validating all of a long chat again in every turn
        # would cost more than the rest of `decide()` together.
        request = Request.of_parts(messages=messages, tools=briefing.tools, sampling=self.sampling)
        known: dict[str, Any] = {
            "task_id": task_id,
            "turn": turn,
            "attempt": attempt,
            "history": history,
            "policy": briefing.policy,
            "context": briefing.context,
            "tools": briefing.tools,
            "look": None,
        }
        with boundary(ModelError, f"actor {self.actor.name!r}"):
            completion = await self._complete(request, known)
        action = _distinct(completion.message, log)
        if action is not completion.message:
            completion = completion.model_copy(update={"message": action})
        log.append(
            Proposed.of_parts(event="proposed", turn=turn, attempt=attempt, completion=completion)
        )
        return Proposal.of_parts(action=action, **known)

    async def _complete(self, request: Request, known: dict[str, Any]) -> Completion:
        """Ask the actor; a critic that can, gets ready meanwhile by what is `known`."""
        if self.gate == "none" or not can_warm(self.critic):
            return await self.actor.complete(request)
        # Whoever awaits this has loaded asyncio; `import sidecritic` need not, at 60 ms.
        import asyncio

        coming = Proposal.of_parts(action=Assistant(), **known)
        warming = asyncio.create_task(warm_up(self.critic, coming))
        try:
            return await self.actor.complete(request)
        finally:
            warming.cancel()
            await asyncio.wait((warming,))

    async def _verdict(
        self, proposal: Proposal, log: list[Event], look: LookFor | None
    ) -> Verdict | None:
        """Return what is to become of the proposal; `None` when the critic failed."""
        judgement = _known(proposal, log)
        if judgement is None:
            if not covers(self.gate, proposal):
                return Approve()
            judgement = self._unreadable(proposal.action)
            judgement = judgement or await self._ask_critic(proposal, log, look)
        if judgement is None:
            return None
        log.append(
            Judged.of_parts(
                event="judged",
                turn=proposal.turn,
                attempt=proposal.attempt,
                judgement=judgement,
            )
        )
        return judgement.verdict

    def _unreadable(self, action: Assistant) -> Judgement | None:
        """Send back calls whose arguments no critic could read, and some client might run."""
        calls = tuple(call.id for call in action.calls if call.arguments is None)
        if not calls or isinstance(self.critic, NoCritic):  # an actor measured as it is
            return None
        feedback = "Its arguments are not one JSON object: write them again, whole and once."
        return _skipped(Revise(feedback=feedback, calls=calls), "unreadable arguments")

    async def _ask_critic(
        self, proposal: Proposal, log: list[Event], look: LookFor | None
    ) -> Judgement | None:
        """Return the critic's judgement; `None`, and a `Failed` event, when it has none."""
        if look is not None:
            proposal = proposal.model_copy(update={"look": look()})
        started = perf_counter()
        try:
            judgement = await judge_in_time(self.critic, proposal, self.limits.critic_timeout)
        except CriticError as error:
            log.append(failed_by(error))
            return None
        failure = _no_verdict(judgement)
        if failure:
            log.append(Failed(where="critic", error=judgement.status, message=failure))
            return None
        if judgement.seconds:
            return judgement
        return judgement.model_copy(update={"seconds": perf_counter() - started})

    def _answer(
        self, why: str, turn: int, action: Assistant, log: list[Event], briefing: Briefing
    ) -> Decision:
        """Do with an action that nobody approved what the limits say."""
        answers = self.limits.on_critic_failure if why == "failure" else self.limits.on_exhausted
        answer: Answer = answers.writes if may_write(action, briefing.tools) else answers.text
        reason = (
            "the critic failed"
            if why == "failure"
            else f"refused {self.limits.max_revisions + 1} times"
        )
        match answer:
            case "pass":
                _require_content(action)
                return _execute(log, turn, action, "actor", approved=False)
            case "fallback":
                text = Assistant(text=self.limits.fallback_text)
                return _execute(log, turn, text, "fallback", approved=False)
            case "escalate":
                return Escalate(reason=reason)
            case "halt":
                return Halt(reason=reason)
            case _ as other:
                assert_never(other)


def failed_by(error: CriticError) -> Failed:
    """Return the failure of a critic, named by what broke it: its model, or an exception.

    Where an exception was raised stands at the end of the message, in brackets.
    """
    cause: BaseException = error
    while type(cause) is CriticError and cause.__cause__ is not None:
        cause = cause.__cause__
    is_foreign = not isinstance(cause, SidecriticError)
    where = f" [{place_of(cause)}]" if is_foreign else ""
    return Failed(where="critic", error=type(cause).__name__, message=f"{error}{where}")


async def judge_in_time(critic: Critic, proposal: Proposal, seconds: float) -> Judgement:
    """Return a critic's judgement.

    Raises:
        CriticTimeout: it gave none within so many seconds.
        CriticError: it failed.
    """
    import asyncio

    with boundary(CriticError, f"critic {critic.name!r}"):
        try:
            async with asyncio.timeout(seconds):
                return await critic.judge(proposal)
        except TimeoutError as cause:
            raise CriticTimeout(f"no verdict within {seconds:g} s") from cause


def _known(proposal: Proposal, log: list[Event]) -> Judgement | None:
    """Return the judgement that needs no critic: of an empty action, or one refused before."""
    action = proposal.action
    if not action.calls and not action.text.strip():
        said = Revise(feedback="It was empty: write to the user, or call a tool.")
        return _skipped(said, "empty message")
    for earlier, judgement in _refused(proposal.turn, log):
        if _substance(earlier) == _substance(action):
            return _repeated(judgement, earlier, action)
    return None


def _skipped(verdict: Revise, category: str) -> Judgement:
    return Judgement(verdict=verdict, critic="supervisor", status="skipped", category=category)


def _refused(turn: int, log: list[Event]) -> Iterator[tuple[Assistant, Judgement]]:
    """Walk back over the drafts of this turn that were sent back."""
    judgement: Judgement | None = None
    for event in reversed(log):
        match event:
            case Judged(turn=same, judgement=Judgement(verdict=Revise())) if same == turn:
                judgement = event.judgement
            case Proposed(turn=same, completion=completion) if same == turn:
                if judgement is not None:
                    yield completion.message, judgement
                judgement = None
            case Failed():
                continue
            case _:
                return


def _repeated(judgement: Judgement, earlier: Assistant, action: Assistant) -> Judgement:
    """Apply a verdict again; it names call ids, and the same call comes back under another."""
    verdict = judgement.verdict
    if isinstance(verdict, Revise) and verdict.calls:
        now = dict(zip((c.id for c in earlier.calls), (c.id for c in action.calls), strict=True))
        at_fault = tuple(now[old] for old in verdict.calls if old in now)
        verdict = verdict.model_copy(update={"calls": at_fault})
    cost = {"usage": Usage(), "seconds": 0.0}
    return judgement.model_copy(update={"verdict": verdict, "status": "skipped", **cost})


def _substance(action: Assistant) -> tuple[object, ...]:
    """What an action does, apart from the ids of its calls."""
    calls = tuple((c.name, c.raw if c.arguments is None else c.arguments) for c in action.calls)
    return (action.text.strip(), calls)


def _distinct(action: Assistant, log: list[Event]) -> Assistant:
    """Return the action with call ids that occur nowhere else in the log, drafts included.

    Small models repeat ids such as `call_0`; every provider refuses a chat in which an id is
    answered twice.
    """
    if not action.calls:
        return action
    taken = set(_call_ids(log))
    ids: list[str] = []
    for call in action.calls:
        fresh, number = call.id, len(taken)
        while not fresh or fresh in taken:
            fresh, number = f"call_{number}", number + 1
        taken.add(fresh)
        ids.append(fresh)
    if all(fresh == call.id for fresh, call in zip(ids, action.calls, strict=True)):
        return action
    calls = tuple(
        call.model_copy(update={"id": fresh}) for fresh, call in zip(ids, action.calls, strict=True)
    )
    return action.model_copy(update={"calls": calls})


def _call_ids(log: list[Event]) -> Iterator[str]:
    for event in log:
        if isinstance(event, Proposed):
            for call in event.completion.message.calls:
                yield call.id
        elif isinstance(event, Observed):
            for message in event.observation.messages:
                if isinstance(message, ToolResult):
                    yield message.call_id


def _no_verdict(judgement: Judgement) -> str:
    """Say why a judgement is none; empty when it is one."""
    if judgement.status in ("error", "timeout"):
        return judgement.rationale or f"critic {judgement.critic!r} gave no verdict"
    verdict = judgement.verdict
    if isinstance(verdict, Replace) and not (verdict.action.calls or verdict.action.text.strip()):
        return f"critic {judgement.critic!r} replaced the action by an empty one"
    return ""


def _require_content(action: Assistant) -> None:
    if not action.calls and not action.text.strip():
        raise ModelError(
            "the actor kept sending an empty message: neither text nor tool calls; "
            "check its token limit and its chat template"
        )


def _execute(
    log: list[Event], turn: int, action: Assistant, source: Source, *, approved: bool = True
) -> Assistant:
    log.append(
        Executed.of_parts(
            event="executed", turn=turn, action=action, source=source, approved=approved
        )
    )
    return action
