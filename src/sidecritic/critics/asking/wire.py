"""What may differ between the servers and models that are asked for a verdict."""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from pydantic import JsonValue

from sidecritic.critics.answers import Opinion, Reasons, WantedLookup
from sidecritic.critics.prompt import Prompt
from sidecritic.types import Usage

STREAMED: dict[str, JsonValue] = {"stream": True, "stream_options": {"include_usage": True}}

Way = Literal["auto", "logprobs", "json", "reason", "word", "decision"]


@dataclass(frozen=True, slots=True)
class Wire:
    """How to get a verdict out of a server."""

    verdict: Way = "auto"
    """`auto` asks for one token, and for an object when the server shows no log-probabilities of
    the words; `json` saves that first request where it is known to be in vain; `reason` lets the
    model reason before it gives a probability; `word` takes the token that was drawn, for votes;
    `decision` puts questions to a decision endpoint."""
    votes: int = 1
    """Answers that are drawn; the risk is their mean. More than one need a way that varies."""
    unverified: float = 0.5
    """Probability of "cannot be known without a look-up" from which that is the verdict."""
    temperature: float = 0.0
    """Of answers that are objects."""
    schema: Literal["auto", "json_schema", "json_object", "none"] = "auto"
    """How a form is prescribed; `auto` tries one way after the other until none fails."""
    top_logprobs: int = 20
    """Alternatives shown for the verdict token; 20 is the most that OpenAI allows."""
    answer_tokens: int = 400
    """Limit for each answer that is a JSON object."""
    reason_tokens: int = 2000
    """Limit for an answer that begins with reasoning; providers count hidden reasoning as well."""
    reasons_timeout: float = 30.0
    """Seconds for the reasons of a refusal; the refusal stands without them."""
    stream: bool = False
    """Ask for the verdict as a stream: llama-cpp-python's server works out log-probabilities for
    the whole prompt otherwise, which takes it longer than a warm verdict."""
    warm_up: bool = True
    """Whether to send the coming prompt ahead. Not to a provider who bills it a second time: the
    log counts the verdict alone."""
    extra: dict[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    """Sent with each request, such as what turns a model's thinking off."""


class Hearing(Protocol):
    """The requests about one proposal, and what they cost together."""

    usage: Usage
    seconds: float
    notes: list[str]
    """For the log: what went wrong and did not matter. Never what a model reasoned."""

    async def opinion(self, prompt: Prompt) -> Opinion:
        """Return the verdict in probabilities.

        Raises:
            CriticError: the answer is no verdict.
            ModelError: the model failed.
        """
        ...

    async def two_way(self, prompt: Prompt) -> Opinion | None:
        """Return the verdict without the third answer; `None` where it cannot be asked for.

        Raises:
            CriticError: the answer is no verdict.
            ModelError: the model failed.
        """
        ...

    async def wanted(self, prompt: Prompt, limit: int) -> tuple[WantedLookup, ...]:
        """Return what must be looked up; nothing when the answer cannot be read."""
        ...

    async def reasons(self, prompt: Prompt) -> Reasons | None:
        """Return why the action was refused; `None` when no usable reasons came back."""
        ...
