"""Folds that share no group, so that no user is both learned from and tested on."""

from collections import Counter
from collections.abc import Sequence

import numpy as np


def fold_of(groups: Sequence[str], folds: int, *, seed: int) -> dict[str, int]:
    """Return the fold of each group; folds are about equal in examples.

    `groups` holds the group of each example. The order of the examples does not matter.
    """
    sizes = Counter(groups)
    names = sorted(sizes)
    drawn = np.random.default_rng(seed).random(len(names)).tolist()
    lot = dict(zip(names, drawn, strict=True))
    # The largest first, each to the fold that holds least; the lot breaks ties.
    shuffled = sorted(names, key=lambda name: (-sizes[name], lot[name]))
    held = [0] * folds
    fold: dict[str, int] = {}
    for name in shuffled:
        fold[name] = held.index(min(held))
        held[fold[name]] += sizes[name]
    return fold
