"""The gateway's settings in their file: read, checked, and edited in place."""

import re
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.settings import GatewaySettings, Mode, RouteSettings
from sidecritic.settings.critic_names import names_in
from sidecritic.settings.files import read_toml
from sidecritic.settings.names import suggestion

_SECTION = re.compile(r"^\s*\[")
_SQLITE_FILE = re.compile(
    r"(?P<scheme>sqlite(\+\w+)?:///)(?!/|[A-Za-z]:|:memory:|file:)(?P<file>[^?]+)(?P<query>\?.*)?"
)
"""A database in a file whose path is relative."""
_MODE = re.compile(r"^(\s*mode\s*=\s*)([\"'])\w+\2")


def gateway_settings(file: Path) -> GatewaySettings:
    """Read the settings of a gateway.

    Raises:
        ConfigError: the file cannot be read, or holds what is not known or cannot be used.
    """
    read = read_toml(file, "settings")
    try:
        settings = GatewaySettings.model_validate(read)
    except ValidationError as cause:
        raise ConfigError(f"{file}: {first_problem(cause)}") from cause
    require_sound(settings, file)
    return stored_beside(settings, file.parent)


def stored_beside(settings: GatewaySettings, folder: Path) -> GatewaySettings:
    """Return the settings with the store's file, as all others, relative to a folder.

    Commands are typed anywhere, and one database is meant.
    """
    found = _SQLITE_FILE.fullmatch(settings.store.url)
    if found is None:
        return settings
    url = f"{found['scheme']}{(folder / found['file']).resolve()}{found['query'] or ''}"
    store = settings.store.model_copy(update={"url": url})
    return settings.model_copy(update={"store": store})


def require_sound(settings: GatewaySettings, file: Path) -> None:
    """Check settings against each other; `file` is where they stand.

    Raises:
        ConfigError: they contradict each other.
    """
    for name, route in settings.routes.items():
        if route.upstream not in settings.upstreams:
            known = suggestion(route.upstream, settings.upstreams)
            raise ConfigError(f"{file}: routes.{name}: unknown upstream {route.upstream!r}{known}")
        if strictest_mode(route) == "enforce" and (problem := _approves_all(route)):
            raise ConfigError(
                f"{file}: routes.{name} enforces {problem}: everything would be approved; "
                'set it, or mode = "shadow"'
            )
        if route.prefix.split("/")[1:2] in (["healthz"], ["readyz"], ["metrics"]):
            raise ConfigError(f"{file}: routes.{name}: prefix {route.prefix!r} is the server's own")
    host, _, port = settings.listen.rpartition(":")
    if int(port) > 65_535:
        raise ConfigError(f"{file}: listen = {settings.listen!r}: ports end at 65535")
    host = host.strip("[]")
    if not settings.clients and host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"{file}: listen = {settings.listen!r} is open to others, and no [[clients]] "
            "are listed; list them, or listen on 127.0.0.1"
        )
    taken = [(r.prefix, settings.upstreams[r.upstream].provider) for r in settings.routes.values()]
    if len(set(taken)) < len(taken):
        raise ConfigError(f"{file}: two routes share prefix and provider; give one a prefix")


def _approves_all(route: RouteSettings) -> str:
    """Say which setting keeps every action from a critic; empty when none does."""
    if set(names_in(route.critic)) == {"none"}:
        return 'without a critic (critic, such as "default" with a pack)'
    if route.gate == "none":
        return 'without a gate (gate = "none")'
    effects = (rule for rule in route.tools if rule.effect is not None)
    first = next(effects, None)
    if first and first.effect == "read" and not first.match.strip("*") and route.gate != "all":
        return f'and takes every call for a read (match = "{first.match}", without gate = "all")'
    return ""


def require_route(file: Path, route: str) -> GatewaySettings:
    """Return the settings, which have that route.

    Raises:
        ConfigError: they cannot be read, or do not.
    """
    settings = gateway_settings(file)
    if route not in settings.routes:
        raise ConfigError(f"{file}: unknown route {route!r}{suggestion(route, settings.routes)}")
    return settings


def set_mode(file: Path, route: str, mode: Mode) -> Mode:
    """Write the mode of a route into the settings, and return what it was.

    Raises:
        ConfigError: there is no such route, or the file cannot be edited line by line.
    """
    settings = require_route(file, route)
    before = settings.routes[route].mode
    expected = {**settings.routes, route: settings.routes[route].model_copy(update={"mode": mode})}
    require_sound(settings.model_copy(update={"routes": expected}), file)
    text = file.read_text(encoding="utf-8")
    edited = _edited(text, route, mode)
    scratch = file.with_name(f"{file.name}.new")
    scratch.write_text(edited, encoding="utf-8")
    try:
        if gateway_settings(scratch).routes != expected:
            raise ConfigError(f'{file}: write mode = "{mode}" into [routes.{route}] by hand')
        scratch.replace(file)
    finally:
        scratch.unlink(missing_ok=True)
    return before


def _edited(text: str, route: str, mode: Mode) -> str:
    heading = re.compile(rf"^\s*\[\s*routes\s*\.\s*[\"']?{re.escape(route)}[\"']?\s*\]")
    lines = text.splitlines(keepends=True)
    start = next((at for at, line in enumerate(lines) if heading.match(line)), None)
    if start is None:
        return text
    for at in range(start + 1, len(lines)):
        if _SECTION.match(lines[at]):
            break
        if _MODE.match(lines[at]):
            lines[at] = _MODE.sub(rf'\g<1>"{mode}"', lines[at])
            return "".join(lines)
    lines.insert(start + 1, f'mode = "{mode}"\n')
    return "".join(lines)
