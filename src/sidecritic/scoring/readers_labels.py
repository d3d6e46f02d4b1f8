"""ReadersLabels of readers: which first wrong writes could have been known to be wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sidecritic.errors import ConfigError
from sidecritic.writes import normal_form


class _Line(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    file: str
    simulation: int
    tool: str
    arguments: dict[str, Any]
    detectable: bool


ReadersLabels = Mapping[tuple[str, int, str], bool]
"""File, position in it and normal form of the write, to whether it was detectable."""


def read_readers_labels(file: Path) -> ReadersLabels:
    """Read a JSON-lines file of labels; of two for one write the later counts.

    Raises:
        ConfigError: it cannot be read; the message names the line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"cannot read the labels {file}: {cause}; check the path") from cause
    labels: dict[tuple[str, int, str], bool] = {}
    for number, raw in enumerate(text.split("\n"), start=1):
        if not raw.strip():
            continue
        try:
            line = _Line.model_validate_json(raw)
        except ValidationError as cause:
            first = cause.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"])) or "the line"
            raise ConfigError(f"{file}, line {number}: {place}: {first['msg']}") from cause
        form = normal_form(line.tool, line.arguments)
        labels[line.file, line.simulation, form] = line.detectable
    return labels
