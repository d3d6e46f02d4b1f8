"""`serve`: the gateway as a process."""

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
from sidecritic.errors import ConfigError, MissingExtra

if TYPE_CHECKING:
    from sidecritic.assembly.gateway import GatewayMaker
    from sidecritic.cli.gateway.sources import Source
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
    workers: Annotated[
        int, typer.Option(min=1, max=64, help="Processes that serve, behind one socket.")
    ] = 1,
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
        from sidecritic.cli.gateway.serving import run
        from sidecritic.settings.environment import environment

        source = _source(config, {key: each for key, each in flags.items() if each is not None})
        settings = source.read()
        maker = GatewayMaker(source.folder, environment())
        if check:
            _check(output, maker, settings, source.folder)
            return
        if code := run(workers, maker, settings, source):
            raise typer.Exit(code)


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
