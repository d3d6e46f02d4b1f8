"""The report of a fitted profile; keys are only ever added."""

from typing import Literal

from sidecritic.scoring.replay_results import Measured, Share
from sidecritic.types import Record


class UnseenUsers(Record):
    """A profile on users that it was not fitted to, over all folds of the cross-validation."""

    n: int
    wrong: int
    users: int
    auroc: Measured
    """Of the score before calibration; a calibration does not change the order of scores."""
    calibration_error_before: Measured
    """Of the score, read as if it were a probability."""
    calibration_error_after: Measured
    """Of the calibrated probability."""
    false_alarms: Share
    """Right proposals that would have been refused."""
    recall: Share
    """Wrong proposals that would have been refused."""


class ChosenThreshold(Record):
    """A threshold of the profile, fitted to all examples, and what it does to those it is for."""

    kind: str
    domain: str
    """Empty for domains without a threshold of their own."""
    tool: str
    """Empty for tools without one."""
    threshold: float | None
    """Score before calibration; `None`: nothing is refused, none keeps to the false alarms."""
    right: int
    wrong: int
    false_alarms: float | None
    """Realised, in [0, 1]; `None` without right examples."""
    recall: float | None


class TooFewExamples(Record):
    """A tool that has the threshold of its domain, as too few right examples are of it."""

    kind: str
    domain: str
    tool: str
    right: int
    wrong: int


class MissingLabels(Record):
    """A kind of proposal in a domain with too few labels for a threshold to be trusted."""

    kind: str
    domain: str
    right: int
    wrong: int
    right_missing: int
    wrong_missing: int


class RunThreshold(Record):
    """The thresholds of a domain by whole runs, and how such a fit does on unseen users."""

    domain: str
    """Empty for every domain without one of its own."""
    low: float | None
    """Score from which a proposal is handed on; that of `high` where nothing is; `None`: never."""
    high: float | None
    """Score from which it is sent back; `None`: never."""
    right_runs: int
    runs: int
    disturbed: Share
    """Right runs of which a proposal is sent back, at these thresholds."""
    disturbed_unseen: Share
    """The same by thresholds that were fitted without the user."""
    upper: float | None
    """Upper end of the 95 % interval of `disturbed_unseen`."""
    trusted: bool
    """Whether `upper` is at most what was wanted."""
    caught: Share
    """Wrong proposals that are sent back, by thresholds that have not seen the user."""
    wrong_handed_on: Share
    """Wrong proposals that are handed on, likewise."""
    handed_on: Share
    """Proposals that are handed on, likewise."""
    right_needed: int
    """Right runs, none disturbed, from which the upper end can be what was wanted."""
    right_missing: int


class ExpectedCost(Record):
    """What the critic costs with what it hands on, from measured tokens and time."""

    proposals: int
    handed_on: float
    """Share of them."""
    usd_per_1000_proposals: float | None
    """`None` where a price is missing."""
    usd_per_conversation: float | None
    seconds_per_proposal: float
    seconds_handed_on: float
    """Of one proposal that is handed on, in addition."""
    input_tokens_per_proposal: float
    output_tokens_per_proposal: float
    unpriced: tuple[str, ...] = ()
    """Critics whose price nobody has given."""


class CalibrationReport(Record):
    schema_version: Literal[1] = 1
    name: str
    critic: str
    critic_version: str
    pack: str = ""
    """Import path of the checks that judged in place of the environment's own."""
    method: str
    false_alarms: float
    """The share that was asked for."""
    digest: str
    """Of the profile."""
    simulated: tuple[str, ...]
    examples: int
    users: int
    runs: int
    folds: int
    held_out: dict[str, dict[str, UnseenUsers]]
    """`write`, `final`; in each `all` and every domain."""
    thresholds: tuple[ChosenThreshold, ...]
    minimum: int = 0
    """Right examples from which a tool has a threshold of its own."""
    too_few: tuple[TooFewExamples, ...] = ()
    runs_disturbed: float | None = None
    """The share of right runs that may be disturbed, where that was asked for."""
    pass_on: float | None = None
    stronger: str = ""
    by_run: tuple[RunThreshold, ...] = ()
    """Thresholds by whole runs, by default and of each domain with enough right ones."""
    cost: ExpectedCost | None = None
    missing: tuple[MissingLabels, ...] = ()
    """What is still to be labelled before the thresholds can be trusted."""
    notes: tuple[str, ...] = ()
    """What to know before using the profile."""
    command: str = ""
    out: str = ""
    """Where the profile was written."""
