"""Files that workflows write."""

from pathlib import Path

from sidecritic.errors import ConfigError
from sidecritic.runs import write_whole


def write_file(file: Path, text: str) -> None:
    """Write a whole file, and create its folder if there is none.

    Raises:
        ConfigError: it cannot be written.
    """
    require_file(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as cause:
        raise ConfigError(
            f"cannot write {file}: {cause.strerror}; name another file, or make room"
        ) from cause


def require_file(file: Path | None) -> None:
    """Check the path of a file before the work whose result it will hold.

    Raises:
        ConfigError: it is a directory.
    """
    if file is not None and file.is_dir():
        raise ConfigError(f"cannot write {file}: it is a directory; name a file")
