"""One call, ruled on where there is no model to ask again: the caller learns why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from sidecritic.adapters.turns import Oversight
from sidecritic.seats.turn_log import log_of
from sidecritic.supervisor import Supervisor
from sidecritic.trace import Judged, rejection
from sidecritic.types import (
    Answers,
    Assistant,
    Briefing,
    Completion,
    Escalate,
    Halt,
    Message,
    Request,
    Revise,
    ToolCall,
    ToolSpec,
)

CallRuling = ToolCall | str
"""The call that may be carried out, the critic's or the requested one; or why not, in words."""


@dataclass(frozen=True, slots=True)
class _Caller:
    """The maker of one call, in the actor's seat of `decide()`."""

    action: Assistant
    name: str = "client"
    simulated: bool = False

    async def complete(self, request: Request) -> Completion:
        return Completion(message=self.action, finish="tool_calls", model=self.name)


async def rule_on(
    oversight: Oversight, history: Sequence[Message], call: ToolCall, tools: tuple[ToolSpec, ...]
) -> CallRuling:
    """Return what happens to a call."""
    log, turn = log_of(history)
    action = Assistant(calls=(call,))
    once = {"max_revisions": 0, "on_exhausted": Answers(writes="halt", text="halt")}
    limits = oversight.limits.model_copy(update=once)
    supervisor = Supervisor(_Caller(action), oversight.critic, oversight.gate, limits)
    briefing = Briefing(policy=oversight.policy, tools=tools)
    decision = await supervisor.decide(turn, log, briefing)
    if oversight.on_turn is not None:
        oversight.on_turn(tuple(log))
    match decision:
        case Assistant(calls=(call,)):
            return call
        case Assistant(text=text):
            return text or "This call was not executed: one call at a time."
        case Escalate():
            return oversight.hand_over_text
        case Halt(reason=reason):
            # Without a further revision, a refusal and an end differ only in the log.
            if isinstance(last := log[-1], Judged) and isinstance(last.judgement.verdict, Revise):
                return rejection(action, last.judgement.verdict)[1].text
            return f"This call was not executed: {reason}"
        case _ as other:
            assert_never(other)
