"""Changing the mode of a route where it is written, and nothing else in the file."""

import re
from pathlib import Path

from sidecritic.config.gateways import gateway_settings, require_sound
from sidecritic.config.settings import suggestion
from sidecritic.errors import ConfigError
from sidecritic.seats.tools import Mode

_SECTION = re.compile(r"^\s*\[")
_MODE = re.compile(r"^(\s*mode\s*=\s*)([\"'])\w+\2")


def set_mode(file: Path, route: str, mode: Mode) -> Mode:
    """Write the mode of a route into the settings, and return what it was.

    Raises:
        ConfigError: there is no such route, or the file does not have it in a form that can
            be edited line by line.
    """
    settings = gateway_settings(file)
    if route not in settings.routes:
        known = suggestion(route, settings.routes)
        raise ConfigError(f"{file}: unknown route {route!r}{known}")
    before = settings.routes[route].mode
    expected = {**settings.routes, route: settings.routes[route].model_copy(update={"mode": mode})}
    require_sound(settings.model_copy(update={"routes": expected}), file)
    text = file.read_text(encoding="utf-8")
    edited = _edited(text, route, mode)
    scratch = file.with_name(f"{file.name}.new")
    scratch.write_text(edited, encoding="utf-8")
    try:
        written = gateway_settings(scratch).routes[route].mode
        if written != mode or gateway_settings(scratch).routes != expected:
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
