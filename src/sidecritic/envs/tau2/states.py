"""States of a τ² environment that many episodes share until one of them writes.

`TableState` serves domains whose database is a set of tables (retail, airline, mock): a
record is copied when a call that may write looks at it, so what was copied is what was
touched, and two states are compared on that alone. `WholeState` serves small databases that
are synchronised after every call (telecom): the whole is copied, as late as possible.
"""

import copy
import json
import pickle
from collections.abc import ItemsView, Iterator, Mapping, MutableMapping, ValuesView
from typing import Any, Protocol, Self, cast

from pydantic import BaseModel

from sidecritic.envs.tau2.package import PackageEnvironment


class State(Protocol):
    """Databases at one point of an episode."""

    def fork(self) -> Self:
        """Return an independent copy, in time proportional to what was touched."""
        ...

    def ready(self, *, writing: bool) -> PackageEnvironment:
        """Return an environment over this state, for one call that may write or only reads."""
        ...

    def equals(self, other: Self) -> bool:
        """Whether the benchmark's hash of both states would be the same."""
        ...


def state_over(environment: PackageEnvironment) -> State:
    """Return the state that starts from `environment`, on which no call may be run."""
    db = cast("BaseModel", environment.tools.db)
    tables: dict[str, Any] = {name: getattr(db, name) for name in type(db).model_fields}
    if environment.user_tools is None and all(isinstance(t, dict) for t in tables.values()):
        return TableState(environment, {n: EpisodeTable(SharedTable(t)) for n, t in tables.items()})
    return WholeState(environment)


def canonical(record: BaseModel) -> str:
    """Return the text that the benchmark hashes; 1 and 1.0 differ in it."""
    return json.dumps(record.model_dump(warnings=False), sort_keys=True, default=str)


# --- tables ------------------------------------------------------------------------------


class SharedTable:
    """Records that no longer change, and so may be shared."""

    __slots__ = ("_pickles", "_texts", "records")

    def __init__(self, records: dict[str, Any]) -> None:
        self.records = records
        self._pickles: dict[str, bytes] = {}
        self._texts: dict[str, str] = {}

    def copy(self, key: str) -> Any:
        if key not in self._pickles:
            self._pickles[key] = pickle.dumps(self.records[key], protocol=5)
        # Written by the line above and kept in memory: no foreign pickle gets here.
        return pickle.loads(self._pickles[key])

    def text(self, key: str) -> str | None:
        """Return the canonical text of a record, `None` when there is none."""
        if key in self.records and key not in self._texts:
            self._texts[key] = canonical(self.records[key])
        return self._texts.get(key)


class EpisodeTable(MutableMapping[str, Any]):
    """A table as one episode sees it: the parsed records below, what it touched above.

    There are three layers: the table, records frozen by a fork, which several episodes may
    share, and records of this episode alone. No tool deletes a record.
    """

    __slots__ = ("_frozen", "_own", "_table", "writing")

    def __init__(self, table: SharedTable, frozen: SharedTable | None = None) -> None:
        self.writing = False
        self._table = table
        self._frozen = frozen or SharedTable({})
        self._own: dict[str, Any] = {}

    def fork(self) -> "EpisodeTable":
        if self._own:
            self._frozen, self._own = SharedTable({**self._frozen.records, **self._own}), {}
        return EpisodeTable(self._table, self._frozen)

    def equals(self, other: "EpisodeTable") -> bool:
        return all(self.text(key) == other.text(key) for key in self.touched | other.touched)

    @property
    def touched(self) -> set[str]:
        """Keys of the records that may differ from the table."""
        return self._frozen.records.keys() | self._own.keys()

    def text(self, key: str) -> str | None:
        return canonical(self._own[key]) if key in self._own else self._below(key).text(key)

    def _below(self, key: str) -> SharedTable:
        return self._frozen if key in self._frozen.records else self._table

    def __getitem__(self, key: str) -> Any:
        if key in self._own:
            return self._own[key]
        if not self.writing:
            return self._below(key).records[key]
        self._own[key] = self._below(key).copy(key)
        return self._own[key]

    def __setitem__(self, key: str, record: Any) -> None:
        self._own[key] = record

    def __delitem__(self, key: str) -> None:
        raise TypeError(f"deleting record {key!r}: no τ² tool does that")

    def __contains__(self, key: object) -> bool:
        return key in self._own or key in self._below(str(key)).records

    def __iter__(self) -> Iterator[str]:
        return iter(self._merged())

    def __len__(self) -> int:
        return len(self._merged())

    def values(self) -> ValuesView[Any]:
        return super().values() if self.writing else self._merged().values()

    def items(self) -> ItemsView[str, Any]:
        return super().items() if self.writing else self._merged().items()

    def _merged(self) -> dict[str, Any]:
        if not self._frozen.records and not self._own:
            return self._table.records
        # Keeps the table's order, new records last, as a plain dictionary would.
        return {**self._table.records, **self._frozen.records, **self._own}


class TableState:
    """Copy on write, record by record."""

    def __init__(self, origin: PackageEnvironment, tables: Mapping[str, EpisodeTable]) -> None:
        self._tables = tables
        kind = type(cast("BaseModel", origin.tools.db))
        db = kind.model_construct(None, **tables)
        self._environment = over(origin, db, None)

    def fork(self) -> "TableState":
        forked = {name: records.fork() for name, records in self._tables.items()}
        return TableState(self._environment, forked)

    def ready(self, *, writing: bool) -> PackageEnvironment:
        for records in self._tables.values():
            records.writing = writing
        return self._environment

    def equals(self, other: "TableState") -> bool:
        return all(self._tables[name].equals(other._tables[name]) for name in self._tables)


# --- whole databases ---------------------------------------------------------------------


class WholeState:
    """Copied whole at the first call after a fork, on whichever side it happens."""

    def __init__(self, environment: PackageEnvironment) -> None:
        self._environment = environment
        self._shared = True
        self._texts: tuple[str, ...] | None = None

    def fork(self) -> "WholeState":
        self._shared = True
        return WholeState(self._environment)

    def ready(self, *, writing: bool) -> PackageEnvironment:
        if self._shared:
            kits = (self._environment.tools, self._environment.user_tools)
            dbs = tuple(kit and kit.db for kit in kits)
            # Two to three times as fast as `copy.deepcopy` on these records.
            copies = pickle.loads(pickle.dumps(dbs, protocol=5))
            self._environment = over(self._environment, *copies)
            self._shared = False
        # Even a call that only reads is followed by `sync_tools`, which may write.
        self._texts = None
        return self._environment

    def equals(self, other: "WholeState") -> bool:
        return self._canonical() == other._canonical()

    def _canonical(self) -> tuple[str, ...]:
        if self._texts is None:
            kits = (self._environment.tools, self._environment.user_tools)
            self._texts = tuple(canonical(kit.db) for kit in kits if kit is not None)
        return self._texts


def over(environment: PackageEnvironment, db: Any, user_db: Any) -> PackageEnvironment:
    """Return the environment over other databases, the given one untouched.

    Its constructor is not run: that would synchronise the databases between two calls.
    """
    twin = copy.copy(environment)
    twin.tools = copy.copy(environment.tools)
    twin.tools.db = db
    if environment.user_tools is not None:
        twin.user_tools = copy.copy(environment.user_tools)
        twin.user_tools.db = user_db
    return twin
