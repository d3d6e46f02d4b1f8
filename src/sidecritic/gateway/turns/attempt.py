"""One draft of the upstream's, and the errors that end its hidden round trips."""

from dataclasses import dataclass

from sidecritic.dialects.base import Draft
from sidecritic.errors import ModelError
from sidecritic.gateway.wire.http import Heard
from sidecritic.types import Completion, Usage


class Passed(ModelError):
    """The upstream answered a hidden round trip with an error, which is passed on."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(f"the upstream answered with HTTP {heard.status}")
        self.heard = heard


class BudgetSpent(ModelError):
    """A request has used the tokens that the operator allows it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One draft, with the answer that brought it."""

    draft: Draft
    heard: Heard
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
