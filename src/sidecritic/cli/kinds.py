"""Train a critic of some kind on labelled runs: the one place that knows the kinds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from sidecritic.critics.registry import CriticKind
from sidecritic.runs import write_whole


@dataclass(frozen=True, slots=True)
class Lesson:
    """What to learn from, and where the result goes."""

    name: str
    runs: tuple[Path, ...]
    """Labelled runs."""
    data: Path
    """The data set that was exported from them."""
    out: Path
    """Folder of the weights."""
    workers: int = 1


def train_kind(kind: CriticKind, lesson: Lesson, settings: Mapping[str, JsonValue]) -> Path:
    """Return the weights, in the lesson's folder.

    Raises:
        ConfigError: there is nothing to learn from, or what the kind needs is not there.
    """
    match kind:
        case "head":
            return _head(lesson)
        case "lora":
            return _lora(lesson, settings)


def _head(lesson: Lesson) -> Path:
    from sidecritic.config.heads import head_from_runs
    from sidecritic.critics.head_weights import to_json

    made = head_from_runs(lesson.runs, name=lesson.name, workers=lesson.workers)
    file = lesson.out / f"{lesson.name}.json"
    write_whole(file, to_json(made.weights))
    return file


def _lora(lesson: Lesson, settings: Mapping[str, JsonValue]) -> Path:
    raise NotImplementedError
