"""The decision store: SQLite by default, PostgreSQL by URL.

One thread writes. What waits at the same time is committed at the same time, so that a
hundred requests share the cost of one commit, and each waits until its own is done.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from queue import SimpleQueue
from typing import Any, TypeVar

from sqlalchemy import (
    Connection,
    Engine,
    Insert,
    Update,
    bindparam,
    create_engine,
    event,
    insert,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from sidecritic.errors import ConfigError, MissingExtra, StoreError
from sidecritic.gateway.decisions import Decision
from sidecritic.gateway.redaction import Redactor
from sidecritic.gateway.reviews import Case
from sidecritic.gateway.store.tables import CASES, CHANGES, DECISIONS, METADATA, Row, row_of

log = logging.getLogger("sidecritic.gateway")

_BATCH = 512
_CHECKPOINT_PAGES = 16_000
"""64 MB of log between two checkpoints."""
_BUSY_MS = 3000
"""How long SQLite waits for a lock of another process."""

_INSERT = insert(DECISIONS)
_AMENDED = tuple(column.name for column in DECISIONS.c if not column.name.startswith("label"))
_AMEND = (
    update(DECISIONS)
    .where(DECISIONS.c.id == bindparam("which"))
    .values({name: bindparam(name) for name in _AMENDED})
)

_Result = TypeVar("_Result")


def open_engine(url: str, *, pooled: bool = True) -> Engine:
    """Return a database with its tables; one that is not pooled keeps no connection open.

    Raises:
        ConfigError: the URL cannot be used, or the database cannot be reached.
    """
    try:
        if pooled:
            engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
        else:
            engine = create_engine(url, poolclass=NullPool)
    except ImportError as cause:
        raise MissingExtra(cause.name or "the driver", "postgres", "the store's URL") from cause
    except SQLAlchemyError as cause:
        raise ConfigError("store.url: not a database URL; write sqlite:///FILE") from cause
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
    try:
        METADATA.create_all(engine)
    except SQLAlchemyError as cause:
        raise ConfigError(
            f"store: the {engine.dialect.name} database cannot be used ({_kind(cause)}); "
            "check store.url, and that its folder or server is there and may be written to"
        ) from cause
    return engine


def _prepare_sqlite(connection: Any, _: ConnectionPoolEntry) -> None:
    # In WAL mode a commit survives a kill of the process; `NORMAL` gives up only what a power
    # failure would take, and saves one sync a commit.
    # A checkpoint syncs, which takes longer than many commits: rarely, then.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={_BUSY_MS}",
        f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows for a statement; those that wait for the same one are handed over together."""

    statement: Insert | Update
    rows: Sequence[Row]


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Connection], Any] | _Rows
    done: Callable[[Any], None]
    failed: Callable[[StoreError], None]


class Store:
    """Recorder and review queue in one database."""

    def __init__(self, engine: Engine, redactor: Redactor) -> None:
        self._engine = engine
        self._redactor = redactor
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="sidecritic-store", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Write what is waiting, then end."""
        self._jobs.put(None)
        self._thread.join()
        self._engine.dispose()

    async def keep(self, decisions: Sequence[Decision]) -> None:
        rows = [self._row(decision) for decision in decisions]
        if rows:
            await self._run(_Rows(_INSERT, rows))

    async def amend(self, decisions: Sequence[Decision]) -> None:
        rows = [self._row(decision) for decision in decisions]
        changed = [{**{name: row[name] for name in _AMENDED}, "which": row["id"]} for row in rows]
        if changed:
            await self._run(_Rows(_AMEND, changed))

    async def knows_link(self, tenant: str, link: str) -> bool:
        known = (
            select(DECISIONS.c.id)
            .where(DECISIONS.c.tenant == tenant, DECISIONS.c.link == link)
            .limit(1)
        )
        found = await self._run(lambda connection: connection.execute(known).first())
        return found is not None

    async def open(self, case: Case) -> None:
        content = self._redactor.value(case.content)
        row: Row = {**case.model_dump(), "content": content}
        row["reason"] = self._redactor.text(case.reason)
        await self._run(lambda connection: connection.execute(insert(CASES), [row]))

    async def look(self, case_id: str) -> Case | None:
        query = select(CASES).where(CASES.c.id == case_id)
        found = await self._run(lambda connection: connection.execute(query).mappings().first())
        return None if found is None else Case.model_validate(dict(found))

    async def use_approval(self, tenant: str, digest: str, now: float) -> bool:
        holds = (
            CASES.c.tenant == tenant,
            CASES.c.digest == digest,
            CASES.c.status == "approved",
            CASES.c.expires > now,
        )

        def use(connection: Connection) -> bool:
            one = connection.execute(select(CASES.c.id).where(*holds).limit(1)).scalar()
            if one is None:
                return False
            taken = update(CASES).where(CASES.c.id == one, CASES.c.status == "approved")
            return connection.execute(taken.values(status="used")).rowcount == 1

        return await self._run(use)

    async def changed(self, what: str, before: str, after: str, at: float, config: str) -> None:
        """Keep an audited event."""
        row = {"what": what, "before": before, "after": after, "at": at, "config": config}
        await self._run(lambda connection: connection.execute(insert(CHANGES), [row]))

    async def latest(self, what: str) -> str | None:
        """Return what an audited setting was changed to last."""
        query = (
            select(CHANGES.c.after)
            .where(CHANGES.c.what == what)
            .order_by(CHANGES.c.id.desc())
            .limit(1)
        )
        return await self._run(lambda connection: connection.execute(query).scalar())

    async def audited(self) -> list[str]:
        """Return the settings that were ever changed."""
        query = select(CHANGES.c.what).distinct().order_by(CHANGES.c.what)
        return await self._run(lambda connection: list(connection.execute(query).scalars()))

    async def run(self, work: Callable[[Connection], _Result]) -> _Result:
        """Run something else in the writer's thread, such as clearing what is old.

        Raises:
            StoreError: the database refused.
        """
        return await self._run(work)

    def _row(self, decision: Decision) -> Row:
        row = row_of(decision, self._redactor.value(decision.content))
        for name in ("tools", "unknown", "category", "model"):
            row[name] = self._redactor.text(str(row[name])[:500])
        return row

    async def _run(self, work: Callable[[Connection], _Result] | _Rows) -> _Result:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def done(result: _Result) -> None:
            loop.call_soon_threadsafe(_set, future, result)

        def failed(error: StoreError) -> None:
            loop.call_soon_threadsafe(_fail, future, error)

        if not self._thread.is_alive():
            raise StoreError("the store is closed")
        self._jobs.put(_Job(work, done, failed))
        return await future

    # --- in the writer's thread ----------------------------------------------------------

    def _work(self) -> None:
        is_open = True
        while is_open:
            batch: list[_Job] = []
            job = self._jobs.get()
            while job is not None:
                batch.append(job)
                if self._jobs.empty() or len(batch) == _BATCH:
                    break
                job = self._jobs.get()
            is_open = job is not None
            if batch:
                self._commit(batch)

    def _commit(self, batch: Sequence[_Job]) -> None:
        try:
            with self._engine.begin() as connection:
                results = _done(connection, batch)
        except SQLAlchemyError as cause:
            # Statements and values stay out of it: they are what was said.
            error = StoreError(f"the decision store failed ({_kind(cause)})")
            log.error("store failed", extra={"error": _kind(cause)})
            for job in batch:
                job.failed(error)
            return
        for job, result in zip(batch, results, strict=True):
            job.done(result)


def _done(connection: Connection, batch: Sequence[_Job]) -> list[Any]:
    """Do the work in order, and return what each job wants to know."""
    results: list[Any] = []
    for statement, jobs in groupby(batch, _statement):
        if statement is None:
            results += [job.work(connection) for job in jobs if not isinstance(job.work, _Rows)]
            continue
        works = [job.work for job in jobs]
        connection.execute(statement, [r for w in works if isinstance(w, _Rows) for r in w.rows])
        results += [None] * len(works)
    return results


def _statement(job: _Job) -> Insert | Update | None:
    return job.work.statement if isinstance(job.work, _Rows) else None


def _kind(cause: SQLAlchemyError) -> str:
    original = getattr(cause, "orig", None)
    return type(original or cause).__name__


def _set(future: "asyncio.Future[_Result]", result: _Result) -> None:
    if not future.done():
        future.set_result(result)


def _fail(future: "asyncio.Future[Any]", error: StoreError) -> None:
    if not future.done():
        future.set_exception(error)
