"""Where recorded runs of real agents lie: they are no part of the repository."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "SIDECRITIC_RECORDED"
SPLIT = "dev"
"""The runs that figures may be looked at on, again and again."""

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "trajectories"
"""A folder beside that of the repository."""


class Missing(Exception):
    """Recorded runs, or their labels, are not where they were looked for."""


@dataclass(frozen=True, slots=True)
class RecordedRuns:
    files: tuple[Path, ...]
    labels: Path


def recorded_runs(
    files: Sequence[Path], labels: Path | None, environment: Mapping[str, str]
) -> RecordedRuns:
    """Return what was asked for, else the runs in the folder that the environment names.

    The labels of the files of a folder `dev` are `dev_labels.jsonl` beside the folder.

    Raises:
        Missing: there are none; the message says what to give.
    """
    if not files:
        root = Path(environment.get(VARIABLE) or BESIDE)
        files = sorted((root / SPLIT).glob("*.json*"))
        if not files:
            raise Missing(
                f"no recorded runs in {root / SPLIT}; set {VARIABLE} to the folder that holds "
                f"{SPLIT}/ and {SPLIT}_labels.jsonl, or name files and --labels"
            )
    folder = files[0].resolve().parent
    labels = labels or folder.with_name(f"{folder.name}_labels.jsonl")
    if not labels.is_file():
        raise Missing(f"no labels of first wrong writes at {labels}; name them with --labels FILE")
    return RecordedRuns(tuple(files), labels)
