"""`view`: runs in the browser, and a gateway while it runs."""

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from sidecritic.errors import ConfigError, MissingExtra, SidecriticError
from sidecritic.viewer.library import Library
from sidecritic.viewer.server.desk import Row, Standing

if TYPE_CHECKING:
    from sidecritic.gateway.store.queries import Label, StoreQueries

_PILOT_EVERY = 30.0
"""Seconds for which a pilot's standing is kept: it reads the whole store."""


def serve_pages(
    folder: Path | None, gateway: Path | None, listen: str, started: Callable[[str], None]
) -> None:
    """Serve until a signal ends it; `started` is told the address to open.

    Raises:
        ConfigError: there is nothing to show, or nowhere to listen.
        MissingExtra: what serves pages is not installed.
    """
    try:
        from sidecritic.viewer.server.app import make_app, serve
        from sidecritic.viewer.server.guard import is_loopback
    except ImportError as cause:
        raise MissingExtra("starlette", "view", "the viewer") from cause
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise ConfigError(f"--listen {listen}: give HOST:PORT, such as 127.0.0.1:8788")
    token = "" if is_loopback(host) else secrets.token_urlsafe(24)
    app = make_app(
        None if folder is None else Library(folder),
        None if gateway is None else desk_of(gateway),
        token,
    )
    told = f"?token={token}" if token else ""
    asyncio.run(serve(app, host, int(port), lambda address: started(address + told)))


def desk_of(config: Path) -> "StoreDesk":
    """Return what reads and writes the store of a gateway.

    Raises:
        ConfigError: the settings or the store cannot be read.
    """
    try:
        from sidecritic.assembly.gateway import queries_for
    except ImportError as cause:
        raise MissingExtra("sqlalchemy", "gateway", "--live") from cause
    from sidecritic.settings.environment import environment
    from sidecritic.settings.gateway_file import gateway_settings

    return StoreDesk(config, queries_for(gateway_settings(config), environment()))


@dataclass(slots=True)
class StoreDesk:
    """The desk of a gateway whose store can be reached from here."""

    config: Path
    queries: "StoreQueries"
    _standing: tuple[Standing, ...] = ()
    _weighed: float = field(default=float("-inf"))

    def counts(self) -> Sequence[Row]:
        from sidecritic.gateway.store.queries import Selection

        return self.queries.counts(Selection())

    def decisions(self, *, show: str, limit: int) -> Sequence[Row]:
        from sidecritic.gateway.store.queries import Selection

        chosen = Selection(blocked=show == "objected", failed=show == "failed", limit=limit)
        return self.queries.decisions(chosen)

    def decision(self, id: str) -> Row:
        return self.queries.decision(id)

    def label(self, id: str, label: str, note: str) -> None:
        from sidecritic.gateway.store.queries import Said

        self.queries.label([Said(id, cast("Label", label), note, "viewer")])

    def cases(self) -> Sequence[Row]:
        now = time.time()
        return [case for case in self.queries.cases() if case["expires"] > now]

    def rule(self, id: str, *, approve: bool, feedback: str) -> None:
        self.queries.rule(id, approve=approve, feedback=feedback, by="viewer", now=time.time())

    def standing(self) -> Sequence[Standing]:
        if time.monotonic() - self._weighed > _PILOT_EVERY:
            self._standing, self._weighed = (self._weigh(),), time.monotonic()
        return self._standing

    def _weigh(self) -> Standing:
        from sidecritic.reports.pilot import headline
        from sidecritic.workflows.measure.pilot import PilotRequest, pilot

        try:
            return Standing(*headline(pilot(PilotRequest((self.config,)))))
        except SidecriticError as cause:
            return Standing("Whether enforcing would pay is not known yet.", (str(cause),))
