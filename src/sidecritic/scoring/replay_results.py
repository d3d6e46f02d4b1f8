"""The records of a scored replay; keys are only ever added."""

from typing import Literal

from sidecritic.types import Record


class Measured(Record):
    """A measure with its 95 % interval; `None` where it is not defined."""

    value: float | None = None
    ci: tuple[float, float] | None = None

    def said(self, form: str = ".3f") -> str:
        """Return the measure with its interval, as text."""
        if self.value is None or self.ci is None:
            return "unknown"
        return f"{self.value:{form}} ({self.ci[0]:{form}} to {self.ci[1]:{form}})"


class Bin(Record):
    """One row of a reliability table."""

    low: float
    high: float
    n: int
    score: float
    """Mean score."""
    score_ci: tuple[float, float] | None = None
    wrong: float
    """Share of wrong examples; what the mean score would be if it were a probability."""
    wrong_ci: tuple[float, float] | None = None
    """Over the resamples that have an example in this bin."""


class Detection(Record):
    """How well a critic's risk tells wrong from right over some examples."""

    n: int
    wrong: int
    auroc: float | None = None
    auroc_ci: tuple[float, float] | None = None
    ap: float | None = None
    """Average precision; that of a coin is `wrong / n`."""
    ap_ci: tuple[float, float] | None = None
    recall_at_fpr: dict[str, float | None] = {}
    """By allowed share of false alarms, one threshold for all."""
    recall_at_fpr_ci: dict[str, tuple[float, float] | None] = {}
    recall_at_fpr_by_domain: dict[str, Measured] = {}
    """The same where each domain has a threshold of its own."""
    calibration_error: Measured = Measured()
    reliability: tuple[Bin, ...] = ()


class Share(Record):
    """A share of runs."""

    n: int
    of: int
    share: Measured = Measured()


class Decided(Record):
    """What the critic's own threshold did to what people have labelled."""

    caught: Share
    """Of what was wrong."""
    disturbed: Share
    """Of what was right."""


class DecidedCase(Record):
    """A labelled call or message that was caught, missed or disturbed."""

    file: str
    simulation: int
    id: str
    """Of the conversation, or the run."""
    domain: str
    turn: int
    call_id: str | None
    tool: str
    """Empty for a message."""
    outcome: Literal["caught", "missed", "disturbed"]
    judged: bool
    """Whether the critic gave a verdict: it is not asked what its gate leaves out."""
    risk: float
    category: str
    feedback: str
    note: str
    """The person's."""


class LabelCounts(Record):
    """How many calls and messages people have labelled."""

    right: int
    wrong: int
    reads_left_out: int
    """Look-ups that the gate does not cover; they count nowhere."""
    right_unseen: int
    """Writes and messages that the gate does not cover; they count as approved."""
    wrong_unseen: int


class Interference(Record):
    """What the critic's own threshold would have done to whole runs."""

    failed_caught: Share
    """Failed runs in which something was refused before or at their first wrong write, of the
    failed runs that have one."""
    failed_caught_at: Share
    """The same, the first wrong write itself having been refused."""
    failed_caught_anywhere: Share
    """Failed runs in which something was refused, of all failed runs."""
    passed_disturbed: Share
    """Successful runs in which something was refused, of all successful runs."""
    passed_disturbed_in_earnest: Share
    """The same without refusals of calls that their own tool refused in the recording: to send
    those back changes nothing that would have happened."""


class VerdictCost(Record):
    """What a verdict takes; means over verdicts but where it says otherwise."""

    verdicts: int
    failed: int
    """Verdicts that the critic did not give: errors and timeouts."""
    looked: int
    """Proposals for which look-ups were possible."""
    cpu_ms_median: float | None
    cpu_ms_mean: float | None
    cpu_ms_p95: float | None
    input_tokens: float
    output_tokens: float
    unverified: int = 0
    """Verdicts "verify this first", which hold nothing to be wrong."""


Slices = dict[str, Detection]


class CrossValidated(Record):
    """The same figures, each risk by a critic that has not seen the user of the run."""

    folds: int
    writes: dict[str, Slices]
    end: dict[str, Slices]


class ReplayScores(Record):
    """A critic over recorded runs."""

    schema_version: Literal[1] = 1
    critic: str
    gate: str
    terms: str = ""
    """Profile or threshold that the critic was given; empty when it had its own."""
    fitted_files: int = 0
    """Files that its profile was fitted to: over those, figures are better than they should be."""
    unlearned: tuple[str, ...] = ()
    """Domains that its head has learned nothing of: the checks judge, by risks that they state."""
    calibrated: bool = False
    """Whether every score may be read as a probability."""
    command: str = ""
    simulations: int
    malformed: int
    empty: int
    """Runs without a message, which were dropped."""
    files: int
    problems: tuple[str, ...] = ()
    skipped: dict[str, str] = {}
    """Environments that have no such critic, and why."""
    simulated: tuple[str, ...] = ()
    """Roles that a script or simulation played in any of the runs."""
    write_proposals: int
    """Writes that ran and are right or wrong by the reference, outside telecom."""
    wrong_writes: int
    left_out_writes: int
    """Writes in successful runs that no reference write matches."""
    labels_unmatched: int = 0
    """First wrong writes of clean runs that the labels do not know; no part of `detectable`."""
    cpu_ms_per_verdict: float | None
    """Median."""
    cost: VerdictCost
    writes: dict[str, Slices]
    """`labelled` (by people, call by call), `detectable`, `clean`, `raw`; in each `all` (without
    telecom, except in `labelled`) and every domain."""
    writes_by: dict[str, dict[str, Slices]]
    """The same again, by `benchmark`, `tool` and `actor`, without telecom."""
    end: dict[str, Slices]
    """The last farewell or transfer against "this run fails": `clean` and `raw` over runs
    without a wrong write, `every_run` over all clean runs."""
    end_by: dict[str, dict[str, Slices]] = {}
    """The same again, by `benchmark` and `actor`, without telecom."""
    interference: dict[str, Interference]
    """`all` (without telecom) and every domain, over clean runs."""
    supervised: int = 0
    """Runs that this critic supervised: they count in nothing but what people have labelled."""
    decided: dict[str, Decided] = {}
    """What people have labelled: `all` and every domain; empty without labels of calls."""
    labels: LabelCounts | None = None
    cases: tuple[DecidedCase, ...] = ()
    """All that is labelled wrong, and what is right and was refused."""
    cv: CrossValidated | None = None
    """Of a critic that learns from flags, where there are labels to learn from."""
