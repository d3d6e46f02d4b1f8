"""One turn of a framework's agent, put before the critic: what all adapters share.

    framework ──history──▶ settle() ──▶ decide() ──▶ the framework's model, asked as often as needed
        ▲                     │
        └── one ordinary answer, in the framework's own form, or the supervisor's words

The framework sees only the answer that may leave. Refused drafts and what was said about them
stay in the requests of the hidden round trips.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar, assert_never

from sidecritic.dialects.base import Hints
from sidecritic.errors import ModelError, SidecriticError
from sidecritic.gates import Gate
from sidecritic.ports import Critic
from sidecritic.seats.arguments import require_critic
from sidecritic.seats.seat import HAND_OVER, Ask, Refusal, Seat
from sidecritic.seats.tools import ToolRule, with_effect
from sidecritic.seats.turn_log import is_actors_own, is_empty, log_of
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Event
from sidecritic.types import (
    Assistant,
    Briefing,
    Completion,
    Escalate,
    Halt,
    Limits,
    Message,
    ToolSpec,
    Usage,
)

N = TypeVar("N")


@dataclass(frozen=True, slots=True)
class Oversight:
    """Who judges an agent, by which rules, and what happens to what is refused.

    `sidecritic.Oversight` is the same, and takes critics by name, and files.
    """

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
    """What happens to shapes that cannot be judged, such as tools that the provider runs."""
    on_turn: Callable[[Sequence[Event]], None] | None = None
    """Called with each turn, drafts and verdicts included, before its answer is returned."""

    def __post_init__(self) -> None:
        require_critic(self.critic)

    def tool(self, spec: ToolSpec, hints: Hints) -> ToolSpec:
        """Return the tool with what is known of its effect."""
        return with_effect(spec, hints, self.tools, trusts_hints=self.trust_annotations)

    def require_known(self, unknown: Sequence[str]) -> None:
        """Refuse what cannot be judged, unless the settings let it pass.

        Raises:
            Unjudgeable: they do not.
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
class TurnRequest:
    """What the framework is about to ask its model."""

    history: tuple[Message, ...]
    system: str
    tools: tuple[ToolSpec, ...]


@dataclass(frozen=True, slots=True)
class AgentDraft(Generic[N]):
    """An answer of the model, read, and in the framework's own form."""

    action: Assistant
    native: N
    usage: Usage = field(default_factory=Usage)

    def completion(self) -> Completion:
        """Return it as the actor's answer."""
        finish = "tool_calls" if self.action.calls else "stop"
        return Completion(message=self.action, finish=finish, model="agent", usage=self.usage)


Refusals = Sequence[Refusal[AgentDraft[N]]]


async def settle(
    oversight: Oversight, asked: TurnRequest, ask: Ask[AgentDraft[N]]
) -> N | Assistant:
    """Return the answer that may leave, in the framework's form, or the supervisor's own words.

    Errors of the framework's model are raised unchanged.

    Raises:
        Halted: the critic ended the conversation.
    """
    log, turn = log_of(asked.history)
    own = oversight.policy
    briefing = Briefing(
        policy=own or asked.system, tools=asked.tools, context=asked.system if own else ""
    )
    first = await ask(())
    if is_empty(first.action):
        return first.native
    seat = Seat(first, len(asked.history), ask)
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
            return seat.latest.native if is_actors_own(log[-1]) else decision
        case Escalate():
            return Assistant(text=oversight.hand_over_text)
        case Halt(reason=reason):
            raise Halted(f"the conversation was ended: {reason}")
        case _ as other:
            assert_never(other)
