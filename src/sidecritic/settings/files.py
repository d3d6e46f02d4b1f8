"""Files that people write."""

import tomllib
from collections.abc import Collection, Iterable, Mapping
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


SHIPPED = (Path(__file__).parents[1] / "recipes", Path(__file__).parents[3] / "recipes")
"""Where the recipes are that come with the package: in a wheel, and in a clone."""


def recipe_at(given: Path) -> Path:
    """Return the file of a recipe: a path, or the name of one that comes with the package.

    Raises:
        ConfigError: it is a name, and there is no such recipe.
    """
    if given.exists() or given.suffix or len(given.parts) > 1:
        return given
    folder = next((each for each in SHIPPED if each.is_dir()), SHIPPED[0])
    found = {file.stem: file for file in sorted(folder.glob("*.toml"))}
    if given.name not in found:
        raise ConfigError(
            f"there is no recipe {given.name!r}: no such file{suggestion(given.name, found)}"
        )
    return found[given.name]


def beside(values: Mapping[str, Any], keys: Collection[str], file: Path) -> dict[str, Any]:
    """Return the values of a file; paths under these keys are relative to where it lies."""
    return {
        key: str(file.parent / value)
        if key in keys and isinstance(value, str) and value.strip()
        else value
        for key, value in values.items()
    }


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
