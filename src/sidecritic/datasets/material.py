"""Labelled runs, which rows are made from, and how far each can be trusted.

Two files beside a run, written by a person, decide about quarantine. Each holds ids of
trajectories, one a line, or `*` for all; what follows a `#` is a comment.

    hostile.txt   attempts to poison: always quarantined
    vouched.txt   of a run of the live gateway: checked by a person

Trajectories of the live gateway are quarantined until a person vouches for them: their users
are strangers, who may be nice to an agent only to teach its critic something.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sidecritic.datasets.rows import Trust
from sidecritic.errors import ConfigError
from sidecritic.labelling.decisions import ORIGIN
from sidecritic.labelling.label import Label
from sidecritic.labelling.outcomes import by_outcome
from sidecritic.labelling.store import LABELS_FILE, read_labels
from sidecritic.labelling.trust import LabelKey, settled
from sidecritic.recorded import Recorded
from sidecritic.runs import read_run
from sidecritic.trace import Trajectory
from sidecritic.types import Briefing

HOSTILE_FILE = "hostile.txt"
VOUCHED_FILE = "vouched.txt"
EVERY = frozenset({"*"})


@dataclass(frozen=True, slots=True)
class Material:
    """The trajectories of one run or file, with their labels."""

    name: str
    trajectories: tuple[Trajectory, ...]
    briefings: Mapping[str, Briefing]
    """By trajectory id."""
    labels: Mapping[LabelKey, Label]
    trust: Trust | None = None
    """`None`: simulated where the actor is, else recorded."""
    hostile: frozenset[str] = frozenset()
    vouched: frozenset[str] = frozenset()
    problems: tuple[str, ...] = ()

    def trust_in(self, trajectory: Trajectory) -> Trust:
        if self.trust is not None:
            return self.trust
        return "simulated" if "actor" in trajectory.simulated else "recorded"

    def quarantined(self, trajectory: Trajectory) -> str:
        """Return why the trajectory may not be learned from; empty when it may."""
        if holds(self.hostile, trajectory.id):
            return "hostile"
        if self.trust_in(trajectory) == "live" and not holds(self.vouched, trajectory.id):
            return "live, and not vouched for"
        return ""


Reads = Callable[[], Material]
"""Reads one material; called twice, so that only one needs to be held at a time."""


def run_material(directory: Path, *, name: str = "", hostile: bool = False) -> Material:
    """Read a labelled run; without a name it has its folder's.

    Raises:
        ConfigError: it is not a run, it has no labels, or a file cannot be read.
    """
    run, labels = read_run(directory), read_labels(directory)
    if not labels and (directory / LABELS_FILE).exists():
        raise ConfigError(
            f"{directory} was labelled, but no source found anything to say about its "
            f"{len(run.trajectories)} episodes; play more, or label with more sources"
        )
    if not labels:
        raise ConfigError(f"{directory} has no labels; run: sidecritic datagen label {directory}")
    known = run.record.briefings
    return Material(
        name=name or directory.resolve().name,
        trajectories=tuple({t.id: t for t in run.trajectories}.values()),
        briefings={t.id: known[t.briefing] for t in run.trajectories if t.briefing in known},
        labels=settled(labels),
        trust="live" if run.record.settings.get("origin") == ORIGIN else None,
        hostile=EVERY if hostile else hostile_in(directory),
        vouched=_listed(directory / VOUCHED_FILE),
        problems=tuple(map(str, run.problems)),
    )


def recorded_material(name: str, runs: Sequence[Recorded], *, hostile: bool = False) -> Material:
    """Return recorded runs of an agent, labelled by how they ended."""
    labels = [label for run in runs for label in by_outcome(run.trajectory, run.briefing)]
    return Material(
        name=name,
        trajectories=tuple(run.trajectory for run in runs),
        briefings={run.trajectory.id: run.briefing for run in runs},
        labels=settled(labels),
        hostile=EVERY if hostile else frozenset(),
    )


def holds(ids: frozenset[str], id: str) -> bool:
    """Whether a list names a trajectory, or all of them."""
    return id in ids or bool(ids & EVERY)


def hostile_in(directory: Path) -> frozenset[str]:
    """Return the ids of the trajectories of a run that are marked as hostile.

    Raises:
        ConfigError: the list cannot be read.
    """
    return _listed(directory / HOSTILE_FILE)


def _listed(file: Path) -> frozenset[str]:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return frozenset()
    except (OSError, UnicodeDecodeError) as cause:
        # Taken for empty, a list of hostile runs would let them in.
        raise ConfigError(f"cannot read {file}: {cause}; mend or remove it") from cause
    names = frozenset(filter(None, (line.partition("#")[0].strip() for line in lines)))
    # A marker without a name marks the run it lies in.
    return names or EVERY
