"""`serve`: the gateway as a process."""

import asyncio
import os
import sys
from contextlib import aclosing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sidecritic.cli.flags import GatewayFile
from sidecritic.cli.output import command
from sidecritic.errors import ConfigError, MissingExtra, SidecriticError

if TYPE_CHECKING:
    from sidecritic.assembly.gateway import GatewayMaker
    from sidecritic.gateway.server.app import Server
    from sidecritic.gateway.settings import GatewaySettings


def serve(
    config: GatewayFile,
    check: Annotated[bool, typer.Option("--check", help="Check the settings and exit.")] = False,
    json: Annotated[bool, typer.Option("--json", help="With --check: print one object.")] = False,
) -> None:
    """Supervise agents that call this server in place of their provider's."""
    with command(as_json=json) as output:
        require_gateway()
        from sidecritic.assembly.gateway import GatewayMaker
        from sidecritic.settings.environment import environment
        from sidecritic.settings.gateway_file import gateway_settings

        settings = gateway_settings(config)
        maker = GatewayMaker(config.parent, environment())
        if check:
            setup = maker.setup(settings)
            found = {"ok": True, "config": setup.digest, "modes": dict(setup.modes)}
            output.show(found, lambda: (f"{name}: {mode}" for name, mode in setup.modes.items()))
            return
        from sidecritic.gateway.server.process import run

        run(_serve(maker, settings, config))


def require_gateway() -> None:
    """Check that the packages of the gateway are installed.

    Raises:
        MissingExtra: one is not.
    """
    for package in ("starlette", "uvicorn", "aiohttp", "sqlalchemy", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtra(package, "gateway", "the gateway")


async def _serve(maker: "GatewayMaker", settings: "GatewaySettings", config: Path) -> None:
    from sidecritic.gateway.server.probe import probe_critics
    from sidecritic.gateway.server.process import serve as listen
    from sidecritic.gateway.telemetry.logs import log_to
    from sidecritic.reports.text import plain

    async with aclosing(maker):
        server = maker.server(settings)
        log = log_to(partial(os.write, sys.stderr.fileno()))
        server.metrics.watch("log_dropped", "Log lines that were not written.", lambda: log.dropped)
        log.say(f"sidecritic: listening on http://{settings.listen}; modes: {_modes(server)}")

        async def probe() -> None:
            async for line in probe_critics(server.door.setup):
                log.say(f"sidecritic: {plain(line, 500)}")

        async def reload() -> None:
            log.say(f"sidecritic: {await _reloaded(maker, server, config, settings.listen)}")
            await probe()

        probing = asyncio.create_task(probe())
        await listen(server, settings.listen, reload)
        probing.cancel()


async def _reloaded(maker: "GatewayMaker", server: "Server", config: Path, listen: str) -> str:
    """Apply the settings that are in the file now; the old ones stay if they are wrong."""
    from sidecritic.reports.text import plain
    from sidecritic.settings.gateway_file import gateway_settings

    try:
        settings = gateway_settings(config)
        if settings.listen != listen:
            # Who may come without a key is decided by where it listens.
            raise ConfigError(f"listen = {settings.listen!r} needs a restart; it is {listen!r} now")
        await server.switch(maker.setup(settings))
    except SidecriticError as error:
        return plain(f"not reloaded: {error}", 2000)
    return f"reloaded; modes: {_modes(server)}"


def _modes(server: "Server") -> str:
    return ", ".join(f"{name} {mode}" for name, mode in server.door.setup.modes.items())
