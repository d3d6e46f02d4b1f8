"""Conversations that a provider keeps: an id is worth what was released under it here.

A request that continues a stored answer does not carry its history. The server knows what it
released; it has not seen any other history.
"""

from typing import NamedTuple

from sidecritic.dialects.base import ClientRequest
from sidecritic.dialects.resuming import Resume
from sidecritic.gateway.store.shelves import Kept, Shelf, Shelves
from sidecritic.types import Assistant, Message


class Conversation(NamedTuple):
    asked: ClientRequest
    """What was asked, with what was released at the end of its history."""
    resume: Resume | None
    """What the provider is told instead, where the answer was not its own."""


class Conversations:
    """The latest conversations, by tenant and id of the answer that ended them."""

    most = 500

    def __init__(self, shelf: Shelf[Conversation] | None = None) -> None:
        self._shelf = shelf or Shelves[Conversation](self.most)

    async def remember(
        self, tenant: str, id: str, asked: ClientRequest, resume: Resume | None = None
    ) -> None:
        size = sum(map(_length, asked.history)) + (resume.size if resume else 0)
        size += len(asked.system) + sum(len(tool.model_dump_json()) for tool in asked.tools)
        await self._shelf.put(tenant, [Kept(id, Conversation(asked, resume), size)])

    async def find(self, tenant: str, id: str) -> Conversation | None:
        return (await self._shelf.find(tenant, [id]))[0]


def _length(message: Message) -> int:
    calls = message.calls if isinstance(message, Assistant) else ()
    return len(message.text) + sum(len(call.raw) for call in calls)
