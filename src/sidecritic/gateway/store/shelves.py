"""What a server remembers of its tenants: the latest things by id, within bounds."""

from collections import Counter, OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Generic, NamedTuple, Protocol, TypeVar

T = TypeVar("T")

_LONGEST = 16 * 2**20
"""Characters of one tenant's things in all."""


class Kept(NamedTuple, Generic[T]):
    id: str
    thing: T
    size: int


class Shelf(Protocol[T]):
    """Where things of one kind are kept: in this process, or in one that several share."""

    async def put(self, tenant: str, things: Sequence[Kept[T]]) -> None:
        """Return when all who share the shelf find these."""
        ...

    async def find(self, tenant: str, ids: Sequence[str]) -> list[T | None]: ...


class Shelves(Generic[T]):
    """The latest things of each tenant; no tenant can displace those of another."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = defaultdict[str, OrderedDict[str, tuple[T, int]]](OrderedDict)
        self._sizes = Counter[str]()

    async def put(self, tenant: str, things: Sequence[Kept[T]]) -> None:
        for id, thing, size in things:
            self._put(tenant, id, thing, size)

    async def find(self, tenant: str, ids: Sequence[str]) -> list[T | None]:
        if tenant not in self._kept:
            return [None] * len(ids)
        kept = self._kept[tenant]
        return [found[0] if (found := kept.get(id)) else None for id in ids]

    def _put(self, tenant: str, id: str, thing: T, size: int) -> None:
        kept = self._kept[tenant]
        if id in kept:
            self._sizes[tenant] -= kept.pop(id)[1]
        kept[id] = thing, size
        self._sizes[tenant] += size
        while kept and (len(kept) > self._most or self._sizes[tenant] > _LONGEST):
            self._sizes[tenant] -= kept.popitem(last=False)[1][1]
