"""One turn of somebody else's agent, put before the critic: what all adapters share.

    framework ──history──▶ settle() ──▶ decide() ──▶ the framework's model, asked as often as needed
        ▲                     │
        └── one ordinary answer, in the framework's own form, or the supervisor's words

The framework learns of the answer that may leave. Refused drafts and what was said about them
live in the requests of the hidden round trips, and end with them.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, assert_never

from sidecritic.dialects.base import Hints
from sidecritic.errors import ModelError, SidecriticError
from sidecritic.gates import Gate
from sidecritic.gateway.modes import effect_of
from sidecritic.gateway.settings import RouteSettings, ToolRule
from sidecritic.gateway.turns.actor import log_of, refusals
from sidecritic.ports import Critic
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event, Executed
from sidecritic.types import (
    Assistant,
    Briefing,
    Completion,
    Escalate,
    Halt,
    Limits,
    Message,
    Request,
    ToolResult,
    ToolSpec,
    Usage,
    User,
)

N = TypeVar("N")

HAND_OVER = "I've passed this step to a colleague for review. It has not been carried out yet."


@dataclass(frozen=True, slots=True)
class Oversight:
    """Who judges an agent, by which rules, and what becomes of what is refused."""

    critic: Critic
    policy: str = ""
    """Prose; without it the agent's own system prompt is the policy."""
    gate: Gate = "writes+final"
    tools: Sequence[ToolRule] = ()
    """Effects by name or glob; a tool without one counts as a tool that writes."""
    trust_annotations: bool = False
    """Take `readOnlyHint` at its word; `destructiveHint` always counts."""
    limits: Limits = field(default_factory=Limits)
    hand_over_text: str = HAND_OVER
    """What is said in place of an action that was escalated."""
    unknown: Literal["block", "pass"] = "block"
    """What becomes of shapes that cannot be judged, such as tools that the provider runs."""
    on_turn: Callable[[Sequence[Event]], None] | None = None
    """Told of each turn, drafts and verdicts included, before its answer is returned."""

    def tool(self, spec: ToolSpec, hints: Hints) -> ToolSpec:
        """Return the tool with what is known of its effect."""
        settings = RouteSettings(
            upstream="agent", tools=tuple(self.tools), trust_annotations=self.trust_annotations
        )
        return spec.model_copy(update={"effect": effect_of(spec.name, hints, settings)})

    def require_known(self, unknown: Sequence[str]) -> None:
        """Refuse what cannot be judged, unless it is to pass.

        Raises:
            Unjudgeable: it is not.
        """
        if unknown and self.unknown == "block":
            raise Unjudgeable(
                f"cannot be supervised: {', '.join(unknown[:5])}; leave it out, or set "
                "Oversight(unknown='pass')"
            )


class Unjudgeable(SidecriticError):
    """A request or an answer holds what no critic could judge."""


class Halted(SidecriticError):
    """The critic has ended the conversation; the message says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the framework is about to ask its model."""

    history: tuple[Message, ...]
    system: str
    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class Draft(Generic[N]):
    """An answer of the model, read, and in the framework's own form."""

    action: Assistant
    native: N
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Refusal(Generic[N]):
    """A draft that was sent back, and what its model is told."""

    native: N
    action: Assistant
    """With the call ids that `answers` answer."""
    answers: tuple[User | ToolResult, ...]


Ask = Callable[[Sequence[Refusal[N]]], Awaitable[Draft[N]]]
"""Ask the framework's model, after the refusals of this turn."""


@dataclass(frozen=True, slots=True)
class _Seat(Generic[N]):
    """The framework's model in the actor's seat of `decide()`."""

    ask: Ask[N]
    base: int
    """Messages of the conversation before this turn."""
    drafts: list[Draft[N]] = field(default_factory=list[Draft[N]])
    name: str = "agent"
    simulated: bool = False

    async def complete(self, request: Request) -> Completion:
        refused = tuple(
            Refusal(draft.native, shown, answers)
            for draft, (shown, answers) in zip(
                self.drafts, refusals(request.messages[self.base :]), strict=True
            )
        )
        draft = await self.ask(refused)
        self.drafts.append(draft)
        finish = "tool_calls" if draft.action.calls else "stop"
        return Completion(message=draft.action, finish=finish, model=self.name, usage=draft.usage)


async def settle(oversight: Oversight, asked: Asked, ask: Ask[N]) -> N | Assistant:
    """Return the answer that may leave, in the framework's form, or the supervisor's own words.

    Errors of the framework's model come out as they are.

    Raises:
        Halted: the critic ended the conversation.
    """
    log, turn = log_of(asked.history)
    seat = _Seat(ask, len(asked.history))
    briefing = Briefing(policy=oversight.policy or asked.system, tools=asked.tools)
    first = await ask(())
    if not first.action.calls and not first.action.text.strip():
        return first.native  # models end a turn without a word after a tool's result
    seat = _Seat(_after(first, ask), len(asked.history))
    supervisor = Supervisor(seat, oversight.critic, oversight.gate, oversight.limits)
    try:
        decision = await supervisor.decide(turn, log, briefing)
    except ModelError as error:
        if error.__cause__ is not None and not isinstance(error.__cause__, SidecriticError):
            raise error.__cause__ from None
        raise
    finally:
        if oversight.on_turn is not None:
            oversight.on_turn(tuple(log))
    match decision:
        case Assistant():
            last = log[-1]
            own = isinstance(last, Executed) and last.source == "actor"
            return seat.drafts[-1].native if own else decision
        case Escalate():
            return Assistant(text=oversight.hand_over_text)
        case Halt(reason=reason):
            raise Halted(f"the conversation was ended: {reason}")
        case _ as other:
            assert_never(other)


def _after(first: Draft[N], ask: Ask[N]) -> Ask[N]:
    """Answer the first question with the draft that is there already."""

    async def again(refused: Sequence[Refusal[N]]) -> Draft[N]:
        return await ask(refused) if refused else first

    return again
