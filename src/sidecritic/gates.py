"""Which actions are judged."""

import re
from collections.abc import Callable, Mapping
from typing import Literal, get_args

from sidecritic.ports import Critic, Simulating
from sidecritic.types import Approve, Assistant, Judgement, Proposal, ToolSpec

Gate = Literal["writes", "writes+final", "all", "none"]
"""`writes` judges calls that may change records; `writes+final` also messages that end the
conversation and transfers to a person, because an omission can only be caught there."""

GATES: tuple[Gate, ...] = get_args(Gate)

_HAND_OVER = re.compile(r"transfer|escalat|hand_?(off|over)|human", re.IGNORECASE)
_FAREWELL = re.compile(
    r"\b(anything else|any(thing)? (further|more)|further assistance|good ?bye|take care"
    r"|have a (great|nice|good|wonderful|lovely) \w+|being transferred|glad i could"
    r"|(all|is|are) (now )?(set|done|completed?)|(has|have) (\w+ )?been \w+(ed|nt)"
    r"|(i|we)('ve| have) (\w+ )?(\w+ed|made|sent|put|set)|went through|taken care of)\b",
    re.IGNORECASE,
)


def may_write(action: Assistant, tools: tuple[ToolSpec, ...]) -> bool:
    """Whether any call of the action may change records; an unknown tool may."""
    reads = {tool.name for tool in tools if tool.effect == "read"}
    return any(call.name not in reads for call in action.calls)


def is_final(action: Assistant) -> bool:
    """Whether the action hands over to a person, or is a message that may close a request."""
    if action.calls:
        return any(_HAND_OVER.search(call.name) for call in action.calls)
    return bool(_FAREWELL.search(action.text))


_COVERS: Mapping[Gate, Callable[[Assistant, tuple[ToolSpec, ...]], bool]] = {
    "none": lambda action, tools: False,
    "writes": may_write,
    "writes+final": lambda action, tools: may_write(action, tools) or is_final(action),
    "all": lambda action, tools: True,
}


def covers(gate: Gate, action: Assistant, tools: tuple[ToolSpec, ...]) -> bool:
    """Whether the gate sends this action to the critic."""
    return _COVERS[gate](action, tools)


class Gated:
    """A critic behind a gate of its own, for critics that share a supervisor's."""

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
        if covers(self._gate, proposal.action, proposal.tools):
            return await self._critic.judge(proposal)
        return Judgement(verdict=Approve(), critic=self.name, status="skipped")
