"""Files that people write."""

import tomllib
from pathlib import Path
from typing import Any

from sidecritic.errors import ConfigError


def read_text(file: Path, what: str) -> str:
    """Return the text of a file; `what` says what it holds.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8")
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
