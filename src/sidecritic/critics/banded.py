"""A link of a chain that is certain outside a band of risk, and asks for more inside it."""

from sidecritic.critics.base import Composed, approved, is_by_risk, refused
from sidecritic.errors import ConfigError
from sidecritic.ports import Critic
from sidecritic.types import Judgement, Proposal


class Banded(Composed):
    """Approve below `low`, refuse above `high`, and leave what lies between to the next link.

    Inside the band the critic's own verdict is kept: it counts when no later link answers. A
    critic whose judgement has no risk is certain of its refusals, as without a band; so is an
    escalation, a halt or a replacement whatever its risk.
    """

    def __init__(self, critic: Critic, *, low: float, high: float) -> None:
        """Bounds are risks: probabilities if the critic is calibrated, scores if not.

        Raises:
            ConfigError: not 0 ≤ low ≤ high ≤ 1.
        """
        if not 0 <= low <= high <= 1:
            raise ConfigError(
                f"the grey band of {critic.name!r} is {low:g} to {high:g}; give 0 <= low <= high "
                "<= 1"
            )
        super().__init__(critic.name, [critic])
        self._critic = critic
        self._low = low
        self._high = high

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the critic's judgement, its verdict made certain outside the band.

        Raises:
            CriticError: the critic gave no usable verdict.
        """
        judgement = await self._critic.judge(proposal)
        if judgement.risk is None or not is_by_risk(judgement):
            return judgement
        if judgement.risk < self._low:
            return approved(judgement)
        return refused(judgement) if judgement.risk > self._high else judgement

    def is_decisive(self, judgement: Judgement) -> bool:
        """Whether this approval lies below the band."""
        return judgement.risk is not None and judgement.risk < self._low

    def is_tentative(self, judgement: Judgement) -> bool:
        """Whether this refusal lies inside the band."""
        risk = judgement.risk
        return is_by_risk(judgement) and risk is not None and self._low <= risk <= self._high
