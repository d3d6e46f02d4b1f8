"""The server: the door, and what operators need around it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sidecritic.errors import SidecriticError, StoreError
from sidecritic.gateway.routes import Setup
from sidecritic.gateway.server.door import Door
from sidecritic.gateway.store.database import Store
from sidecritic.gateway.store.upkeep import clear, note_modes, probe, settle_pending
from sidecritic.gateway.telemetry.metrics import Metrics

log = logging.getLogger("sidecritic.gateway")

_UPKEEP = 3600.0
"""Seconds between two runs."""
_LOOK = 5.0
"""Seconds after which other workers show what this one watches."""


@dataclass(frozen=True, slots=True)
class Server:
    door: Door
    store: Store
    metrics: Metrics
    retention_days: int | None
    close: Callable[[], Awaitable[None]]
    """Closes upstream connections and the critics' models."""

    async def switch(self, setup: Setup) -> None:
        """Put another configuration in force; a change of mode is an audited event.

        Raises:
            StoreError: the change could not be recorded; the old configuration stays.
        """
        await note_modes(self.store, setup, self.door.services.clock())
        self.door.setup = setup


def make_app(server: Server) -> ASGIApp:
    """Return the ASGI application."""
    own = _own_paths(server)
    paths = {route.path for route in own.routes if isinstance(route, Route)}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        # All but our own three paths belong to agents, and need no router.
        agents = scope["type"] == "http" and scope["path"] not in paths
        await (server.door if agents else own)(scope, receive, send)

    return app


def _own_paths(server: Server) -> Starlette:

    async def healthz(request: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(request: Request) -> Response:
        try:
            await probe(server.store, server.door.services.clock())
        except StoreError as error:
            return JSONResponse({"status": str(error)}, status_code=503)
        return JSONResponse({"status": "ready"})

    async def metrics(request: Request) -> Response:
        text = server.metrics.text()
        return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        async with running(server):
            yield

    paths = {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
    return Starlette(routes=[Route(*path) for path in paths.items()], lifespan=lifespan)


@asynccontextmanager
async def running(server: Server) -> AsyncGenerator[None]:
    """Run what a server needs for the length of the block, then finish its work."""
    server.store.start()
    await settle_pending(server.store)
    await note_modes(server.store, server.door.setup, server.door.services.clock())
    running = [asyncio.create_task(work(server)) for work in (_keep_up, _watch)]
    try:
        yield
    finally:
        for each in running:
            each.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await server.door.services.background.finish(server.door.setup.limits.shutdown)
        await server.close()
        await server.store.close()


async def _keep_up(server: Server) -> None:
    while True:
        try:
            await clear(server.store, server.retention_days, server.door.services.clock())
        except SidecriticError as error:
            log.warning("upkeep failed", extra={"error": type(error).__name__})
        await asyncio.sleep(_UPKEEP)


async def _watch(server: Server) -> None:
    while True:
        server.metrics.look()
        await asyncio.sleep(_LOOK)
