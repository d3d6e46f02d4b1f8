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
    groups: dict[str, frozenset[str]] = {}
    for user, task in map(names_of, rows.values()):
        if task not in groups.get(user, ()):
            joined = groups.get(user, frozenset([user])) | groups.get(task, frozenset([task]))
            groups |= dict.fromkeys(joined, joined)
    least = {group: min(filter(_is_user, group)) for group in set(groups.values())}
    return {id: shares.split_of(least[groups[names_of(row)[0]]], seed) for id, row in rows.items()}


def _is_user(name: str) -> bool:
    return name.startswith("user")


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
