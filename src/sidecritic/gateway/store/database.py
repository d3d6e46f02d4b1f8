"""The decision store: SQLite by default, PostgreSQL by URL.

One thread writes. What arrives while it writes is its next batch: one transaction, so that a
hundred requests share the cost of one commit, and each waits until its own is done.

    requests ─▶ waiting ─▶ one batch at a time ─▶ thread ─▶ commit ─▶ requests continue

The thread shares the interpreter with the loop that serves, and each of its steps in Python holds
requests up: there is one wake-up a batch, and decisions go to the driver as prepared SQL.
"""

import asyncio
import json
import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    bindparam,
    create_engine,
    event,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool
from sqlalchemy.schema import CreateColumn

from sidecritic.errors import ConfigError, MissingExtra, StoreError, boundary
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.gateway.store.reviews import ReviewCase
from sidecritic.gateway.store.tables import CASES, DECISIONS, METADATA, Row, row_of
from sidecritic.redaction import Redactor

log = logging.getLogger("sidecritic.gateway")

_BATCH = 512
_LONGEST = 500
"""Characters that are stored of a name or a reason."""
_READ = 20 * _LONGEST
"""Characters searched for secrets; half a secret that is cut off here is never stored."""
_CHECKPOINT_PAGES = 16_000
"""64 MB of log between two checkpoints."""
_BUSY = 3.0
"""Seconds that SQLite waits for a lock of another process, unless the URL has a `timeout`."""

_LASTING: Final = ("id", "label", "label_note", "labelled_by")
"""What an amendment leaves as it is."""

# Built once: building a statement takes longer than running it.
_AMEND: Final = update(DECISIONS).where(DECISIONS.c.id == bindparam("amended"))
_BY_LINK: Final = (
    select(DECISIONS.c.id)
    .where(
        DECISIONS.c.tenant == bindparam("sought_tenant"),
        DECISIONS.c.link == bindparam("sought_link"),
    )
    .limit(1)
)

_Result = TypeVar("_Result")


def open_engine(url: str, *, pooled: bool = True) -> Engine:
    """Return a database with its tables; one that is not pooled keeps no connection open.

    Raises:
        ConfigError: the URL cannot be used, or the database cannot be reached.
    """
    try:
        is_local = url.startswith("sqlite")
        waits = {"timeout": _BUSY} if is_local and not make_url(url).query.get("timeout") else {}
        pool: dict[str, Any] = (
            {"pool_pre_ping": not is_local} if pooled else {"poolclass": NullPool}
        )
        engine = create_engine(url, connect_args=waits, **pool)
    except ImportError as cause:
        raise MissingExtra(cause.name or "the driver", "postgres", "the store's URL") from cause
    except SQLAlchemyError as cause:
        raise ConfigError("store.url: not a database URL; write sqlite:///FILE") from cause
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    try:
        METADATA.create_all(engine)
        _add_what_is_new(engine)
    except SQLAlchemyError as cause:
        engine.dispose()
        raise ConfigError(
            f"store: the {engine.dialect.name} database cannot be used ({_kind(cause)}); "
            "check store.url, and that its folder or server is there and may be written to"
        ) from cause
    return engine


def _add_what_is_new(engine: Engine) -> None:
    """Add to the tables of an earlier version what they lack; its rows get the default."""
    for table in METADATA.tables.values():
        there = {column["name"] for column in inspect(engine).get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                made = CreateColumn(column).compile(dialect=engine.dialect)
                with engine.begin() as connection:
                    connection.exec_driver_sql(f"ALTER TABLE {table.name} ADD COLUMN {made}")
        for index in table.indexes:
            index.create(engine, checkfirst=True)


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # In WAL mode a commit survives a kill of the process; `NORMAL` risks only a power failure,
    # and saves one sync a commit. A checkpoint syncs, so it should be rare.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
        "secure_delete=ON",  # what is deleted leaves no trace in the file
    ):
        connection.execute(f"PRAGMA {pragma}")


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Connection], Any]
    future: "asyncio.Future[Any]"


@dataclass(frozen=True, slots=True)
class _Rows:
    """Decisions to insert, in one statement for the whole batch."""

    decisions: Sequence[DecisionRecord]
    made: Sequence[Row]
    """Empty where there is content, of any size: then the writer's thread makes them."""
    future: "asyncio.Future[None]"


_Batch = list[_Job | _Rows]


class _Unusable(StoreError):
    """The database answers, and cannot do what was asked."""


def _insertion(engine: Engine) -> Callable[[Connection, Sequence[Row]], object]:
    """Return what stores decisions, with the statement in the driver's own form."""
    compiled = insert(DECISIONS).compile(dialect=engine.dialect)
    sql, names = str(compiled), getattr(compiled, "positiontup", None)
    values: Callable[[Row], Any] = itemgetter(*names) if names else dict
    return lambda connection, rows: connection.exec_driver_sql(sql, [*map(values, rows)])


class Store:
    """Recorder and review queue in one database."""

    def __init__(self, engine: Engine, redactor: Redactor) -> None:
        self._engine = engine
        self._redactor = redactor
        self._insert = _insertion(engine)
        self._is_local = engine.dialect.name == "sqlite"
        self._connection: Connection | None = None
        self._file = engine.url.database if self._is_local else None
        self._identity = _identity(self._file)
        self._waiting: list[_Job | _Rows] = []
        self._is_writing = False
        self._batches: SimpleQueue[_Batch | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sidecritic-store", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        """Write what is waiting, then end."""
        with suppress(StoreError):
            await self.run(lambda connection: None)  # queued after all that wait now
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)
        self._engine.dispose()

    async def keep(self, decisions: Sequence[DecisionRecord]) -> None:
        if decisions:
            is_small = all(decision.content is None for decision in decisions)
            made = self._rows(decisions) if is_small else ()
            await self._put(_Rows(decisions, made, asyncio.get_running_loop().create_future()))

    async def amend(self, decisions: Sequence[DecisionRecord]) -> None:
        def amend(connection: Connection) -> None:
            rows = ({**self._row(d, self._redactor), "amended": d.id} for d in decisions)
            kept = [{k: v for k, v in row.items() if k not in _LASTING} for row in rows]
            connection.execute(_AMEND, kept)

        if decisions:
            await self.run(amend)

    async def knows_link(self, tenant: str, link: str) -> bool:
        sought = {"sought_tenant": tenant, "sought_link": link}
        return await self.run(
            lambda connection: connection.execute(_BY_LINK, sought).first() is not None
        )

    async def open(self, case: ReviewCase) -> None:
        content = self._redactor.value(case.content)
        row: Row = {**case.model_dump(), "content": content}
        for name in ("reason", "tools"):
            row[name] = self._kept(str(row[name]))
        await self.run(lambda connection: connection.execute(insert(CASES), [row]))

    async def look(self, case_id: str) -> ReviewCase | None:
        query = select(CASES).where(CASES.c.id == case_id)
        found = await self.run(lambda connection: connection.execute(query).mappings().first())
        return None if found is None else ReviewCase.model_validate(dict(found))

    async def use_approval(self, tenant: str, digest: str, now: float) -> bool:
        valid = (
            select(CASES.c.id)
            .where(
                CASES.c.tenant == tenant,
                CASES.c.digest == digest,
                CASES.c.status == "approved",
                CASES.c.expires > now,
            )
            .limit(1)
        )
        # Whoever comes second while this one waits for its lock finds the status changed.
        one = CASES.c.id == valid.scalar_subquery()
        use = update(CASES).where(one, CASES.c.status == "approved").values(status="used")
        return await self.run(lambda connection: connection.execute(use).rowcount == 1)

    async def run(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run something in the writer's thread.

        Raises:
            StoreError: the database refused.
        """
        return await self._put(_Job(work, asyncio.get_running_loop().create_future()))

    def _rows(self, decisions: Sequence[DecisionRecord]) -> list[Row]:
        # Decisions of one request quote the same conversation.
        redactor = self._redactor.remembering()
        rows = [self._row(decision, redactor) for decision in decisions]
        for row in rows:
            if row["content"] is not None:
                row["content"] = json.dumps(row["content"])
        return rows

    def _row(self, decision: DecisionRecord, redactor: Redactor) -> Row:
        row = row_of(decision, redactor.value(decision.content))
        for name in ("tools", "unknown", "category", "broken", "model"):
            row[name] = self._kept(str(row[name]))
        return row

    def _kept(self, text: str) -> str:
        """Return the part of a text that is stored: redacted first, then cut."""
        # PostgreSQL holds no NUL in a text, and a model may write one.
        return self._redactor.text(text[:_READ].replace("\0", "\ufffd"))[:_LONGEST]

    async def _put(self, job: _Job | _Rows) -> Any:
        if not self._thread.is_alive():
            raise StoreError("the store is closed")
        self._waiting.append(job)
        if not self._is_writing:
            self._is_writing = True
            # Jobs of the same turn of the loop join this batch.
            job.future.get_loop().call_soon(self._hand_over)
        return await job.future

    def _hand_over(self) -> None:
        batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
        self._is_writing = bool(batch)
        if batch:
            self._batches.put(batch)

    def _settle(self, batch: _Batch, outcomes: Sequence[Any]) -> None:
        for job, outcome in zip(batch, outcomes, strict=True):
            if job.future.done():  # the caller has left
                continue
            if isinstance(outcome, StoreError):
                job.future.set_exception(outcome)
            else:
                job.future.set_result(outcome)
        self._hand_over()

    # --- in the writer's thread ----------------------------------------------------------

    def _work(self) -> None:
        while (batch := self._batches.get()) is not None:
            outcomes = self._outcomes(batch)
            batch[0].future.get_loop().call_soon_threadsafe(self._settle, batch, outcomes)
        self._drop_connection()

    def _outcomes(self, batch: _Batch) -> Sequence[Any]:
        """Commit a batch; return the result of each job, or its error."""
        try:
            return self._committed(batch)
        except _Unusable as failure:
            # One job's values must not fail the others.
            if len(batch) == 1:
                return [failure]
            return [outcome for job in batch for outcome in self._outcomes([job])]
        except StoreError as failure:
            return [failure] * len(batch)

    def _committed(self, batch: _Batch) -> Sequence[Any]:
        try:
            with (
                boundary(StoreError, "the decision store failed"),
                self._connected().begin() as transaction,
            ):
                results = self._done(transaction.connection, batch)
            self._require_file()
        except StoreError as failure:
            self._drop_connection()
            if (cause := failure.__cause__) is None:
                log.error("store failed", extra={"what": str(failure)})
                raise
            log.error("store failed", extra={"error": _kind(cause)})
            kind = StoreError if isinstance(cause, OperationalError) else _Unusable
            # Statements and values stay out of the message: they quote what was said.
            raise kind(f"the decision store failed ({_kind(cause)})") from None
        if not self._is_local:
            self._drop_connection()  # a server may be gone by the next batch; the pool checks
        return results

    def _done(self, connection: Connection, batch: _Batch) -> Sequence[Any]:
        kept = (job for job in batch if isinstance(job, _Rows))
        rows = [row for job in kept for row in job.made or self._rows(job.decisions)]
        if rows:
            self._insert(connection, rows)
        return [job.work(connection) if isinstance(job, _Job) else None for job in batch]

    def _connected(self) -> Connection:
        # Kept between batches if possible: taking it from the pool costs as much as a commit.
        if self._connection is None:
            self._require_file()
            self._connection = self._engine.connect()
        return self._connection

    def _require_file(self) -> None:
        """Check that the database's file is still the one that was opened.

        What goes into a file that has no name any more is lost, and nobody would notice: so this
        is done after each commit, before anybody is told that it is done.

        Raises:
            StoreError: it was deleted or replaced.
        """
        if _identity(self._file) != self._identity:
            problem = "the database's file was deleted or replaced; put it back, or restart"
            raise StoreError(problem)

    def _drop_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # On a full disk, even giving up fails.
            with suppress(StoreError), boundary(StoreError, "the decision store failed"):
                connection.close()


def _identity(file: str | None) -> tuple[int, int] | None:
    """Return which file it is, whatever its name; nothing for a database without one."""
    try:
        found = Path(file).stat() if file else None
    except OSError:
        return None
    return (found.st_dev, found.st_ino) if found else None


def _kind(cause: BaseException) -> str:
    original = getattr(cause, "orig", None)
    return type(original or cause).__name__
