"""Conversations that a provider keeps: an id is worth what was released under it here.

A request that goes on from a stored answer does not carry its history. What this process has
released it knows; everything else is a history that nobody here has seen.
"""

from collections import OrderedDict
from dataclasses import dataclass, field

from sidecritic.types import Message

_MOST = 2_000


@dataclass
class StoredTurns:
    """The latest conversations, by tenant and id of the answer that ended them."""

    _histories: OrderedDict[tuple[str, str], tuple[Message, ...]] = field(
        default_factory=OrderedDict[tuple[str, str], tuple[Message, ...]], repr=False
    )

    def remember(self, tenant: str, id: str, history: tuple[Message, ...]) -> None:
        self._histories[(tenant, id)] = history
        if len(self._histories) > _MOST:
            self._histories.popitem(last=False)

    def history(self, tenant: str, id: str) -> tuple[Message, ...] | None:
        return self._histories.get((tenant, id))
