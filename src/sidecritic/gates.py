"""Which actions are judged.

Which message may be the last is told without a language: one that asks nothing, and one that
follows a change, whatever it asks besides. Words only add to that: a question that offers more help
leaves nothing open, in the languages in which it is known.
"""

import re
from collections.abc import Sequence
from typing import Literal, assert_never, get_args

from sidecritic.english.acts import closes
from sidecritic.english.text import typed
from sidecritic.handover import hand_overs
from sidecritic.ports import Critic, Simulating
from sidecritic.recorded import Kind
from sidecritic.trace import SUPERVISOR
from sidecritic.types import (
    Approve,
    Assistant,
    Judgement,
    Message,
    Proposal,
    ToolResult,
    ToolSpec,
    User,
)

Gate = Literal["writes", "writes+final", "all", "none"]
"""`writes` judges calls that may change records; `writes+final` also messages that end the
conversation and transfers to a person, because an omission can only be caught there."""

GATES: tuple[Gate, ...] = get_args(Gate)


_MORE = re.compile(
    r"\b(sonst noch|noch etwas|weiterhelfen|algo más|alguna otra cosa|autre chose|altro"
    r"|mais alguma|nog iets|nog verder|coś jeszcze|что-то ещё|başka bir)\b"
    r"|[ほ他]かに|他に|还有.{0,6}[吗呢？]|더 도와",
    re.IGNORECASE,
)
"""Words of a question that offers more help, in languages other than English."""
_QUESTION = re.compile("[?\uff1f\u061f\u037e\u055e]")
"""Question marks of the world's scripts."""


def may_write(action: Assistant, tools: tuple[ToolSpec, ...]) -> bool:
    """Whether any call of the action may change records; an unknown tool may."""
    reads = {tool.name for tool in tools if tool.effect == "read"}
    return any(call.name not in reads for call in action.calls)


def is_final(action: Assistant, history: Sequence[Message], tools: Sequence[ToolSpec] = ()) -> bool:
    """Whether the action hands over to a person, or is a message that may be the last."""
    if action.calls:
        names = {call.name for call in action.calls}
        return not names.isdisjoint(hand_overs(tools, names))
    return (
        not _QUESTION.search(action.text)
        or _follows_a_write(history, tools)
        or _offers_more(action.text, history)
    )


def _offers_more(text: str, history: Sequence[Message]) -> bool:
    """Whether a question is the one with which people take leave."""
    english = closes(typed(text).lower(), typed(_last_words(history)).lower())
    return english or bool(_MORE.search(text))


def _follows_a_write(history: Sequence[Message], tools: Sequence[ToolSpec]) -> bool:
    """Whether something was changed since the user spoke: what is asked then is not left open."""
    reads = {tool.name for tool in tools if tool.effect == "read"}
    for message in reversed(history):
        match message:
            case ToolResult(name=name, is_error=False) if name not in reads:
                if not message.text.startswith(SUPERVISOR):
                    return True
            case User(text=text) if not text.startswith(SUPERVISOR):
                return False
            case _:
                pass
    return False


def covers(gate: Gate, proposal: Proposal) -> bool:
    """Whether the gate sends this proposal to the critic."""
    match gate:
        case "none":
            return False
        case "all":
            return True
        case "writes":
            return may_write(proposal.action, proposal.tools)
        case "writes+final":
            writes = may_write(proposal.action, proposal.tools)
            return writes or is_final(proposal.action, proposal.history, proposal.tools)
        case _ as other:
            assert_never(other)


def kind_of(proposal: Proposal) -> Kind:
    """Return what a proposal is; a transfer is final whatever its tool is said to do."""
    if is_final(proposal.action, proposal.history, proposal.tools):
        return "final"
    return "write" if may_write(proposal.action, proposal.tools) else "other"


def _last_words(history: Sequence[Message]) -> str:
    """Return what the user said last; refusals stand in the history as a user's words too."""
    for message in reversed(history):
        if isinstance(message, User) and not message.text.startswith(SUPERVISOR):
            return message.text
    return ""


class Gated:
    """A critic behind its own gate, where several share a supervisor."""

    def __init__(self, critic: Critic, gate: Gate) -> None:
        self._critic = critic
        self._gate: Gate = gate
        self.name = critic.name
        self.simulated = isinstance(critic, Simulating) and critic.simulated

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the critic's judgement; what its gate leaves out is approved unseen.

        Raises:
            CriticError: the critic gave no usable verdict.
        """
        if covers(self._gate, proposal):
            return await self._critic.judge(proposal)
        return Judgement(verdict=Approve(), critic=self.name, status="skipped")
