"""Several critics asked at once, one threshold over what they say together."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from sidecritic.critics.base import THRESHOLD, approved, is_by_risk, refused, score_of, warm_all
from sidecritic.critics.chain import CriticAnswer, ask
from sidecritic.errors import ConfigError, CriticError
from sidecritic.ports import Critic, version_of
from sidecritic.types import Escalate, Halt, Judgement, Proposal, Replace, Revise, Usage

Combine = Literal["mean", "max"]


@dataclass(frozen=True, slots=True)
class Member:
    critic: Critic
    weight: float = 1.0
    """Its share in the mean; the highest risk counts all alike."""


class Ensemble:
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
        name: str | None = None,
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
        self.name = name or f"{combine}({inside})"

    @property
    def version(self) -> str:
        """Of all members."""
        return version_of(*(member.critic for member in self._members))

    async def warm(self, proposal: Proposal) -> None:
        """Let each member that can get ready for the coming proposal."""
        await warm_all([member.critic for member in self._members], proposal)

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return a verdict on the combined risk, with the usage of all; time is the slowest's.

        The feedback of a refusal is that of the members that refused, the most suspicious first.

        Raises:
            CriticError: not one member answered.
        """
        asked = await asyncio.gather(*(ask(member.critic, proposal) for member in self._members))
        heard = [
            _Voice(member, each.judgement)
            for member, each in zip(self._members, asked, strict=True)
            if each.judgement is not None and not each.problem
        ]
        problems = [each.problem for each in asked if each.problem]
        if not heard:
            raise CriticError(f"no critic of {self.name!r} answered: {'; '.join(problems)}")
        judgement = self._together(heard)
        left_out = (f"[left out {problem}]" for problem in problems)
        return judgement.model_copy(
            update={
                "rationale": " ".join((*left_out, _rationale(heard))),
                # What several noticed is one thing.
                "flags": tuple(dict.fromkeys(f for v in heard for f in v.judgement.flags)),
                "usage": _usage(asked),
                "seconds": max(each.seconds for each in asked),
            }
        )

    def _together(self, heard: Sequence["_Voice"]) -> Judgement:
        grave = [voice.judgement for voice in heard if not is_by_risk(voice.judgement)]
        if grave:
            return min(grave, key=_gravity).model_copy(update={"critic": self.name})
        risk = self._risk(heard)
        loudest = sorted(heard, key=lambda voice: -score_of(voice.judgement))
        first = next(
            (v.judgement for v in loudest if isinstance(v.judgement.verdict, Revise)),
            loudest[0].judgement,
        )
        judgement = Judgement(
            verdict=_revision(loudest) or first.verdict,
            critic=self.name,
            risk=risk,
            # A mean of probabilities is one; the highest of several is too high for one.
            calibrated=self._combine == "mean" and all(v.judgement.calibrated for v in heard),
            category=first.category,
            policy_ref=first.policy_ref,
        )
        return refused(judgement) if risk >= self._threshold else approved(judgement)

    def _risk(self, heard: Sequence["_Voice"]) -> float:
        scores = [score_of(voice.judgement) for voice in heard]
        match self._combine:
            case "max":
                return max(scores)
            case "mean":
                weights = [voice.member.weight for voice in heard]
                mean = sum(w * s for w, s in zip(weights, scores, strict=True)) / sum(weights)
                # Rounding must not lead out of the range of what was said.
                return min(max(mean, min(scores)), max(scores))
            case _ as other:
                assert_never(other)


@dataclass(frozen=True, slots=True)
class _Voice:
    member: Member
    judgement: Judgement


def _gravity(judgement: Judgement) -> int:
    match judgement.verdict:
        case Halt():
            return 0
        case Escalate():
            return 1
        case Replace():
            return 2
        case _:
            return 3


def _revision(loudest: Sequence[_Voice]) -> Revise | None:
    said = [v.judgement.verdict for v in loudest if isinstance(v.judgement.verdict, Revise)]
    if not said:
        return None
    feedback = " ".join(dict.fromkeys(verdict.feedback for verdict in said))
    # A member that names no call holds the whole action to be at fault.
    whole = any(not verdict.calls for verdict in said)
    calls = () if whole else dict.fromkeys(id_ for verdict in said for id_ in verdict.calls)
    return Revise(feedback=feedback, calls=tuple(calls))


def _rationale(heard: Sequence[_Voice]) -> str:
    return " ".join(
        f"{voice.member.critic.name} ({voice.judgement.risk_text}): {voice.judgement.rationale}"
        for voice in heard
    )


def _usage(asked: Sequence[CriticAnswer]) -> Usage:
    return sum((each.judgement.usage for each in asked if each.judgement), Usage())
