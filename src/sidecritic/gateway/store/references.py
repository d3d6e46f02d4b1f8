"""Items of Responses by their ids: an id is worth what was released under it here.

Some clients send the id of what a model said in place of the item itself.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.dialects.base import Body
from sidecritic.gateway.store.shelves import Kept, Shelf, Shelves
from sidecritic.values import text_of


class Item(NamedTuple):
    item: Body
    is_ours: bool
    """Whether the supervisor wrote it, so that the provider has never seen it."""


class References:
    """The latest items that were released, by tenant and id."""

    most = 2_000

    def __init__(self, shelf: Shelf[Item] | None = None) -> None:
        self._shelf = shelf or Shelves[Item](self.most)

    async def remember(self, tenant: str, items: Sequence[Body], *, is_ours: bool) -> None:
        kept = [
            Kept(id, Item(item, is_ours), len(json.dumps(item)))
            for item in items
            if (id := text_of(item, "id"))
        ]
        if kept:
            await self._shelf.put(tenant, kept)

    async def resolved(self, tenant: str, body: Body) -> tuple[Body, Body]:
        """Return a request with the items themselves, and as the provider understands it."""
        given = body.get("input")
        if not isinstance(given, list):
            return body, body
        referred = [_referred(item) for item in given]
        if not any(referred):
            return body, body
        known = await self._shelf.find(tenant, referred)
        if not any(known):
            return body, body
        shown: list[JsonValue] = [k.item if k else i for k, i in zip(known, given, strict=True)]
        if not any(k.is_ours for k in known if k):
            return {**body, "input": shown}, body
        told: list[JsonValue] = [
            {key: value for key, value in k.item.items() if key not in ("id", "status")}
            if k and k.is_ours
            else i
            for k, i in zip(known, given, strict=True)
        ]
        return {**body, "input": shown}, {**body, "input": told}


def _referred(item: JsonValue) -> str:
    """Return the id that an item consists of; empty when it says more."""
    if not isinstance(item, dict) or not item.keys() <= {"type", "id"}:
        return ""
    return text_of(item, "id") if text_of(item, "type") in ("", "item_reference") else ""
