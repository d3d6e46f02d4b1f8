"""The table of `bench`; keys are only ever added."""

from typing import Literal

from sidecritic.scoring.replay_results import Measured, Share
from sidecritic.types import Record


class BenchRow(Record):
    """One critic over one domain of a set.

    Proposals that the critic failed on are in `failed` and in no other figure.
    """

    critic: str
    set: str
    domain: str = ""
    """Empty where a set could not be judged at all."""
    simulated: tuple[str, ...] = ()
    """Roles of its runs that a script or simulation played."""
    n: int = 0
    """Actions of known truth that got a verdict: labelled ones, or a benchmark's writes."""
    wrong: int = 0
    auroc: Measured = Measured()
    """Without a value where `problem` says why."""
    recall_at_5: Measured = Measured()
    """Share of the wrong ones caught at 5 % false alarms."""
    caught: Share = Share(n=0, of=0)
    """Wrong ones that the critic's own threshold calls wrong."""
    disturbed: Share = Share(n=0, of=0)
    """Right ones."""
    runs_disturbed: Share = Share(n=0, of=0)
    """Runs with nothing wrong (benchmarks: successful ones) in which something is called wrong."""
    verify_wrong: int = 0
    """Wrong ones answered with "verify this first": neither caught nor missed by a mistake."""
    verify_right: int = 0
    to_verify: Share = Share(n=0, of=0)
    """Of writes labelled `unverified`, those that were sent back for whatever reason."""
    asked: int = 0
    """Proposals that the critic was asked about, of known truth or not."""
    failed: int = 0
    not_on_cassette: int = 0
    """Of the failed ones, those whose answer the cassette lacks."""
    cost_usd: float | None = None
    """Per 1,000 verdicts; `None` where no price is known."""
    tokens: float = 0.0
    """Input and output tokens per verdict."""
    seconds_p50: float | None = None
    """Of a verdict, by the clock, or as the cassette recorded it."""
    seconds_p95: float | None = None
    problem: str = ""
    """Why figures are missing."""


class BenchReport(Record):
    schema_version: Literal[1] = 1
    rows: tuple[BenchRow, ...]
    notes: tuple[str, ...] = ()
    command: str = ""

    @property
    def sound(self) -> bool:
        """Whether every set was judged, and the critic failed nowhere."""
        return not any(row.failed or (row.problem and not row.n) for row in self.rows)
