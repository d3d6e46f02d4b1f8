"""`serve`: the gateway as a process."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import aclosing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sidecritic.cli import note
from sidecritic.cli.flags import GATEWAY_FILE, file
from sidecritic.cli.gateway.flags import (
    Critic,
    CriticServer,
    Listen,
    PackName,
    Policy,
    Tools,
    Upstream,
)
from sidecritic.cli.gateway.init import start_of
from sidecritic.cli.output import Output, command
from sidecritic.errors import ConfigError, MissingExtra, SidecriticError

if TYPE_CHECKING:
    from sidecritic.assembly.gateway import GatewayMaker
    from sidecritic.cli.gateway.sources import Source
    from sidecritic.gateway.server.app import Server
    from sidecritic.gateway.settings import GatewaySettings


def serve(  # noqa: PLR0913 # typer makes a flag of each
    config: Annotated[
        Path | None, file("Settings, in TOML; gateway.toml if it is here.", "--config")
    ] = None,
    *,
    upstream: Upstream = None,
    policy: Policy = None,
    tools: Tools = None,
    critic: Critic = None,
    critic_base_url: CriticServer = None,
    pack: PackName = None,
    mode: Annotated[str | None, typer.Option(help="shadow (default), enforce or off.")] = None,
    listen: Listen = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the settings, show the tools, and exit.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="With --check: print one object.")] = False,
) -> None:
    """Supervise agents that call this server in place of their provider's.

    By the settings in a file, or without one: --upstream URL --policy FILE --critic NAME.
    """
    flags = {
        "upstream": upstream,
        "policy": policy,
        "tools": tools,
        "critic": critic,
        "critic_base_url": critic_base_url,
        "pack": pack,
        "mode": mode,
        "listen": listen,
    }
    with command(as_json=json) as output:
        require_gateway()
        from sidecritic.assembly.gateway import GatewayMaker
        from sidecritic.settings.environment import environment

        source = _source(config, {key: each for key, each in flags.items() if each is not None})
        settings = source.read()
        maker = GatewayMaker(source.folder, environment())
        if check:
            _check(output, maker, settings, source.folder)
            return
        from sidecritic.gateway.server.process import run

        run(_serve(maker, settings, source))


def _check(
    output: Output, maker: "GatewayMaker", settings: "GatewaySettings", folder: Path
) -> None:
    from sidecritic.cli.gateway.check import checked, shown, warnings

    found = checked(settings, maker.setup(settings), folder)
    output.show(found, lambda: shown(found))
    for line in warnings(found):
        note(line)


def require_gateway() -> None:
    """Check that the packages of the gateway are installed.

    Raises:
        MissingExtra: one is not.
    """
    for package in ("starlette", "uvicorn", "aiohttp", "sqlalchemy", "prometheus_client"):
        if find_spec(package) is None:
            raise MissingExtra(package, "gateway", "the gateway")


def _source(config: Path | None, flags: dict[str, Any]) -> "Source":
    from sidecritic.cli.gateway.sources import FromFile, FromFlags

    if flags:
        if config is not None:
            named = ", ".join(f"--{name.replace('_', '-')}" for name in flags)
            raise ConfigError(f"--config and {named}: write these into {config}, or leave it out")
        if "upstream" not in flags and "critic" not in flags:
            raise ConfigError("give --upstream URL and --critic NAME, or --config FILE")
        return FromFlags(start_of(**flags))
    file = config or GATEWAY_FILE
    if config is None and not file.exists():
        raise ConfigError(
            "there is no gateway.toml here; write one with `sidecritic init --policy FILE "
            "--tools FILE`, name one with --config, or give --upstream URL --critic NAME"
        )
    return FromFile(file)


async def _serve(maker: "GatewayMaker", settings: "GatewaySettings", source: "Source") -> None:
    from sidecritic.gateway.server.probe import probe_critics
    from sidecritic.gateway.server.process import serve as listen
    from sidecritic.gateway.telemetry.logs import log_to
    from sidecritic.reports.text import plain

    async with aclosing(maker):
        server = maker.server(settings)
        log = log_to(partial(os.write, sys.stderr.fileno()))
        server.metrics.watch("log_dropped", "Log lines that were not written.", lambda: log.dropped)
        log.say(f"sidecritic: listening on http://{settings.listen}; modes: {_modes(server)}")
        for line in (*source.remarks(), *_judged(server)):
            log.say(f"sidecritic: {plain(line, 1000)}")

        async def probe() -> None:
            async for line in probe_critics(server.door.setup):
                log.say(f"sidecritic: {plain(line, 500)}")

        async def reload() -> None:
            log.say(f"sidecritic: {await _reloaded(maker, server, source, settings.listen)}")
            await probe()

        probing = asyncio.create_task(probe())
        await listen(server, settings.listen, reload)
        probing.cancel()


async def _reloaded(maker: "GatewayMaker", server: "Server", source: "Source", listen: str) -> str:
    """Apply the settings that are in the file now; the old ones stay if they are wrong."""
    from sidecritic.reports.text import plain

    try:
        settings = source.read()
        if settings.listen != listen:
            # Who may come without a key is decided by where it listens.
            raise ConfigError(f"listen = {settings.listen!r} needs a restart; it is {listen!r} now")
        await server.switch(maker.setup(settings))
    except SidecriticError as error:
        return plain(f"not reloaded: {error}", 2000)
    return f"reloaded; modes: {_modes(server)}"


def _modes(server: "Server") -> str:
    return ", ".join(f"{name} {mode}" for name, mode in server.door.setup.modes.items())


def _judged(server: "Server") -> Iterator[str]:
    for route in server.door.setup.routes:
        yield f"route {route.name}: {route.judged}"
