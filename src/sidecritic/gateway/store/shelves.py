"""What this process remembers of its tenants: the latest things by id, within bounds."""

from collections import Counter, OrderedDict, defaultdict
from typing import Generic, TypeVar

T = TypeVar("T")

_LONGEST = 16 * 2**20
"""Characters of one tenant's things in all."""


class Shelves(Generic[T]):
    """The latest things of each tenant; no tenant can displace those of another."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept = defaultdict[str, OrderedDict[str, tuple[T, int]]](OrderedDict)
        self._sizes = Counter[str]()

    def put(self, tenant: str, id: str, thing: T, size: int) -> None:
        kept = self._kept[tenant]
        if id in kept:
            self._sizes[tenant] -= kept.pop(id)[1]
        kept[id] = thing, size
        self._sizes[tenant] += size
        while kept and (len(kept) > self._most or self._sizes[tenant] > _LONGEST):
            self._sizes[tenant] -= kept.popitem(last=False)[1][1]

    def find(self, tenant: str, id: str) -> T | None:
        found = self._kept[tenant].get(id) if tenant in self._kept else None
        return found[0] if found else None
