"""Several critics asked at once, one threshold over what they say together."""

import asyncio
from collections.abc import Sequence
from typing import Literal, NamedTuple

from sidecritic.critics.base import THRESHOLD, Composed, approved, is_by_risk, refused, score_of
from sidecritic.critics.chain import ask
from sidecritic.errors import ConfigError, CriticError
from sidecritic.ports import Critic
from sidecritic.types import Judgement, Proposal, Revise, Usage

Combine = Literal["mean", "max"]


_GRAVITY = {"halt": 0, "escalate": 1, "replace": 2}


class Member(NamedTuple):
    critic: Critic
    weight: float = 1.0
    """Its share in the mean; the highest risk counts all alike."""


class Ensemble(Composed):
    """Critics as one: the mean of their risks, weighted, or the highest.

    A member that fails is named in the rationale and left out. One that escalates, halts or
    replaces is not outvoted: the gravest such verdict stands.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        combine: Combine = "mean",
        threshold: float = THRESHOLD,
    ) -> None:
        """Take the members; `threshold` is the combined risk from which an action is sent back.

        Raises:
            ConfigError: there are no members, or a number is out of range.
        """
        if not members:
            raise ConfigError("an ensemble needs at least one critic; use NoCritic() for none")
        for member in members:
            if not 0 < member.weight < float("inf"):
                raise ConfigError(
                    f"the weight of {member.critic.name!r} is {member.weight:g}; it must be "
                    "positive"
                )
        if not 0 <= threshold <= 1:
            raise ConfigError(f"the ensemble's threshold is {threshold:g}; it lies in [0, 1]")
        self._members = tuple(members)
        self._combine: Combine = combine
        self._threshold = threshold
        inside = "|".join(member.critic.name for member in members)
        super().__init__(f"{combine}({inside})", [member.critic for member in members])

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a verdict on the combined risk, with the usage of all; time is the slowest's.

        The feedback of a refusal is that of the members that refused, the most suspicious first.

        Raises:
            CriticError: not one member answered.
        """
        asked = await asyncio.gather(*(ask(member.critic, proposal) for member in self._members))
        heard = [
            (member, each.judgement)
            for member, each in zip(self._members, asked, strict=True)
            if each.judgement is not None and not each.problem
        ]
        problems = [each.problem for each in asked if each.problem]
        if not heard:
            raise CriticError(f"no critic of {self.name!r} answered: {'; '.join(problems)}")
        judgement = self._together(heard)
        said = [
            *(f"[left out {problem}]" for problem in problems),
            *(f"{m.critic.name} ({each.risk_text}): {each.rationale}" for m, each in heard),
        ]
        return judgement.model_copy(
            update={
                "rationale": " ".join(said),
                # What several noticed is one thing.
                "flags": tuple(dict.fromkeys(f for _, each in heard for f in each.flags)),
                "usage": sum((each.judgement.usage for each in asked if each.judgement), Usage()),
                "seconds": max(each.seconds for each in asked),
            }
        )

    def _together(self, heard: Sequence[tuple[Member, Judgement]]) -> Judgement:
        said = [judgement for _, judgement in heard]
        grave = [judgement for judgement in said if not is_by_risk(judgement)]
        if grave:
            gravest = min(grave, key=lambda each: _GRAVITY.get(each.verdict.kind, 3))
            return gravest.model_copy(update={"critic": self.name})
        risk = self._risk(heard)
        loudest = sorted(said, key=lambda judgement: -score_of(judgement))
        first = next((j for j in loudest if isinstance(j.verdict, Revise)), loudest[0])
        judgement = Judgement(
            verdict=_revision(loudest) or first.verdict,
            critic=self.name,
            risk=risk,
            threshold=self._threshold,
            # A mean of probabilities is one; the highest of several is too high for one.
            calibrated=self._combine == "mean" and all(each.calibrated for each in said),
            category=first.category,
            policy_ref=first.policy_ref,
        )
        return refused(judgement) if risk >= self._threshold else approved(judgement)

    def _risk(self, heard: Sequence[tuple[Member, Judgement]]) -> float:
        scores = [score_of(judgement) for _, judgement in heard]
        if self._combine == "max":
            return max(scores)
        weights = [member.weight for member, _ in heard]
        mean = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
        # Rounding must not lead out of the range of what was said.
        return min(max(mean, min(scores)), max(scores))


def _revision(loudest: Sequence[Judgement]) -> Revise | None:
    said = [each.verdict for each in loudest if isinstance(each.verdict, Revise)]
    if not said:
        return None
    feedback = " ".join(dict.fromkeys(verdict.feedback for verdict in said))
    # A member that names no call holds the whole action to be at fault.
    whole = any(not verdict.calls for verdict in said)
    calls = () if whole else dict.fromkeys(id_ for verdict in said for id_ in verdict.calls)
    return Revise(feedback=feedback, calls=tuple(calls))
