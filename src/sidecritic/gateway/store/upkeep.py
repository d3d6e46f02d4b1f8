"""Upkeep of the store: at the start, on a change of mode, every hour."""

from typing import Final

from sqlalchemy import Connection, delete, insert, null, select, update

from sidecritic.gateway.routes import Setup
from sidecritic.gateway.store.database import Store
from sidecritic.gateway.store.tables import CASES, CHANGES, DECISIONS, PROBES

_DAY: Final = 86_400.0


async def settle_pending(store: Store) -> None:
    """Mark answers that were released and whose judging a kill cut short.

    What another process is still judging is amended when that is done.
    """

    def settle(connection: Connection) -> None:
        pending = update(DECISIONS).where(DECISIONS.c.fate == "pending")
        connection.execute(pending.values(fate="released", status="lost"))

    await store.run(settle)


async def note_modes(store: Store, setup: Setup, at: float) -> None:
    """Record each mode that differs from the one before, or is no longer set."""
    now: dict[str, str] = {f"mode {name}": mode for name, mode in setup.modes.items()}

    def note(connection: Connection) -> None:
        _touch(connection, at)  # whoever notes the same at the same moment waits, and finds it done
        noted = select(CHANGES.c.what, CHANGES.c.after).order_by(CHANGES.c.id)
        before = {row.what: row.after for row in connection.execute(noted)}
        for what in sorted(before) + [what for what in now if what not in before]:
            change = {"before": before.get(what, ""), "after": now.get(what, "")}
            if change["before"] != change["after"]:
                row = {"what": what, **change, "at": at, "config": setup.digest}
                connection.execute(insert(CHANGES).values(row))

    await store.run(note)


async def probe(store: Store, now: float) -> None:
    """Write a row.

    Raises:
        StoreError: nothing can be written.
    """
    await store.run(lambda connection: _touch(connection, now))


def _touch(connection: Connection, now: float) -> None:
    if not connection.execute(update(PROBES).values(at=now)).rowcount:
        connection.execute(insert(PROBES).values(id="ready", at=now))


async def clear(store: Store, retention_days: int | None, now: float) -> None:
    """Expire cases, empty the closed ones, and delete what is older than `retention_days`."""

    def work(connection: Connection) -> None:
        late = (CASES.c.expires <= now, CASES.c.status.in_(("open", "approved")))
        connection.execute(update(CASES).where(*late).values(status="expired"))
        closed = CASES.c.status.in_(("used", "rejected", "expired"))
        connection.execute(update(CASES).where(closed).values(content=null()))
        if retention_days is not None:
            oldest = now - retention_days * _DAY
            connection.execute(delete(DECISIONS).where(DECISIONS.c.at < oldest))
            connection.execute(delete(CASES).where(CASES.c.at < oldest))

    await store.run(work)
