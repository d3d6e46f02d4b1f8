"""Critics with a given score, and profiles written by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sidecritic.calibration.curve import Isotonic
from sidecritic.calibration.profile import NEVER, CalibrationRule, Profile, ThresholdRule
from sidecritic.errors import CriticError
from sidecritic.recorded import Kind
from sidecritic.types import Approve, Flag, Judgement, Proposal, Revise, Status, Usage, Verdict


@dataclass
class Scores:
    """A critic that gives one risk, and refuses from a threshold on."""

    risk: float | None = 0.5
    threshold: float = 0.5
    verdict: Verdict | None = None
    """Instead of what follows from the risk."""
    name: str = "scores"
    version: str = ""
    status: Status = "ok"
    breaks: bool = False
    calls: tuple[str, ...] = ()
    calibrated: bool = False
    flags: tuple[Flag, ...] = ()
    asked: list[Proposal] = field(default_factory=list[Proposal])
    warmed: list[Proposal] = field(default_factory=list[Proposal])

    async def warm(self, proposal: Proposal) -> None:
        self.warmed.append(proposal)
        if self.breaks:
            raise CriticError("out of order")

    async def judge(self, proposal: Proposal) -> Judgement:
        self.asked.append(proposal)
        if self.breaks:
            raise CriticError("out of order")
        over = self.risk is not None and self.risk >= self.threshold
        own: Verdict = Revise(feedback=f"{self.name} says no.", calls=self.calls)
        return Judgement(
            verdict=self.verdict or (own if over else Approve()),
            critic=self.name,
            status=self.status,
            risk=self.risk,
            calibrated=self.calibrated,
            category="fault" if over else "",
            flags=self.flags,
            rationale=f"because of {self.name}",
            usage=Usage(input_tokens=10),
            seconds=1.0,
        )


LINE = Isotonic(scores=(0.0, 1.0), probabilities=(0.1, 0.9))


def calibration(kind: Kind = "write", domain: str = "") -> CalibrationRule:
    return CalibrationRule(kind=kind, domain=domain, calibration=LINE)


def threshold(
    at: float | None, kind: Kind = "write", domain: str = "", tool: str = ""
) -> ThresholdRule:
    return ThresholdRule(kind=kind, domain=domain, tool=tool, at=NEVER if at is None else at)


def profile(
    *thresholds: ThresholdRule,
    kinds: Sequence[Kind] = ("write", "final"),
    critic: str = "scores",
    version: str = "",
) -> Profile:
    """Return a profile with these thresholds, and 0.5 for each kind that has no default."""
    given = {rule.kind for rule in thresholds if not (rule.domain or rule.tool)}
    defaults = (threshold(0.5, kind) for kind in kinds if kind not in given)
    return Profile(
        name="mine",
        critic=critic,
        critic_version=version,
        false_alarms=0.05,
        calibrations=tuple(calibration(kind) for kind in kinds),
        thresholds=(*thresholds, *defaults),
    )
