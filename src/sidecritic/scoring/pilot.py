"""Would it pay to enforce a critic? A pilot's counts, and a verdict.

    p   how often the actor fails without the critic
    r   how often a failure is repaired because the critic steps in
    d   how often a success is spoilt because the critic steps in

Enforcing pays where p·r > (1 − p)·d, which is p > d / (r + d). Source: *The Intervention Paradox*
(arXiv:2602.03338): a critic with an AUROC of 0.94 can cost 26 points. All three are shares of the
same cases: the actor's first proposals where decisions are labelled, episodes where runs are
compared.

Intervals are of 10,000 draws of shares that agree with the counts (Jeffreys' prior), so that no
count is too small for one. Decisions of one conversation are alike: however many there are, they
count as much as there are conversations.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sidecritic.scoring.replay_results import Measured
from sidecritic.scoring.statistics import RESAMPLES, SEED, likely_shares, wilson
from sidecritic.types import Record

Floats = NDArray[np.float64]
Verdict = Literal["enforce", "stay in shadow", "not enough labels"]
Basis = Literal["decisions", "runs", "replay"]

REPAIR = 0.21
"""Of refused wrong actions, repaired at most. Source: Verifier Tax."""
SPOIL = 1.0
"""Of refused right actions, spoilt at most: all of them."""

FEW = 30
"""Labels below which a pilot says that they are few."""
_STEP, _MOST = 1.25, 400
"""How the number of labels that would settle it is searched, as multiples of those there are."""


class Rate(Record):
    """A share of cases: counted, or assumed."""

    n: int = 0
    of: int = 0
    conversations: int | None = None
    """Where the cases come from; `None` where every case is a conversation of its own."""
    assumed: float | None = None
    """The share, where nothing was counted."""

    @property
    def value(self) -> float | None:
        if self.assumed is not None:
            return self.assumed
        return self.n / self.of if self.of else None

    @property
    def measured(self) -> Measured:
        """The share with Wilson's interval."""
        if self.value is None or self.assumed is not None:
            return Measured(value=self.value)
        return Measured(value=self.value, ci=wilson(self.n * self._weight, self.of * self._weight))

    @property
    def _weight(self) -> float:
        known = self.conversations
        return 1.0 if known is None or known >= self.of else known / self.of

    def drawn(self, random: np.random.Generator, times: float) -> Floats | float:
        """Draw shares as if there were so many times the cases."""
        if self.assumed is not None:
            return self.assumed
        weight = self._weight * times
        return likely_shares(self.n * weight, self.of * weight, random)


Shares = tuple[Floats | float, Floats | float, Floats | float]
"""p, r and d."""


@dataclass(frozen=True, slots=True)
class PilotEvidence(ABC):
    """What was counted; `repaired` and `spoilt` may be assumed."""

    repaired: Rate
    spoilt: Rate

    @abstractmethod
    def rates(self) -> dict[str, Rate]:
        """Return every count by what it is, in words."""

    @abstractmethod
    def shares(self, *of: Floats | float) -> Shares:
        """Return p, r and d from a value of each rate, in their order."""


@dataclass(frozen=True, slots=True)
class LabelledDecisions(PilotEvidence):
    """Decisions of a gateway: all were counted, some labelled.

    People label what was refused more often than what was not, so that each is weighted by how
    often it happens.
    """

    refused: Rate
    """Of all first proposals that were judged."""
    wrong_refused: Rate
    """Of the refused ones with a label."""
    wrong_approved: Rate
    """Of the approved ones with a label."""

    def rates(self) -> dict[str, Rate]:
        return {
            "refused": self.refused,
            "wrong, of the refused": self.wrong_refused,
            "wrong, of the approved": self.wrong_approved,
            "repaired, of the wrong refused": self.repaired,
            "spoilt, of the right refused": self.spoilt,
        }

    def shares(self, *of: Floats | float) -> Shares:
        refused, wrong_refused, wrong_approved, repaired, spoilt = of
        caught, disturbed = refused * wrong_refused, refused * (1 - wrong_refused)
        p = caught + (1 - refused) * wrong_approved
        return p, _over(caught * repaired, p), _over(disturbed * spoilt, 1 - p)


@dataclass(frozen=True, slots=True)
class JudgedLabels(PilotEvidence):
    """Labelled actions that a critic judged afterwards."""

    wrong: Rate
    caught: Rate
    """Refused, of the wrong ones."""
    disturbed: Rate
    """Refused, of the right ones."""

    def rates(self) -> dict[str, Rate]:
        return {
            "wrong": self.wrong,
            "refused, of the wrong": self.caught,
            "refused, of the right": self.disturbed,
            "repaired, of the wrong refused": self.repaired,
            "spoilt, of the right refused": self.spoilt,
        }

    def shares(self, *of: Floats | float) -> Shares:
        wrong, caught, disturbed, repaired, spoilt = of
        return wrong, caught * repaired, disturbed * spoilt


@dataclass(frozen=True, slots=True)
class PairedEpisodes(PilotEvidence):
    """The same tasks and trials, played without a critic and with it."""

    failed: Rate
    """Without a critic."""

    def rates(self) -> dict[str, Rate]:
        return {
            "failed without the critic": self.failed,
            "passed with it, of those": self.repaired,
            "failed with it, of the others": self.spoilt,
        }

    def shares(self, *of: Floats | float) -> Shares:
        failed, repaired, spoilt = of
        return failed, repaired, spoilt


class Pilot(Record):
    """The result of a pilot; keys are only ever added."""

    schema_version: Literal[1] = 1
    verdict: Verdict
    basis: Basis
    p: Measured
    r: Measured
    d: Measured
    break_even: Measured
    """d / (r + d): the failure rate from which enforcing pays."""
    margin: Measured
    """p − d / (r + d)."""
    gain: Measured
    """p·r − (1 − p)·d: more successes for each case. It is above 0 exactly where `margin` is, and
    its interval decides."""
    labels: int
    """Labelled first proposals, or pairs of episodes."""
    conversations: int
    more: int | None = None
    """Labels that are still needed if they go on like this; `None` where none are, or where no
    number within reason would settle it."""
    rates: dict[str, Rate]
    assumed: dict[str, float] = {}
    """Shares that were not measured, by name."""
    simulated: tuple[str, ...] = ()
    """Roles that a script or simulation played."""
    remarks: tuple[str, ...] = ()
    """What to know before it is believed."""


class Sample(Record):
    """Where the counts come from."""

    basis: Basis
    labels: int
    conversations: int
    simulated: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


def pilot_of(evidence: PilotEvidence, sample: Sample) -> Pilot:
    """Return what the counts say of enforcing."""
    rates = evidence.rates()
    assumed = {name: each.assumed for name, each in rates.items() if each.assumed is not None}
    unknown = [name for name, each in rates.items() if each.value is None]
    measures = _measures(evidence)
    # Above 0 exactly where p is above d / (r + d), and defined where that is not.
    low, high = measures["gain"].ci or (-1.0, 1.0)
    verdict: Verdict = "not enough labels"
    if not unknown and (low > 0 or high < 0):
        verdict = "enforce" if low > 0 else "stay in shadow"
    idle = not unknown and measures["break_even"].value is None
    changes_nothing = ("in these cases the critic repaired nothing and spoilt nothing",)
    more = None if verdict != "not enough labels" else _more(evidence, sample.labels, unknown)
    return Pilot(
        verdict=verdict,
        basis=sample.basis,
        labels=sample.labels,
        conversations=sample.conversations,
        more=more,
        rates=rates,
        assumed=assumed,
        simulated=sample.simulated,
        remarks=(
            *(changes_nothing if idle else ()),
            *_remarks(sample, unknown, assumed),
            *sample.remarks,
        ),
        p=measures["p"],
        r=measures["r"],
        d=measures["d"],
        break_even=measures["break_even"],
        margin=measures["margin"],
        gain=measures["gain"],
    )


def _measures(evidence: PilotEvidence) -> dict[str, Measured]:
    values = [each.value for each in evidence.rates().values()]
    known = [each for each in values if each is not None]
    counted = _derived(evidence.shares(*known)) if len(known) == len(values) else {}
    drawn = _derived(_draws(evidence, 1.0))
    return {name: _measured(counted.get(name), draws) for name, draws in drawn.items()}


def _draws(evidence: PilotEvidence, times: float) -> Shares:
    random = np.random.default_rng(SEED)
    return evidence.shares(*(each.drawn(random, times) for each in evidence.rates().values()))


def _derived(shares: Shares) -> dict[str, Floats | float]:
    p, r, d = shares
    # A critic that never steps in changes nothing: there is no rate from which it pays.
    even = _over(d, r + d)
    return {
        "p": p,
        "r": r,
        "d": d,
        "break_even": even,
        "margin": p - even,
        # Where nothing fails there is no r, and nothing to repair.
        "gain": np.nan_to_num(p * r) - np.nan_to_num((1 - p) * d),
    }


def _over(part: Floats | float, whole: Floats | float) -> Floats | float:
    """Divide; nothing of nothing is not a number."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = np.divide(part, whole)
    return float(found) if np.ndim(found) == 0 else np.asarray(found, dtype=np.float64)


def _measured(counted: Floats | float | None, draws: Floats | float) -> Measured:
    """Return a value with the interval of its draws; an assumed value has none."""
    value = None if counted is None or np.isnan(counted) else float(counted)
    ends = _ends(draws)
    if value is None or ends is None:
        return Measured(value=value)
    return Measured(value=value, ci=(min(ends[0], value), max(ends[1], value)))


def _ends(draws: Floats | float) -> tuple[float, float] | None:
    """Return the middle 95 % of draws; `None` for a constant, or where none is a number."""
    found = np.asarray(draws, dtype=np.float64)
    found = found[np.isfinite(found)]
    if found.size < RESAMPLES // 2:
        return None
    low, high = np.percentile(found, (2.5, 97.5))
    return float(low), float(high)


def _more(evidence: PilotEvidence, labels: int, unknown: list[str]) -> int | None:
    """Return how many more labels would settle it if they said what those there are say."""
    if unknown:
        return max(FEW - labels, 1)
    times = _STEP
    while times < _MOST:
        ends = _ends(_derived(_draws(evidence, times))["gain"])
        if ends is not None and (ends[0] > 0 or ends[1] < 0):
            return ceil((times - 1) * labels)
        times *= _STEP
    return None


def _remarks(sample: Sample, unknown: list[str], assumed: dict[str, float]) -> tuple[str, ...]:
    said = [f"nothing is known of this share: {name}" for name in unknown]
    said += [f"{name}: {share:g} is assumed, not measured" for name, share in assumed.items()]
    if sample.labels < FEW:
        what = "pairs of episodes" if sample.basis == "runs" else "labels"
        said.append(f"only {sample.labels} {what}: intervals are wide, and rest on few cases")
    return tuple(said)
