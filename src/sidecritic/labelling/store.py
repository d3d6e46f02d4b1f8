"""`labels.jsonl` of a run: append-only, and resumed after a kill.

`labelled.jsonl` says which sources have gone through which trajectory, because a source without
anything to say leaves no label. Labels are synced first, so a kill can at worst have a trajectory
labelled twice; of two labels of one source for one place the later counts.
"""

from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Literal, TypeVar

from sidecritic.errors import ConfigError
from sidecritic.journal import Journal, open_journal
from sidecritic.json_lines import parsed
from sidecritic.labelling.label import Label, LabelSource
from sidecritic.types import Record

LABELS_FILE = "labels.jsonl"
LABELLED_FILE = "labelled.jsonl"

_Kind = TypeVar("_Kind", bound=Record)


class LabelledTrajectory(Record):
    """One line of `labelled.jsonl`: a source has been through a trajectory."""

    schema_version: Literal[1] = 1
    trajectory: str
    source: LabelSource
    settings: str
    """What the source was told: with other settings the trajectory is labelled again."""
    labels: int


class LabelStore:
    """The open label files of one run."""

    def __init__(
        self, labels: Journal, labelled: Journal, done: Iterable[LabelledTrajectory]
    ) -> None:
        self._labels = labels
        self._labelled = labelled
        self._done = {(d.trajectory, d.source, d.settings) for d in done}

    def is_done(self, trajectory: str, source: LabelSource, settings: str) -> bool:
        """Whether the source has been through the trajectory, told the same."""
        return (trajectory, source, settings) in self._done

    def add(self, made: LabelledTrajectory, labels: Iterable[Label]) -> None:
        """Write what one source says of one trajectory.

        Raises:
            ConfigError: the disk is full; nothing half-written is left.
        """
        text = "".join(f"{label.model_dump_json()}\n" for label in labels)
        if text:
            self._labels.append(text)
        self._labelled.append(f"{made.model_dump_json()}\n")
        self._done.add((made.trajectory, made.source, made.settings))


@contextmanager
def open_labels(directory: Path) -> Generator[LabelStore]:
    """Open the label files of a run, new or to resume.

    Raises:
        ConfigError: they cannot be written or read, or another process writes them.
    """
    with ExitStack() as stack:
        labels = stack.enter_context(open_journal(directory / LABELS_FILE))
        labelled = stack.enter_context(open_journal(directory / LABELLED_FILE))
        for journal in (labels, labelled):
            # What a kill cut off is repeated: its trajectory is not marked as labelled.
            journal.drop(len(journal.unfinished()))
        done = _records(directory / LABELLED_FILE, LabelledTrajectory)
        yield LabelStore(labels, labelled, done)


def read_labels(directory: Path) -> tuple[Label, ...]:
    """Return the labels of a run, one for each place and source; none before it was labelled.

    Raises:
        ConfigError: a line cannot be read.
    """
    found = _records(directory / LABELS_FILE, Label)
    return tuple({(label.place, label.source): label for label in found}.values())


def _records(file: Path, kind: type[_Kind]) -> Iterator[_Kind]:
    try:
        lines = file.read_bytes().split(b"\n")
    except FileNotFoundError:
        return
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}") from cause
    # A kill cut off what stands behind the last newline.
    advice = "delete the line, then label the run again"
    yield from parsed(lines[:-1], kind, file, advice=advice)
