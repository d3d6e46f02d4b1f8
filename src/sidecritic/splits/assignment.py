"""Which rows go into which split: no task and no user is in two."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal

from sidecritic.errors import ConfigError
from sidecritic.splits.held_out import SplitRow
from sidecritic.splits.users import domain_of

Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class SplitShares:
    """The share of users in each split; the rest is for training."""

    validation: float = 0.15
    test: float = 0.15

    def split_of(self, group: str, seed: int) -> Split:
        """Return the split of a group of users: by a hash, so that more data moves no user."""
        digest = sha256(f"{seed}/{group}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < self.test:
            return "test"
        return "validation" if place < self.test + self.validation else "train"


def assign(rows: Mapping[str, SplitRow], shares: SplitShares, seed: int) -> dict[str, Split]:
    """Return the split of each row by its id.

    Users who share a task, and tasks that share a user, are one group; its name is its least
    user's.
    """
    groups = _Groups()
    for row in rows.values():
        groups.join(*names_of(row))
    names = groups.names()
    return {id: shares.split_of(names[names_of(row)[0]], seed) for id, row in rows.items()}


def require_no_leak(rows: Iterable[tuple[Split, SplitRow]]) -> None:
    """Raise where a task or a user is in two splits: the check that does not trust `assign`.

    Raises:
        ConfigError: names it.
    """
    seen: dict[str, Split] = {}
    for split, row in rows:
        for name in names_of(row):
            if seen.setdefault(name, split) != split:
                raise ConfigError(
                    f"{name} is in two splits, {seen[name]} and {split}; a critic would be "
                    "judged by what it has seen"
                )


def names_of(row: SplitRow) -> tuple[str, str]:
    """Return its user and its task in words; rows that share one belong together."""
    domain = domain_of(row.env)
    return f"user {row.user_id!r} of {domain}", f"task {row.task_id!r} of {row.env}"


class _Groups:
    """Names that belong together (union-find)."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def join(self, one: str, other: str) -> None:
        first, second = sorted((self._top(one), self._top(other)))
        self._above[first] = second

    def names(self) -> dict[str, str]:
        members: dict[str, list[str]] = {}
        for name in self._above:
            members.setdefault(self._top(name), []).append(name)
        named = {
            top: min(m for m in group if m.startswith("user")) for top, group in members.items()
        }
        return {name: named[self._top(name)] for name in self._above}

    def _top(self, name: str) -> str:
        self._above.setdefault(name, name)
        while self._above[name] != name:
            self._above[name] = self._above[self._above[name]]
            name = self._above[name]
        return name
