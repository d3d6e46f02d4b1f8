"""Which source decides where they disagree about a proposal.

    fault      what was planted is known, however the episode ended
    human      a person has read the case
    branching  many continuations say what an intervention changes
    outcome    one episode, against one reference
    teacher    a model that has seen the reference
    rule       a check, at least as likely right as not

The first one with a label decides. Each later one that disagrees halves the weight, except where
the truth is known: a fault such as a missing confirmation may leave no trace in the outcome.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sidecritic.labelling.label import Label, LabelSource

TRUST: Sequence[LabelSource] = ("fault", "human", "branching", "outcome", "teacher", "rule")

_KNOWN: frozenset[LabelSource] = frozenset({"fault", "human"})


class LabelKey(NamedTuple):
    """A proposal as a whole, whichever of its calls a label is about."""

    trajectory: str
    turn: int
    attempt: int


def settled(labels: Iterable[Label]) -> dict[LabelKey, Label]:
    """Return one label for each proposal, in the order in which proposals first appear.

    A proposal is wrong when the deciding source holds one of its calls to be; its feedback is
    that of the most trusted source that has any.
    """
    found: dict[LabelKey, list[Label]] = defaultdict(list)
    for label in labels:
        found[LabelKey(label.trajectory, label.turn, label.attempt)].append(label)
    return {key: _decided(sorted(group, key=_order)) for key, group in found.items()}


def _order(label: Label) -> tuple[int, bool, float]:
    return (TRUST.index(label.source), not label.wrong, -label.weight)


def _decided(ranked: Sequence[Label]) -> Label:
    decider = ranked[0]
    feedback = next((label.feedback for label in ranked if label.feedback and label.wrong), "")
    weight = decider.weight
    if decider.source not in _KNOWN:
        dissent = {label.source for label in ranked if label.wrong != decider.wrong}
        weight *= 0.5 ** len(dissent - {decider.source})
    return decider.model_copy(
        update={"weight": weight, "feedback": feedback if decider.wrong else ""}
    )
