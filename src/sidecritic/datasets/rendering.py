"""How a proposal becomes the prompt of a row: the same text that a critic is asked with."""

from collections.abc import Sequence
from typing import Protocol

from sidecritic.critics.prompt import prompt_of, verdict_chat
from sidecritic.errors import ConfigError
from sidecritic.types import Flag, Message, Proposal

FULL = "full"


class Rendering(Protocol):
    """A way to write a proposal down; the chat ends where the verdict is expected."""

    @property
    def name(self) -> str: ...

    def messages(self, proposal: Proposal, flags: Sequence[Flag]) -> tuple[Message, ...]: ...


class Full:
    """The whole prompt of an LLM critic: policy, tools, trajectory, case."""

    name = FULL

    def messages(self, proposal: Proposal, flags: Sequence[Flag]) -> tuple[Message, ...]:
        return verdict_chat(prompt_of(proposal))


def rendering_named(name: str) -> Rendering:
    """Return the rendering of that name.

    Raises:
        ConfigError: there is none.
    """
    if name != FULL:
        raise ConfigError(f"unknown rendering {name!r}; known: {FULL}")
    return Full()
