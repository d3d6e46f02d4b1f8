"""Items of Responses by their ids: an id is worth what was released under it here.

Some clients send the id of what a model said in place of the item itself.
"""

import json
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.dialects.base import Body
from sidecritic.values import text_of

_MOST = 2_000
"""Items of one tenant; no tenant can displace those of another."""
_LONGEST = 16 * 2**20
"""Characters of them in all."""


class _Item(NamedTuple):
    item: Body
    size: int
    is_ours: bool
    """Whether the supervisor wrote it, so that the provider has never seen it."""


@dataclass(slots=True)
class _Shelf:
    kept: OrderedDict[str, _Item] = field(default_factory=OrderedDict[str, _Item])
    size: int = 0


@dataclass
class References:
    """The latest items that were released, by tenant and id."""

    _shelves: dict[str, _Shelf] = field(default_factory=dict[str, _Shelf], repr=False)

    def remember(self, tenant: str, items: Sequence[Body], *, is_ours: bool) -> None:
        shelf = self._shelves.setdefault(tenant, _Shelf())
        for item in items:
            if id := text_of(item, "id"):
                size = len(json.dumps(item))
                before = shelf.kept.pop(id, None)
                shelf.kept[id] = _Item(item, size, is_ours)
                shelf.size += size - (before.size if before else 0)
        while shelf.kept and (len(shelf.kept) > _MOST or shelf.size > _LONGEST):
            shelf.size -= shelf.kept.popitem(last=False)[1].size

    def resolved(self, tenant: str, body: Body) -> tuple[Body, Body]:
        """Return a request with the items themselves, and as the provider understands it."""
        given, shelf = body.get("input"), self._shelves.get(tenant)
        if not isinstance(given, list) or shelf is None:
            return body, body
        known = [shelf.kept.get(_referred(item)) for item in given]
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
