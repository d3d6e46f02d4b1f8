"""Records of the desk: tables that never change, and over them what an episode has changed."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from sidecritic.envs.record_worlds import Refused

TODAY = date(2025, 9, 10)

Row = Mapping[str, Any]
Tables = Mapping[str, Mapping[str, Row]]
"""Name of a table, to its rows by id."""


class Records:
    """The desk's records in one episode."""

    def __init__(
        self, tables: Tables, changed: Mapping[tuple[str, str], Row] | None = None
    ) -> None:
        self._tables = tables
        self._changed = dict(changed or {})

    def get(self, table: str, id: str) -> Row:
        """Return a row.

        Raises:
            Refused: there is none.
        """
        row = self._changed.get((table, id)) or self._tables[table].get(id)
        if row is None:
            raise Refused(f"there is no {table.removesuffix('s')} {id!r}")
        return row

    def rows(self, table: str) -> Iterator[Row]:
        ids = dict.fromkeys(self._tables[table])
        ids |= dict.fromkeys(id for name, id in self._changed if name == table)
        yield from (self.get(table, id) for id in ids)

    def put(self, table: str, id: str, **fields: object) -> Row:
        """Change fields of a row, or add one, and return it."""
        before = self._changed.get((table, id)) or self._tables[table].get(id) or {}
        row = self._changed[table, id] = {**before, **fields}
        return row

    def fork(self) -> "Records":
        return Records(self._tables, self._changed)

    def same_as(self, other: "Records") -> bool:
        """Whether both have changed the same things."""
        return self._changed == other._changed
