"""ReadersLabels of readers: which first wrong writes could have been known to be wrong."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from sidecritic.json_lines import records_in
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
    return {
        (line.file, line.simulation, normal_form(line.tool, line.arguments)): line.detectable
        for line in records_in(file, _Line)
    }
