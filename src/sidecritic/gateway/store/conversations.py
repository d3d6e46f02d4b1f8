"""Conversations that a provider keeps: an id is worth what was released under it here.

A request that continues a stored answer does not carry its history. This process knows what it
released; it has not seen any other history.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from sidecritic.dialects.base import ClientRequest
from sidecritic.dialects.resuming import Resume
from sidecritic.types import Assistant, Message

_MOST = 500
"""Conversations of one tenant; no tenant can displace those of another."""
_LONGEST = 16 * 2**20
"""Characters of them in all, and bytes of stored requests."""


class Conversation(NamedTuple):
    asked: ClientRequest
    """What was asked, with what was released at the end of its history."""
    size: int
    resume: Resume | None
    """What the provider is told instead, where the answer was not its own."""


@dataclass(slots=True)
class _Shelf:
    """The latest conversations of one tenant, by the id of the answer that ended them."""

    kept: OrderedDict[str, Conversation] = field(default_factory=OrderedDict[str, Conversation])
    size: int = 0

    def put(self, id: str, asked: ClientRequest, resume: Resume | None) -> None:
        self._drop(id)
        size = sum(map(_length, asked.history)) + (resume.size if resume else 0)
        size += len(asked.system) + sum(len(tool.model_dump_json()) for tool in asked.tools)
        self.kept[id] = Conversation(asked, size, resume)
        self.size += size
        while self.kept and (len(self.kept) > _MOST or self.size > _LONGEST):
            self._drop(next(iter(self.kept)))

    def _drop(self, id: str) -> None:
        before = self.kept.pop(id, None)
        self.size -= before.size if before else 0


@dataclass
class Conversations:
    """The latest conversations, by tenant and id of the answer that ended them."""

    _shelves: dict[str, _Shelf] = field(default_factory=dict[str, _Shelf], repr=False)

    def remember(
        self, tenant: str, id: str, asked: ClientRequest, resume: Resume | None = None
    ) -> None:
        self._shelves.setdefault(tenant, _Shelf()).put(id, asked, resume)

    def find(self, tenant: str, id: str) -> Conversation | None:
        shelf = self._shelves.get(tenant)
        return shelf.kept.get(id) if shelf else None


def _length(message: Message) -> int:
    calls = message.calls if isinstance(message, Assistant) else ()
    return len(message.text) + sum(len(call.raw) for call in calls)
