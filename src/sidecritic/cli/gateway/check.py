"""What `serve --check` says of settings that can be used."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sidecritic.gateway.routes import Setup
from sidecritic.gateway.settings import GatewaySettings
from sidecritic.reports.effects import ToolRow, effects_section
from sidecritic.reports.tables import printed
from sidecritic.seats.tools import Mode
from sidecritic.settings.route_tools import NO_EFFECTS, has_effects, tools_of
from sidecritic.types import Record


class CheckedRoute(Record):
    mode: Mode
    judged: str
    tools: tuple[ToolRow, ...]
    warnings: tuple[str, ...]


class Checked(Record):
    """As `--json` prints it."""

    ok: bool = True
    config: str
    """Digest of the settings, as decisions name it."""
    modes: dict[str, Mode]
    routes: dict[str, CheckedRoute]


def checked(settings: GatewaySettings, setup: Setup, folder: Path) -> Checked:
    """Return what is to be said of each route.

    Raises:
        ConfigError: a file of tools cannot be read.
    """
    routes: dict[str, CheckedRoute] = {}
    for route in setup.routes:
        given = settings.routes[route.name]
        tools = tools_of(given, folder)
        routes[route.name] = CheckedRoute(
            mode=given.mode,
            judged=route.judged,
            tools=tuple(
                ToolRow(name=each.tool.name, effect=each.effect, because=each.because)
                for each in tools
            ),
            warnings=() if has_effects(given, tools) else (NO_EFFECTS,),
        )
    return Checked(config=setup.digest, modes=dict(setup.modes), routes=routes)


def shown(found: Checked) -> Iterator[Any]:
    """Yield modes, tables of tools, and what is judged, for a person."""
    for name, route in found.routes.items():
        if route.tools:
            yield from printed([effects_section(f"Tools of route {name}", route.tools)])
    yield from (f"{name}: {mode}" for name, mode in found.modes.items())
    yield from (f"{name}: {route.judged}" for name, route in found.routes.items())


def warnings(found: Checked) -> Iterator[str]:
    """Yield what an operator should mend."""
    for name, route in found.routes.items():
        yield from (f"warning: route {name}: {each}" for each in route.warnings)
