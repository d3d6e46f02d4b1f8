"""The training curve: one line for each validation."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from sidecritic.errors import ConfigError
from sidecritic.runs import write_whole
from sidecritic.types import Record


class Point(Record):
    """One validation."""

    step: int
    """0 is the untuned base."""
    auroc: float
    log_loss: float
    """Of the verdicts on the validation rows, in nats."""
    loss: float | None = None
    """Mean training loss since the last validation."""
    seconds: float
    """Of training and validating, over all starts."""


def read_curve(file: Path) -> tuple[Point, ...]:
    """Return the points, without a line that a kill cut off."""
    if not file.exists():
        return ()
    points: list[Point] = []
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            points.append(Point.model_validate_json(line))
        except ValidationError:
            break
    return tuple(points)


def write_curve(file: Path, points: Sequence[Point]) -> None:
    """Replace the file.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        write_whole(file, "".join(f"{json.dumps(p.model_dump())}\n" for p in points))
    except OSError as cause:
        raise ConfigError(f"cannot write {file}: {cause.strerror}; make room") from cause


def best(points: Sequence[Point]) -> Point:
    """Return the point of the highest AUROC; of several the one of the least log loss."""
    return max(points, key=lambda point: (point.auroc, -point.log_loss))


def is_stuck(points: Sequence[Point], patience: int) -> bool:
    """Whether the last so many validations brought no better AUROC."""
    highest = max((point.auroc for point in points), default=0.0)
    first = next((at for at, point in enumerate(points) if point.auroc == highest), 0)
    return len(points) - 1 - first >= patience
