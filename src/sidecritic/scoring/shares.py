"""Shares of runs, with intervals that resample users."""

from collections.abc import Sequence

import numpy as np

from sidecritic.scoring.replay_results import Measured, Share
from sidecritic.scoring.statistics import SEED

RESAMPLES = 1_000


def share(cases: Sequence[tuple[str, bool]]) -> Share:
    """Return the share of cases that are met; each case comes with its group, the user."""
    met = sum(case[1] for case in cases)
    if not cases:
        return Share(n=0, of=0)
    groups = sorted({group for group, _ in cases})
    place = {group: at for at, group in enumerate(groups)}
    counts, hits = np.zeros(len(groups)), np.zeros(len(groups))
    for group, hit in cases:
        counts[place[group]] += 1
        hits[place[group]] += hit
    random = np.random.default_rng(SEED)
    drawn = random.multinomial(len(groups), [1 / len(groups)] * len(groups), size=RESAMPLES)
    low, high = np.percentile((drawn @ hits) / (drawn @ counts), (2.5, 97.5))
    value = Measured(value=met / len(cases), ci=(float(low), float(high)))
    return Share(n=met, of=len(cases), share=value)
