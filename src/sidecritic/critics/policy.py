"""A pack of executable policy checks as a critic: free, instant, and able to cite the rule."""

from collections.abc import Iterable, Sequence
from time import perf_counter

from sidecritic.checks.base import Finding, Pack, objections
from sidecritic.critics.base import THRESHOLD
from sidecritic.errors import CriticError, boundary
from sidecritic.types import Approve, Judgement, Proposal, Revise

FEEDBACK_LIMIT = 1200
"""Characters of feedback; an actor that is told ten things at once repairs none of them."""


class PolicyCritic:
    """Send back what the checks of a pack hold to be wrong."""

    def __init__(self, pack: Pack, *, threshold: float = THRESHOLD, name: str = "policy") -> None:
        self._pack = pack
        self._threshold = threshold
        self.name = name

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return `Revise` with the feedback of the checks that fired, strongest first.

        Raises:
            CriticError: the proposal could not be read. A check that fails costs itself only.
        """
        started = perf_counter()
        with boundary(CriticError, f"checks of {self._pack.name!r}"):
            findings = await self._pack.examined(proposal)
        risk = noisy_or(finding.risk for finding in findings)
        refused = bool(objections(findings)) and risk >= self._threshold
        strongest = findings[0] if refused else None
        return Judgement(
            verdict=revision(findings) if refused else Approve(),
            critic=self.name,
            risk=risk,
            threshold=self._threshold,
            call_risks=_call_risks(proposal, findings),
            category=strongest.check if strongest else "",
            policy_ref=strongest.policy if strongest else "",
            rationale=rationale(findings),
            flags=tuple(finding.flag for finding in findings),
            seconds=perf_counter() - started,
        )


def _call_risks(proposal: Proposal, findings: Sequence[Finding]) -> dict[str, float]:
    if len(proposal.action.calls) < 2:
        return {}
    return {
        call.id: noisy_or(finding.risk for finding in findings if finding.call_id == call.id)
        for call in proposal.action.calls
    }


def noisy_or(risks: Iterable[float]) -> float:
    """Return the probability that at least one of several independent reasons is right."""
    innocent = 1.0
    for risk in risks:
        innocent *= 1.0 - risk
    return 1.0 - innocent


def revision(findings: Sequence[Finding]) -> Revise:
    """Return the refusal that these findings call for; there is at least one."""
    findings = objections(findings)
    at_fault = {finding.call_id: None for finding in findings if finding.call_id is not None}
    return Revise(feedback=_feedback(findings), calls=tuple(at_fault))


def _feedback(findings: Sequence[Finding]) -> str:
    """Return as many whole findings as fit; the strongest is never left out."""
    parts: list[str] = []
    left = FEEDBACK_LIMIT
    for finding in findings:
        rule = f" (Rule: {finding.policy})" if finding.policy else ""
        part = f"{finding.feedback}{rule}"
        if part in parts:
            continue
        left -= len(part) + 1
        if parts and left < 0:
            break
        parts.append(part[:FEEDBACK_LIMIT])
    return " ".join(parts)


def rationale(findings: Sequence[Finding]) -> str:
    """Return what fired, with prior risk and evidence, for a person who reads the log."""
    return "; ".join(
        f"{finding.check}, score {finding.risk:.2f}"
        + (f" ({finding.evidence})" if finding.evidence else "")
        for finding in findings
    )
