"""Rows that repeat or contradict others.

Texts are the action and the few messages before it, not the whole prompt: policy and tools
are nine tenths of that and would make everything a duplicate of everything. Only rows of one
tool and one label are compared: a right call and a wrong one that differ in an id are the best
pair that a critic can learn from.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence

from sidecritic.datasets.candidates import Candidate
from sidecritic.splits.near_duplicates import NearDuplicates

SIMILAR = 0.9


def without_duplicates(
    rows: Iterable[Candidate], *, similar: float = SIMILAR
) -> tuple[list[Candidate], int]:
    """Return the rows that say something new, in order, and how many do not."""
    rows, seen = list(rows), NearDuplicates(similar)
    kept = [
        row
        for row in rows
        if seen.add(row.text, (row.provenance.env, row.label.tool, row.label.wrong))
    ]
    return kept, len(rows) - len(kept)


def without_contradictions(
    rows: Sequence[Candidate], same: Callable[[Candidate], Hashable] | None = None
) -> tuple[list[Candidate], int]:
    """Return the rows without those whose very text has the other label with more weight.

    Where both weigh the same, all go: a critic could only learn to guess. `same` says what else
    makes two rows one, such as their prompt.
    """
    of = same or _same
    scales: dict[Hashable, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        scales[of(row)][row.label.wrong] += row.weight
    kept = [
        row
        for row in rows
        if scales[of(row)][row.label.wrong] > scales[of(row)][not row.label.wrong]
    ]
    return kept, len(rows) - len(kept)


def _same(row: Candidate) -> Hashable:
    return (row.provenance.env, " ".join(row.text.lower().split()))
