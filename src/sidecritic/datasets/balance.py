"""As many right rows as wrong ones, in each domain and kind of action."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Literal, assert_never, get_args

from sidecritic.datasets.candidates import Candidate
from sidecritic.errors import ConfigError

Balance = Literal["downsample", "weights", "none"]
BALANCES: tuple[Balance, ...] = get_args(Balance)


def balanced(rows: Sequence[Candidate], how: Balance, seed: int) -> list[Candidate]:
    """Return training rows with both classes of a domain and kind at the same weight.

    `downsample` leaves out rows of the bigger class, `weights` has all of them count less. A
    group that has one class only stays as it is: there is nothing to balance it against.
    """
    groups: dict[tuple[str, str, bool], list[Candidate]] = defaultdict(list)
    for row in rows:
        groups[row.domain, row.kind, row.label.wrong].append(row)
    chosen: dict[str, Candidate] = {}
    for (domain, kind, wrong), own in groups.items():
        others = len(groups.get((domain, kind, not wrong), ()))
        chosen |= {row.id: row for row in _reduced(own, others, how, seed)}
    return [chosen[row.id] for row in rows if row.id in chosen]


def require_both_classes(rows: Sequence[Candidate], left_out: Mapping[str, int]) -> None:
    """Raise unless both classes are there; `left_out` counts what is missing, by reason.

    Raises:
        ConfigError: nothing to train on, or one class is empty.
    """
    wrong = sum(row.label.wrong for row in rows)
    if 0 < wrong < len(rows):
        return
    kind = "wrong" if wrong else "right"
    what = f"{len(rows)} rows, all {kind}" if rows else "no rows at all"
    why = ", ".join(f"{number} {reason}" for reason, number in left_out.items() if number)
    without = f" (left out: {why})" if why else ""
    raise ConfigError(
        f"the train split has {what}{without}; a critic needs right and wrong actions: label more "
        "runs, or play with --fault-rate above 0"
    )


def _reduced(own: Sequence[Candidate], others: int, how: Balance, seed: int) -> Sequence[Candidate]:
    if len(own) <= others or not others:
        return own
    match how:
        case "none":
            return own
        case "downsample":
            # By a hash, so that the choice does not hang on the order of the runs.
            lot = sorted(own, key=lambda row: sha256(f"{seed}/{row.id}".encode()).digest())
            return lot[:others]
        case "weights":
            share = others / len(own)
            return [replace(row, weight=row.weight * share) for row in own]
        case _ as unknown:
            assert_never(unknown)
