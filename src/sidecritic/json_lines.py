"""Files of one JSON record a line, and what is wrong with a line that is not one."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from sidecritic.errors import ConfigError, first_problem

_Record = TypeVar("_Record", bound=BaseModel)


def records_in(
    file: Path, kind: type[_Record], *, missing: str = "check the path", advice: str = ""
) -> Iterator[_Record]:
    """Yield the records of a file; `missing` and `advice` say what to do about it.

    Raises:
        ConfigError: it cannot be read; the message names the line.
    """
    yield from parsed(lines_in(file, missing=missing), kind, file, advice=advice)


def lines_in(file: Path, *, missing: str = "check the path") -> list[str]:
    """Return the lines of a file, empty ones as well.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"cannot read {file}: {cause}; {missing}") from cause


def parsed(
    lines: Iterable[str | bytes], kind: type[_Record], file: Path, *, advice: str = ""
) -> Iterator[_Record]:
    """Yield the record of each line that is not empty.

    Raises:
        ConfigError: names the file and the line.
    """
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield kind.model_validate_json(line)
            except ValidationError as cause:
                problem = f"{file}, line {number}: {first_problem(cause, 'the line')}"
                raise ConfigError(f"{problem}; {advice}" if advice else problem) from cause
