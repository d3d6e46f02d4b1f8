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
    missing: tuple[MissingLabels, ...] = ()
    """What is still to be labelled before the thresholds can be trusted."""
    notes: tuple[str, ...] = ()
    """What to know before using the profile."""
    command: str = ""
    out: str = ""
    """Where the profile was written."""
