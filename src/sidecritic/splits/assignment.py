"""Which rows go together: no task and no user is in two splits, and none is of a test split."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sidecritic.datasets.candidates import Candidate
from sidecritic.datasets.material import domain_of
from sidecritic.datasets.rows import Provenance, Split
from sidecritic.errors import ConfigError

_SHOWN = 8
"""Names in a message."""


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What the benchmarks keep for tests."""

    tasks: frozenset[tuple[str, str]] = frozenset()
    """Domain and id of each task of a test split: τ-bench and τ²-bench number theirs alike."""
    users: frozenset[tuple[str, str]] = frozenset()
    """Domain and id of each user who appears in one of them."""

    def __or__(self, other: "HeldOut") -> "HeldOut":
        return HeldOut(self.tasks | other.tasks, self.users | other.users)

    def holds(self, row: Provenance) -> str:
        """Return what of a row is held out, in words; empty when nothing is."""
        if (domain_of(row.env), row.task_id) in self.tasks:
            return f"task {row.task_id!r} of {row.env} is of its test split"
        if (domain_of(row.env), row.user_id) in self.users:
            return f"user {row.user_id!r} of {row.env} appears in its test split"
        return ""


def require_none_held_out(rows: Iterable[Candidate], held_out: HeldOut) -> None:
    """Raise where something is there that tests are made with.

    Raises:
        ConfigError: names the tasks and users.
    """
    found = dict.fromkeys(filter(None, (held_out.holds(row.provenance) for row in rows)))
    if found:
        shown = "; ".join(list(found)[:_SHOWN])
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ConfigError(
            f"nothing may be learned from what tests are made with: {shown}{more}; play other "
            "tasks, or leave these out with --held-out drop"
        )


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the users goes where; the rest is for training."""

    validation: float = 0.15
    test: float = 0.15

    def split_of(self, group: str, seed: int) -> Split:
        """Return the split of a group of users: by a hash, so that more data moves nobody."""
        digest = sha256(f"{seed}/{group}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") / 2**64
        if place < self.test:
            return "test"
        return "validation" if place < self.test + self.validation else "train"


def assign(rows: Iterable[Candidate], shares: Shares, seed: int) -> dict[str, Split]:
    """Return the split of each row by its id.

    Users who share a task, and tasks that share a user, are one group; its name is its least
    user's.
    """
    rows = list(rows)
    groups = _Groups()
    for row in rows:
        groups.join(_user(row.provenance), _task(row.provenance))
    names = groups.names()
    return {row.id: shares.split_of(names[_user(row.provenance)], seed) for row in rows}


def require_no_leak(splits: Mapping[str, Split], rows: Iterable[Candidate]) -> None:
    """Raise where a task or a user is in two splits: the check that does not trust `assign`.

    Raises:
        ConfigError: names it.
    """
    seen: dict[str, Split] = {}
    for row in rows:
        split = splits[row.id]
        for name in (_user(row.provenance), _task(row.provenance)):
            if seen.setdefault(name, split) != split:
                raise ConfigError(f"{name} is in two splits, {seen[name]} and {split}")


def _user(row: Provenance) -> str:
    return f"user {row.user_id!r} of {domain_of(row.env)}"


def _task(row: Provenance) -> str:
    return f"task {row.task_id!r} of {row.env}"


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
