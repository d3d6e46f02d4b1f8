"""Labels that a reader gives in the served pages: they go into the `labels.jsonl` of the run."""

from typing import NamedTuple

from sidecritic.errors import ConfigError
from sidecritic.labelling.label import Label
from sidecritic.labelling.people import by_people
from sidecritic.labelling.store import LabelledTrajectory, open_labels, read_labels
from sidecritic.recorded import Opinion
from sidecritic.viewer.library import EpisodeRow, RunFolder


class Said(NamedTuple):
    """What a reader says of one proposal."""

    turn: int
    attempt: int
    wrong: bool
    note: str = ""


def label_proposal(run: RunFolder, row: EpisodeRow, said: Said) -> None:
    """Write a label; of two of one proposal the later counts.

    Raises:
        ConfigError: there is no such proposal, the run does not say what the actor was told, or
            the file cannot be written.
    """
    trajectory = run.trajectory(row)
    briefing = run.record.briefings.get(trajectory.briefing)
    if briefing is None:
        raise ConfigError(f"{run.title} does not hold the policy and tools of this episode")
    opinion = Opinion(
        trajectory=trajectory.id,
        turn=said.turn,
        attempt=said.attempt,
        wrong=said.wrong,
        feedback=said.note if said.wrong else "",
        note=said.note,
    )
    labels = list(by_people(trajectory, briefing, [opinion]))
    done = LabelledTrajectory(
        trajectory=trajectory.id, source="human", settings="viewer", labels=len(labels)
    )
    with open_labels(run.directory) as store:
        store.add(done, labels)


def labels_of(run: RunFolder, row: EpisodeRow) -> tuple[Label, ...]:
    """Return what people said of an episode's proposals."""
    return tuple(
        label
        for label in read_labels(run.directory)
        if label.trajectory == row.id and label.source == "human"
    )
