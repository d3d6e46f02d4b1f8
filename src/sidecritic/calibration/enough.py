"""How many labels a threshold takes before its false alarms can be believed."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import ceil

from sidecritic.calibration.report import MissingLabels
from sidecritic.scoring.replays import KnownKind, KnownProposal

LEAST_WRONG = 10
"""Wrong examples below which a recall says nothing: one of them is a tenth of it."""


def right_needed(false_alarms: float) -> int:
    """Return how many right examples a threshold for such a share of false alarms takes.

    With none of n above it, the true share is below 3/n with 95 % confidence. Source: Hanley and
    Lippman-Hand, If Nothing Goes Wrong, Is Everything All Right? (JAMA 1983).
    """
    return ceil(3 / false_alarms) if false_alarms > 0 else 0


def missing_labels(known: Iterable[KnownProposal], false_alarms: float) -> Iterator[MissingLabels]:
    """Yield what each kind in each domain lacks; nothing for one that has enough."""
    found: Mapping[tuple[KnownKind, str], list[bool]] = defaultdict(list)
    for each in known:
        found[each.kind, each.example.stratum].append(each.example.wrong)
    needed = right_needed(false_alarms)
    for (kind, domain), truths in sorted(found.items()):
        right, wrong = truths.count(False), truths.count(True)
        if right < needed or wrong < LEAST_WRONG:
            yield MissingLabels(
                kind=kind,
                domain=domain,
                right=right,
                wrong=wrong,
                right_missing=max(0, needed - right),
                wrong_missing=max(0, LEAST_WRONG - wrong),
            )


def said(missing: MissingLabels, false_alarms: float) -> str:
    """Return what is missing, in words."""
    lacks = (
        f"{number} {kind}"
        for number, kind in ((missing.right_missing, "right"), (missing.wrong_missing, "wrong"))
        if number
    )
    return (
        f"{missing.kind}, {missing.domain}: {missing.right} right and {missing.wrong} wrong "
        f"examples; {' and '.join(lacks)} more are needed before a threshold for "
        f"{false_alarms:.1%} false alarms can be trusted"
    )
