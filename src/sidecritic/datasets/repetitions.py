"""Rows that say nearly the same: of each such group the first is kept.

Texts are the action and the few messages before it, not the whole prompt: policy and tools
are nine tenths of that and would make everything a duplicate of everything. Only rows of one
tool and one label are compared: a right call and a wrong one that differ in an id are the best
pair that a critic can learn from.

Shingles of three words, MinHash of 64 permutations in 16 bands of 4, and the exact Jaccard
similarity of whatever shares a band. Cost: linear in the text, about 0.2 ms a row of 150 words, and
512 bytes a row kept.
Source: Broder, On the resemblance and containment of documents (1997).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from sidecritic.datasets.candidates import Candidate

SIMILAR = 0.9
"""Jaccard similarity of shingles from which two texts are one."""

_WORDS = 3
_PERMUTATIONS, _BANDS = 64, 16
_PRIME = (1 << 61) - 1

_random = np.random.default_rng(20_260_404)
_FACTORS = _random.integers(1, 1 << 28, size=_PERMUTATIONS, dtype=np.uint64)
_OFFSETS = _random.integers(0, 1 << 60, size=_PERMUTATIONS, dtype=np.uint64)


def without_duplicates(
    rows: Iterable[Candidate], *, similar: float = SIMILAR
) -> tuple[list[Candidate], int]:
    """Return the rows that say something new, in order, and how many do not."""
    kept: list[Candidate] = []
    shelves: dict[tuple[object, ...], list[frozenset[int]]] = defaultdict(list)
    dropped = 0
    for row in rows:
        shingles = _shingles(row.text)
        sort = (row.provenance.env, row.label.tool, row.label.wrong)
        bands = [(*sort, band) for band in _bands_of(shingles)]
        near = (other for band in bands for other in shelves[band])
        if any(_jaccard(shingles, other) >= similar for other in near):
            dropped += 1
            continue
        for band in bands:
            shelves[band].append(shingles)
        kept.append(row)
    return kept, dropped


def without_contradictions(rows: Sequence[Candidate]) -> tuple[list[Candidate], int]:
    """Return the rows without those whose very text has the other label with more weight.

    Where both weigh the same, all go: a critic could only learn to guess.
    """
    scales: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0])
    for row in rows:
        scales[_same(row)][row.label.wrong] += row.weight
    kept = [
        row
        for row in rows
        if scales[_same(row)][row.label.wrong] > scales[_same(row)][not row.label.wrong]
    ]
    return kept, len(rows) - len(kept)


def _same(row: Candidate) -> tuple[str, str]:
    return (row.provenance.env, " ".join(row.text.lower().split()))


def _shingles(text: str) -> frozenset[int]:
    words = re.findall(r"[\w#]+", text.lower())
    runs = (words[at : at + _WORDS] for at in range(max(1, len(words) - _WORDS + 1)))
    return frozenset(crc32(" ".join(run).encode()) for run in runs)


def _bands_of(shingles: frozenset[int]) -> Sequence[tuple[int, bytes]]:
    signature = _signature(np.fromiter(shingles, dtype=np.uint64, count=len(shingles)))
    return [(at, part.tobytes()) for at, part in enumerate(signature.reshape(_BANDS, -1))]


def _signature(shingles: NDArray[np.uint64]) -> NDArray[np.uint64]:
    hashed = (shingles[:, None] * _FACTORS + _OFFSETS) % np.uint64(_PRIME)
    return hashed.min(axis=0)


def _jaccard(one: frozenset[int], other: frozenset[int]) -> float:
    return len(one & other) / (len(one | other) or 1)
