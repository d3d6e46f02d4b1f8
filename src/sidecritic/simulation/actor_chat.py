"""The request of an actor, read as its actions and their results."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from sidecritic.simulation.task_record import Action
from sidecritic.trace import SUPERVISOR
from sidecritic.types import Assistant, Message, ToolResult, User


@dataclass(frozen=True, slots=True)
class ActorExchange:
    """An executed action of the actor, and its result."""

    text: str
    calls: tuple[Action, ...]
    answer: str
    """What the user said to it; empty after calls."""
    failed: bool
    """Whether a call of it returned an error."""
    before: tuple[Message, ...]
    """The conversation up to the action."""


@dataclass(frozen=True, slots=True)
class ActorChat:
    exchanges: tuple[ActorExchange, ...]
    refusals: tuple[str, ...]
    """The feedback on each refused draft of the current turn, oldest first."""
    before_drafts: tuple[Message, ...]
    """The conversation without the refused drafts."""


def read(messages: Sequence[Message], *, skip: int) -> ActorChat:
    """Return the chat without its first `skip` assistant messages, which were not played."""
    starts = [at for at, m in enumerate(messages) if isinstance(m, Assistant)][skip:]
    exchanges: list[ActorExchange] = []
    refusals: list[str] = []
    for start, end in pairwise([*starts, len(messages)]):
        action, answers = messages[start], messages[start + 1 : end]
        if not isinstance(action, Assistant):
            continue
        feedback = [m.text for m in answers if m.text.startswith(SUPERVISOR)]
        if feedback:
            refusals.append("\n".join(feedback))
        else:
            exchanges.append(_exchange(action, answers, tuple(messages[:start])))
    drafts = starts[len(exchanges)] if refusals else len(messages)
    return ActorChat(tuple(exchanges), tuple(refusals), tuple(messages[:drafts]))


def _exchange(
    action: Assistant, answers: Sequence[Message], before: tuple[Message, ...]
) -> ActorExchange:
    return ActorExchange(
        text=action.text,
        calls=tuple(Action(call.name, call.arguments or {}) for call in action.calls),
        answer="\n".join(m.text for m in answers if isinstance(m, User)),
        failed=any(isinstance(m, ToolResult) and m.is_error for m in answers),
        before=before,
    )


# --- what a user means --------------------------------------------------------------------

_YES = re.compile(
    r"^\W*(yes|yeah|yep|sure|ok|okay|correct|confirm|i confirm|go ahead|proceed|absolutely"
    r"|sounds good|please (do|go|proceed)|that('s| is) (right|correct|fine))\b",
    re.IGNORECASE,
)
_NO = re.compile(
    r"^\W*no\b|\b(do not|don't|not right|not what|not correct|incorrect|wrong|instead)\b",
    re.IGNORECASE,
)


def agrees(answer: str) -> bool:
    """Whether the user says yes to a plan."""
    return bool(_YES.search(answer)) and not _NO.match(answer)


def declines(answer: str) -> bool:
    """Whether the user says no, or asks for something else."""
    return bool(_NO.search(answer))
