"""Drafts of the upstream's, each with the answer that brought it."""

from dataclasses import dataclass

from sidecritic.dialects.base import ProviderAnswer, WireDraft
from sidecritic.gateway.wire.http import RawAnswer
from sidecritic.types import Completion, Usage


@dataclass(frozen=True, slots=True)
class Attempt:
    draft: WireDraft
    heard: RawAnswer
    model: str
    usage: Usage
    seconds: float
    id: str = ""
    """Of the answer, as the provider names it."""

    def completion(self) -> Completion:
        """Return it as the actor's answer."""
        return Completion.of_parts(
            message=self.draft.action,
            finish=self.draft.finish,
            model=self.model,
            usage=self.usage,
            seconds=self.seconds,
            logprobs=(),
            faults=(),
        )


def attempts_of(answered: ProviderAnswer, heard: RawAnswer, seconds: float) -> tuple[Attempt, ...]:
    """Return one attempt for each choice; the first bears the cost of all."""
    costs = [(answered.usage, seconds)] + [(Usage(), 0.0)] * (len(answered.drafts) - 1)
    return tuple(
        Attempt(draft, heard, answered.model, usage, taken, answered.id)
        for draft, (usage, taken) in zip(answered.drafts, costs, strict=False)
    )
