"""The rows of a data set that a fine-tune learns from and validates with."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TypeVar

from pydantic import ValidationError

from sidecritic.critics.compact import rendering
from sidecritic.datasets.rows import PreferenceRow, Provenance, Split, VerdictRow
from sidecritic.errors import ConfigError

_Row = TypeVar("_Row", VerdictRow, PreferenceRow)


@dataclass(frozen=True, slots=True)
class Material:
    """What one fine-tune reads."""

    train: tuple[VerdictRow, ...]
    validation: tuple[VerdictRow, ...]
    rendering: str
    """Name of the rendering that the prompts were made with."""

    @property
    def digest(self) -> str:
        """Changes with any row."""
        found = sha256()
        for row in (*self.train, *self.validation):
            found.update(row.model_dump_json().encode())
        return found.hexdigest()[:16]


def read_material(folder: Path, *, examples: int, validation: int, seed: int) -> Material:
    """Read and choose; both splits are balanced as far as there are rows.

    Raises:
        ConfigError: no data set, a damaged one, one class is empty, or a task or user is in both.
    """
    train = _rows(folder / "verdict" / "train.jsonl", VerdictRow)
    held = _rows(folder / "verdict" / "validation.jsonl", VerdictRow)
    _require_both(folder, "train", train)
    _require_both(folder, "validation", held)
    _require_apart(train, held)
    return Material(
        train=_chosen(train, examples, seed),
        validation=_chosen(held, validation, seed),
        rendering=_rendering(folder),
    )


def read_preferences(folder: Path, split: Split = "train") -> tuple[PreferenceRow, ...]:
    """Read preference pairs about verdicts.

    Raises:
        ConfigError: there are none.
    """
    file = folder / "preference" / f"{split}.jsonl"
    found = tuple(row for row in _rows(file, PreferenceRow) if row.about == "verdict")
    if not found:
        raise ConfigError(f"{file} holds no preference pair about a verdict; leave [dpo] out")
    return found


def _rendering(folder: Path) -> str:
    try:
        data = json.loads((folder / "data.json").read_text(encoding="utf-8"))
        return rendering(str(data["rendering"])).name
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise ConfigError(
            f"{folder / 'data.json'} does not say how proposals were rendered; make the data set "
            "with `sidecritic datagen export`"
        ) from cause


def _rows(file: Path, kind: type[_Row]) -> list[_Row]:
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(
            f"cannot read {file}: {cause}; give the folder that `sidecritic datagen export` wrote, "
            "with enough users for the split"
        ) from cause
    return list(_parsed(lines, file, kind))


def _parsed(lines: Sequence[str], file: Path, kind: type[_Row]) -> Iterator[_Row]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield kind.model_validate_json(line)
        except ValidationError as cause:
            first = cause.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"])) or "the line"
            raise ConfigError(f"{file}, line {number}: {where}: {first['msg']}") from cause


def _require_both(folder: Path, split: str, rows: Sequence[VerdictRow]) -> None:
    wrong = sum(row.wrong for row in rows)
    if not wrong or wrong == len(rows):
        missing = "wrong" if not wrong else "right"
        raise ConfigError(
            f"{folder}: the {split} split has {len(rows)} rows and none that is {missing}; a "
            "critic learns from both: label or play more, or move users with --seed"
        )


def _require_apart(train: Sequence[VerdictRow], held: Sequence[VerdictRow]) -> None:
    seen = {name for row in train for name in _names(row.provenance)}
    both = sorted(name for row in held for name in _names(row.provenance) if name in seen)
    if both:
        raise ConfigError(
            f"{both[0]} is in train and validation; a critic would be judged by what it has seen"
        )


def _names(row: Provenance) -> tuple[str, str]:
    return f"task {row.task_id!r} of {row.env}", f"user {row.user_id!r} of {row.env}"


def _chosen(rows: Sequence[VerdictRow], limit: int, seed: int) -> tuple[VerdictRow, ...]:
    """Return at most so many rows, as balanced as they allow; heavier ones come first more often.

    Source: Efraimidis and Spirakis, Weighted Random Sampling with a Reservoir (2006).
    """
    random = Random(seed)
    keyed = sorted((random.random() ** (1 / row.weight), row.id, row) for row in rows)
    wrong = [row for _, _, row in reversed(keyed) if row.wrong]
    right = [row for _, _, row in reversed(keyed) if not row.wrong]
    half = limit // 2
    most_wrong = max(half, limit - len(right))
    kept = wrong[:most_wrong]
    kept = [*kept, *right[: limit - len(kept)]]
    random.shuffle(kept)
    return tuple(kept)
