"""What stands behind the question mark in a critic's name: how its model is asked.

llm:openai:MODEL?reason            reasoning first, then a probability
llm:openai:MODEL?votes=5           five drawn answers, their share
decision:openai:MODEL?lookups=2    may look up two facts itself for a verdict
"""

from typing import Literal
from urllib.parse import parse_qsl

from pydantic import Field, ValidationError, model_validator

from sidecritic.errors import ConfigError, first_problem
from sidecritic.types import Record

_WAYS = ("token", "json", "reason")
_KNOWN = "token, json, reason, votes=K, unverified=PROBABILITY, lookups=N, or one rendering"


class AskingOptions(Record):
    way: Literal["auto", "token", "json", "reason"] = "auto"
    """`auto` asks for a token, and for JSON where the server shows no log-probabilities."""
    votes: int = Field(default=1, ge=1, le=32)
    unverified: float = Field(default=0.5, gt=0, le=1)
    """Probability of "cannot be known without a look-up" from which that is the verdict."""
    lookups: int | None = Field(default=None, ge=0, le=8)
    """Facts that the critic may look up; `None` for what the run says."""
    rendering: str = ""
    """A compact form of the proposal, for a model that was fine-tuned for it."""

    @model_validator(mode="after")
    def _fits_together(self) -> "AskingOptions":
        if self.rendering and self.model_dump(exclude_defaults=True).keys() != {"rendering"}:
            raise ValueError(f"the rendering {self.rendering!r} takes no further option")
        return self


def asking_options(name: str, *, is_decision: bool = False) -> tuple[str, AskingOptions]:
    """Return a name without its options, and these.

    Raises:
        ConfigError: an option is unknown, out of range, or not for this kind of model.
    """
    plain, _, text = name.partition("?")
    read: dict[str, str] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        if key in _WAYS and not value:
            key, value = "way", key
        elif not value:
            key, value = "rendering", "" if key == "full" else key
        if key in read:
            raise ConfigError(f"the critic {name!r}: {key} is given twice; give it once")
        read[key] = value
    try:
        options = AskingOptions.model_validate(read)
    except ValidationError as cause:
        problem = first_problem(cause)
        raise ConfigError(f"the critic {name!r}: {problem}; known: {_KNOWN}") from cause
    if is_decision and (options.way != "auto" or options.votes > 1 or options.rendering):
        raise ConfigError(
            f"the critic {name!r}: a decision endpoint gives probabilities at once; of the "
            "options only unverified=PROBABILITY and lookups=N are for it"
        )
    return plain, options
