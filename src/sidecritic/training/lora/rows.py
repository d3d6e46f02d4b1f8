"""The rows of a data set that a fine-tune learns from and validates with."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

from sidecritic.critics.compact import rendering
from sidecritic.datasets.rows import PreferenceRow, Provenance, VerdictRow
from sidecritic.errors import ConfigError
from sidecritic.json_lines import records_in
from sidecritic.splits.assignment import require_no_leak
from sidecritic.splits.held_out import HeldOut

_Row = TypeVar("_Row", VerdictRow, PreferenceRow)


@dataclass(frozen=True, slots=True)
class TuningRows:
    """What one fine-tune reads."""

    train: tuple[VerdictRow, ...]
    validation: tuple[VerdictRow, ...]
    rendering: str
    """Name of the rendering that the prompts were made with."""
    pairs: tuple[PreferenceRow, ...] = ()
    """Of the second stage: all about verdicts, in the order in which they are taken."""

    @property
    def provenances(self) -> Iterator[Provenance]:
        """Of every row and pair, those to validate with as well."""
        return (row.provenance for row in (*self.train, *self.validation, *self.pairs))

    @property
    def digest(self) -> str:
        """Changes with any row."""
        found = sha256()
        for row in (*self.train, *self.validation, *self.pairs):
            found.update(row.model_dump_json().encode())
        return found.hexdigest()[:16]


def read_material(
    folder: Path, *, examples: int, validation: int, seed: int, preferences: bool = False
) -> TuningRows:
    """Read and choose; both splits are balanced as far as there are rows.

    With `preferences` the pairs of a second stage as well.

    Raises:
        ConfigError: no data set, a damaged one, one class is empty, no pair where pairs are
            asked for, or a task or user is in both splits.
    """
    train = _rows(folder / "verdict" / "train.jsonl", VerdictRow)
    held = _rows(folder / "verdict" / "validation.jsonl", VerdictRow)
    _require_both(folder, "train", train)
    _require_both(folder, "validation", held)
    pairs = _preferences(folder) if preferences else ()
    require_no_leak(
        [
            *(("train", row.provenance) for row in (*train, *pairs)),
            *(("validation", row.provenance) for row in held),
        ]
    )
    return TuningRows(
        train=_chosen(train, examples, seed),
        validation=_chosen(held, validation, seed),
        rendering=_rendering(folder),
        pairs=_drawn(pairs, Random(seed)),
    )


TestsOf = Callable[[Iterable[str]], HeldOut]
"""Return what the test splits of environments hold, by their names."""


def require_no_test_rows(material: TuningRows, tests_of: TestsOf) -> None:
    """Raise where a row is of a test task, or of a user in one.

    Raises:
        ConfigError: names the first, or an unknown environment.
    """
    tests = tests_of({row.env for row in material.provenances})
    for row in material.provenances:
        if found := tests.objection(row):
            raise ConfigError(
                f"{found}: nothing may be learned from it; train on the train split, or export "
                "the data set with --held-out drop"
            )


class FittingPairs(NamedTuple):
    """Pairs that a second stage learns from."""

    pairs: tuple[PreferenceRow, ...]
    too_long: int
    """Pairs that were passed over because one of their answers would have been cut."""


def fitting_pairs(
    pairs: Sequence[PreferenceRow],
    length: Callable[[PreferenceRow], int],
    *,
    limit: int,
    number: int,
) -> FittingPairs:
    """Return the first so many pairs of at most `limit` tokens, as `length` counts them.

    Raises:
        ConfigError: none is.
    """
    kept: list[PreferenceRow] = []
    too_long = 0
    for pair in pairs:
        if len(kept) == number:
            break
        if length(pair) <= limit:
            kept.append(pair)
        else:
            too_long += 1
    if not kept:
        raise ConfigError(
            f"none of {too_long} preference pairs has at most {limit} tokens; raise max_tokens, "
            "leave [dpo] out, or export the data set with a shorter rendering"
        )
    return FittingPairs(tuple(kept), too_long)


def _preferences(folder: Path) -> tuple[PreferenceRow, ...]:
    """Read the preference pairs about verdicts; raise where there are none."""
    file = folder / "preference" / "train.jsonl"
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
    missing = (
        "give the folder that `sidecritic datagen export` wrote, with enough users for the split"
    )
    return list(records_in(file, kind, missing=missing))


def _require_both(folder: Path, split: str, rows: Sequence[VerdictRow]) -> None:
    wrong = sum(row.wrong for row in rows)
    if not wrong or wrong == len(rows):
        missing = "wrong" if not wrong else "right"
        raise ConfigError(
            f"{folder}: the {split} split has {len(rows)} rows and none that is {missing}; a "
            "critic learns from both: label or play more, or move users with --seed"
        )


def _chosen(rows: Sequence[VerdictRow], limit: int, seed: int) -> tuple[VerdictRow, ...]:
    """Return at most so many rows, as balanced as they allow; heavier ones more often."""
    random = Random(seed)
    drawn = _drawn(rows, random)
    wrong = [row for row in drawn if row.wrong]
    right = [row for row in drawn if not row.wrong]
    half = limit // 2
    most_wrong = max(half, limit - len(right))
    kept = wrong[:most_wrong]
    kept = [*kept, *right[: limit - len(kept)]]
    random.shuffle(kept)
    return tuple(kept)


def _drawn(rows: Sequence[_Row], random: Random) -> tuple[_Row, ...]:
    """Return all rows in an order in which heavier ones come first more often.

    Source: Efraimidis and Spirakis, Weighted Random Sampling with a Reservoir (2006).
    """
    keyed = sorted((random.random() ** (1 / row.weight), row.id, at) for at, row in enumerate(rows))
    return tuple(rows[at] for _, _, at in reversed(keyed))
