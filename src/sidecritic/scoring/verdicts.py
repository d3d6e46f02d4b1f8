"""What a judgement of a replay comes to: a score, and whether it would have stopped the action."""

from sidecritic.recorded import JudgedProposal
from sidecritic.types import Approve


def risk_of(line: JudgedProposal | None, call_id: str = "") -> float:
    """Return the score of a judgement: its risk, else 1 for a refusal and 0 for an approval.

    Of a call among several it is the risk of that call, where the critic gives one.
    A critic that failed, or was not asked, knows nothing: 0.
    """
    if line is None or line.judgement.status in ("error", "timeout"):
        return 0.0
    if call_id in line.judgement.call_risks:
        return line.judgement.call_risks[call_id]
    if line.judgement.risk is not None:
        return line.judgement.risk
    return 0.0 if isinstance(line.judgement.verdict, Approve) else 1.0


def refused(line: JudgedProposal) -> bool:
    """Whether the critic, at its own threshold, would have intervened."""
    return line.judgement.status == "ok" and not isinstance(line.judgement.verdict, Approve)
