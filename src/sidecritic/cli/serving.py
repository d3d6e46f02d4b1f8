"""`serve`: the gateway as a process."""

import asyncio
import signal
import sys
from collections.abc import Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.edge import command, note
from sidecritic.cli.flags import path
from sidecritic.errors import MissingExtra, SidecriticError

if TYPE_CHECKING:
    from sidecritic.config.gateways import GatewayMaker
    from sidecritic.gateway.app import Server
    from sidecritic.gateway.settings import GatewaySettings

Config = Annotated[
    Path,
    typer.Option("--config", parser=path, metavar="FILE", help="Settings of the gateway, in TOML."),
]


def serve(
    config: Config,
    check: Annotated[bool, typer.Option("--check", help="Check the settings and end.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --check: print one object.")] = False,
) -> None:
    """Supervise agents that call this server in place of their provider's."""
    with command(as_json=json) as output:
        require_gateway()
        from sidecritic.config.gateways import GatewayMaker, gateway_environment, gateway_settings

        settings = gateway_settings(config)
        maker = GatewayMaker(config.parent, gateway_environment())
        if check:
            setup = maker.setup(settings)
            if json:
                output.json({"ok": True, "config": setup.digest, "modes": dict(setup.modes)})
            else:
                output.tables(*(f"{name}: {mode}" for name, mode in setup.modes.items()))
            return
        _run(_serve(maker, settings, config))


def require_gateway() -> None:
    """Check that what the gateway is made of is installed.

    Raises:
        MissingExtra: it is not.
    """
    try:
        import aiohttp
        import prometheus_client
        import sqlalchemy
        import starlette
        import uvicorn
    except ImportError as cause:
        raise MissingExtra(cause.name or "starlette", "gateway", "the gateway") from cause
    del aiohttp, prometheus_client, sqlalchemy, starlette, uvicorn


def _run(main: Coroutine[None, None, None]) -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


async def _serve(maker: "GatewayMaker", settings: "GatewaySettings", config: Path) -> None:
    import uvicorn

    from sidecritic.gateway.app import make_app
    from sidecritic.gateway.logs import log_to

    log_to(sys.stderr)
    async with aclosing(maker):
        server = maker.server(settings)
        host, _, port = settings.listen.rpartition(":")
        listener = uvicorn.Server(
            uvicorn.Config(
                make_app(server),
                host=host.strip("[]"),
                port=int(port),
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                timeout_graceful_shutdown=int(settings.limits.shutdown),
            )
        )
        loop = asyncio.get_running_loop()
        reloads: set[asyncio.Task[None]] = set()

        def reload() -> None:
            task = loop.create_task(_reload(maker, server, config))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

        loop.add_signal_handler(signal.SIGHUP, reload)
        for number in (signal.SIGINT, signal.SIGTERM):
            # The server raises what ended it once more; after a graceful end that is no failure.
            signal.signal(number, _ended)
        note(f"sidecritic: listening on http://{settings.listen}; modes: {_modes(server)}")
        await listener.serve()


def _ended(number: int, frame: object) -> None:
    """Let a signal that has been seen to pass by."""


async def _reload(maker: "GatewayMaker", server: "Server", config: Path) -> None:
    """Put the settings that are on file now in force; the old ones stay if they are wrong."""
    from sidecritic.config.gateways import gateway_settings

    try:
        setup = maker.setup(gateway_settings(config))
        await server.switch(setup)
    except SidecriticError as error:
        note(f"sidecritic: not reloaded: {error}")
        return
    note(f"sidecritic: reloaded; modes: {_modes(server)}")


def _modes(server: "Server") -> str:
    return ", ".join(f"{name} {mode}" for name, mode in server.live.setup.modes.items())
