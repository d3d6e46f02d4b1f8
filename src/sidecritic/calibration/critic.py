"""A critic whose score has become a probability, with a threshold for each kind and tool."""

from math import inf

from sidecritic.calibration.profile import Profile
from sidecritic.critics.base import Composed, approved, is_by_risk, refused, score_of
from sidecritic.errors import ConfigError
from sidecritic.gates import kind_of
from sidecritic.ports import Critic, Warm, version_of
from sidecritic.types import Judgement, Proposal


class Calibrated:
    """Decide by the thresholds of a profile what a critic has scored.

    Build the critic with a threshold no higher than `profile.lowest(domain)`: then it has feedback
    for every refusal, and this only takes refusals back. Where it approved nevertheless, a refusal
    has general feedback.
    """

    def __init__(self, critic: Critic, profile: Profile, domain: str) -> None:
        """Fit nothing; `domain` is the part of the environment's name that the profile knows.

        Raises:
            ConfigError: the profile was fitted for another version of the critic.
        """
        _require_version(profile, critic, profile.critic, profile.critic_version)
        self._critic = critic
        self._profile = profile
        self._domain = domain
        self.name = critic.name

    @property
    def version(self) -> str:
        """Of the critic and the profile."""
        return "+".join(filter(None, (version_of(self._critic), self._profile.digest)))

    async def warm(self, proposal: Proposal) -> None:
        """Let the critic prepare for the coming proposal, if it can."""
        if isinstance(self._critic, Warm):
            await self._critic.warm(proposal)

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the critic's judgement with a calibrated risk and a verdict by the profile.

        An escalation, a halt, a replacement and a failure stay what they are. The risk of a kind
        of proposal that the profile does not know remains a score.

        Raises:
            CriticError: the critic gave no usable verdict.
        """
        judgement = await self._critic.judge(proposal)
        if not is_by_risk(judgement):
            return judgement
        kind, score = kind_of(proposal), score_of(judgement)
        threshold = self._profile.threshold(kind, self._domain, _writing(proposal))
        meaning = self._profile.calibration(kind, self._domain)
        if meaning is not None:
            known = {
                "risk": meaning.probability(score),
                "call_risks": {
                    call: meaning.probability(risk) for call, risk in judgement.call_risks.items()
                },
                "calibrated": True,
            }
            judgement = judgement.model_copy(update=known)
        cut = threshold if meaning is None or threshold is None else meaning.probability(threshold)
        judgement = judgement.model_copy(update={"threshold": cut})
        is_over = threshold is not None and score >= threshold
        return refused(judgement) if is_over else approved(judgement)


class HandsOn(Composed):
    """A link of a chain that decides outside the band of a profile, and hands on what is inside.

    Its risk stays the score that the band is about. Inside the band the critic's own verdict is
    kept: it counts when no later link answers.
    """

    def __init__(self, critic: Critic, profile: Profile, domain: str) -> None:
        """Take the band of the domain; a profile without bands refuses nothing and hands on all.

        Raises:
            ConfigError: the profile was fitted for another version of the critic.
        """
        _require_version(profile, critic, profile.critic, profile.critic_version)
        super().__init__(critic.name, [critic])
        self._critic = critic
        self._digest = profile.digest
        self._low, self._high = profile.band(domain) or (0.0, inf)

    @property
    def version(self) -> str:
        """Of the critic and the profile."""
        return "+".join(filter(None, (version_of(self._critic), self._digest)))

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the critic's judgement, its verdict made certain outside the band.

        Raises:
            CriticError: the critic gave no usable verdict.
        """
        judgement = await self._critic.judge(proposal)
        if not is_by_risk(judgement):
            return judgement
        score = score_of(judgement)
        if score < self._low:
            return approved(judgement)
        return refused(judgement) if score >= self._high else judgement

    def is_decisive(self, judgement: Judgement) -> bool:
        """Whether this approval lies below the band."""
        return score_of(judgement) < self._low

    def is_tentative(self, judgement: Judgement) -> bool:
        """Whether this refusal lies inside the band."""
        return is_by_risk(judgement) and self._low <= score_of(judgement) < self._high


def require_stronger(profile: Profile, critic: Critic, name: str) -> None:
    """Check that the link behind the band is the one that the band was fitted with.

    Raises:
        ConfigError: it is another critic, or another version of it.
    """
    if not profile.stronger:
        return
    if name != profile.stronger:
        raise ConfigError(
            f"the bands of the profile {profile.name!r} were fitted with {profile.stronger!r} as "
            f"the next link, not with {name!r}; name that one, or fit again with `sidecritic "
            "calibrate --stronger`"
        )
    _require_version(profile, critic, profile.stronger, profile.stronger_version)


def _require_version(profile: Profile, critic: Critic, name: str, fitted: str) -> None:
    version = version_of(critic)
    if version != fitted:
        raise ConfigError(
            f"the profile {profile.name!r} was fitted for {name!r} in the version "
            f"{fitted or '(none)'}, and this is {version or '(none)'}; fit it "
            "again: `sidecritic replay --out`, then `sidecritic calibrate`"
        )


def _writing(proposal: Proposal) -> set[str]:
    """Return the tools whose thresholds count: a look-up in the same message has none."""
    reads = {tool.name for tool in proposal.tools if tool.effect == "read"}
    return {call.name for call in proposal.action.calls} - reads
