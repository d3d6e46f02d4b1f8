"""Files that people write."""

import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sidecritic.errors import ConfigError
from sidecritic.settings.names import suggestion


def read_text(file: Path, what: str) -> str:
    """Return the text of a file; `what` says what it holds.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as cause:
        raise ConfigError(f"{what} {file} is not UTF-8; save it as UTF-8") from cause
    except OSError as cause:
        raise ConfigError(f"cannot read {what} {file}: {cause.strerror}; check the path") from cause


def read_toml(file: Path, what: str) -> dict[str, Any]:
    """Return the contents of a TOML file; `what` says what it holds.

    Raises:
        ConfigError: it cannot be read, or is not TOML.
    """
    try:
        return tomllib.loads(read_text(file, what))
    except ValueError as cause:
        raise ConfigError(f"{what} {file} is not TOML: {cause}") from cause


def table_of(value: object, name: str, file: Path) -> dict[str, Any]:
    """Return a table of a file, with `_` for `-` in its keys.

    Raises:
        ConfigError: it is something else.
    """
    if not isinstance(value, dict):
        raise ConfigError(f"{file}: {name} is not a table; write it as [{name}]")
    return {str(key).replace("-", "_"): each for key, each in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]


def require_known(keys: Iterable[str], known: Iterable[str], where: object) -> None:
    """Check the keys of a table.

    Raises:
        ConfigError: names the first that is not known.
    """
    names = list(known)
    for key in keys:
        if key not in names:
            raise ConfigError(f"{where}: unknown key {key!r}{suggestion(key, names)}")
