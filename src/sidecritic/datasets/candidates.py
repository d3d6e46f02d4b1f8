"""Labelled proposals before they become rows: small enough to hold all in memory."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256

from sidecritic.datasets.licences import licence_of
from sidecritic.datasets.material import Material
from sidecritic.datasets.rows import Provenance
from sidecritic.labelling.label import Label
from sidecritic.labelling.logged import LoggedProposal, logged_proposals
from sidecritic.labelling.trust import LabelKey
from sidecritic.recorded import Kind
from sidecritic.splits.users import domain_of, user_in
from sidecritic.trace import Trajectory
from sidecritic.types import Assistant, Message, Proposal

_RECENT = 4
"""Messages before the action that tell two proposals apart."""


@dataclass(frozen=True, slots=True)
class Candidate:
    key: LabelKey
    label: Label
    kind: Kind
    provenance: Provenance
    text: str
    """The action and what was said just before, by which duplicates are found."""
    weight: float
    quarantine: str = ""
    """Why it must not be learned from; empty if it may be."""

    @property
    def id(self) -> str:
        """The same on every machine: of run, place and label."""
        place = f"{self.provenance.run}/{'/'.join(map(str, self.key))}"
        return sha256(place.encode()).hexdigest()[:16]

    @property
    def domain(self) -> str:
        return domain_of(self.provenance.env)


def candidates_of(material: Material) -> Iterator[Candidate]:
    """Yield what is labelled and can be rebuilt, in the order of the trajectories."""
    labels: dict[str, dict[tuple[int, int], Label]] = defaultdict(dict)
    for key, label in material.labels.items():
        labels[key.trajectory][key.turn, key.attempt] = label
    for trajectory in material.trajectories:
        own = labels[trajectory.id]
        for place in labelled_places(material, trajectory, own):
            label = own[place.proposal.turn, place.proposal.attempt]
            yield _candidate(material, trajectory, place, label)


def labelled_places(
    material: Material, trajectory: Trajectory, wanted: Mapping[tuple[int, int], object]
) -> Iterator[LoggedProposal]:
    """Yield the proposals of a trajectory that are wanted, by turn and attempt."""
    briefing = material.briefings.get(trajectory.id)
    if briefing is None or not wanted:
        return
    for place in logged_proposals(trajectory, briefing, gate="all"):
        if (place.proposal.turn, place.proposal.attempt) in wanted:
            yield place


def _candidate(
    material: Material, trajectory: Trajectory, place: LoggedProposal, label: Label
) -> Candidate:
    return Candidate(
        key=LabelKey(trajectory.id, label.turn, label.attempt),
        label=label,
        kind=place.kind,
        provenance=Provenance(
            run=material.name,
            trajectory=trajectory.id,
            turn=label.turn,
            attempt=label.attempt,
            call_id=label.call_id,
            tool=label.tool,
            env=trajectory.task.env,
            task_id=trajectory.task.id,
            user_id=user_in(trajectory),
            actor=trajectory.actor,
            source=label.source,
            category=label.category,
            trust=material.trust_in(trajectory),
            licence=licence_of(trajectory.task.env),
        ),
        text=_text(place.proposal),
        weight=label.weight,
        quarantine=material.quarantined(trajectory),
    )


def _text(proposal: Proposal) -> str:
    recent = proposal.history[-_RECENT:]
    return "\n".join((*map(_said, recent), "PROPOSED", _said(proposal.action)))


def _said(message: Message) -> str:
    if isinstance(message, Assistant):
        calls = (f"{call.name} {call.raw}" for call in message.calls)
        return " ".join((message.text, *calls))
    return message.text
