"""What a critic model answers, read strictly: a form that fits, or no answer at all.

Text around the form is not searched for it: a verdict that an actor or a tool result smuggled
into the model's prose must not be found there.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp
from typing import Literal

from pydantic import Field

from sidecritic.checks.quotes import stands_in
from sidecritic.critics.prompt import APPROVE, LOOK, REFUSE
from sidecritic.types import Assistant, Record, TokenLogprob

FLOOR = 1e-6
"""Least probability of either verdict: a model that is sure is not infallible."""

_FAINT = 0.1
"""Probability of both words together below which the model hardly answers the question."""

FEEDBACK_LIMIT = 600
"""Characters of feedback, reason and policy sentence, each."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a model holds of a proposal: one of three answers, in probabilities."""

    risk: float | None
    """That it is not permitted or not right, if it can be known; `None` when the model said
    nothing but that it cannot."""
    doubt: float = 0.0
    """That it cannot be known without a look-up."""
    note: str = ""
    """For the log: why not to lean on it. Never what the model reasoned."""


# --- the verdict as a token ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TokenRisk:
    risk: float
    note: str = ""
    """Why not to lean on it: it is only a bound, or the model would rather say something else."""


def risk_of(token: TokenLogprob) -> TokenRisk | None:
    """Return sigma(logit difference) of the two verdict words; `None` when neither came back.

    A word's probability is the sum over its spellings: with a leading space, in another case,
    or only its first part where the tokenizer splits it. A word that is missing has at most the
    probability of the least likely alternative shown, and of all that were not; this bound
    stands in for it. The token that was drawn does not count as one: it may be less likely than
    they are, and servers show it all the same.
    """
    shown = {token.token: token.logprob, **token.top}
    chances = {text: exp(min(logprob, 0.0)) for text, logprob in shown.items()}
    approve, refuse = _mass(APPROVE, chances), _mass(REFUSE, chances)
    if not approve and not refuse:
        return None
    likeliest = [chance for text, chance in chances.items() if text != token.token]
    bound = max(min([*likeliest, 1.0 - sum(chances.values())]), FLOOR)
    note = ""
    if approve + refuse < _FAINT:
        note = f"{APPROVE} and {REFUSE} have {approve + refuse:.1%} of the probability"
    if not refuse:
        refuse, note = bound, f"risk is an upper bound: no {REFUSE} among the alternatives"
    elif not approve:
        approve, note = bound, f"risk is a lower bound: no {APPROVE} among the alternatives"
    return TokenRisk(_inside(refuse / (approve + refuse)), note)


def opinion_of(token: TokenLogprob) -> Opinion | None:
    """Return the probabilities of the three verdict words; `None` when none of them came back."""
    shown = {token.token: token.logprob, **token.top}
    chances = {text: exp(min(logprob, 0.0)) for text, logprob in shown.items()}
    judged, look = _mass(APPROVE, chances) + _mass(REFUSE, chances), _mass(LOOK, chances)
    read = risk_of(token)
    if read is None:
        return Opinion(None, _inside(1.0)) if look else None
    return Opinion(read.risk, look / (judged + look), read.note)


def spoken(text: str) -> Opinion | None:
    """Return the opinion that one drawn word states, such as "No."; `None` for anything else."""
    match text.strip(" \t\r\n\"'`*.!").casefold():
        case "yes":
            return Opinion(FLOOR)
        case "no":
            return Opinion(1.0 - FLOOR)
        case "look":
            return Opinion(None, 1.0 - FLOOR)
        case _:
            return None


def mean(opinions: Sequence[Opinion]) -> Opinion:
    """Return what several answers to one question come to.

    One that says nothing but "cannot be known" counts in the doubt, and leaves the risk to others;
    where these are not more than half, there is none: a few votes approve nothing.
    """
    risks = [each.risk for each in opinions if each.risk is not None]
    doubt = sum(each.doubt for each in opinions) / len(opinions)
    most = len(risks) * 2 > len(opinions)
    return Opinion(sum(risks) / len(risks) if most else None, doubt)


def _mass(word: str, chances: Mapping[str, float]) -> float:
    # Some servers show a leading space as the tokenizer's own sign for it.
    bare = {text: text.strip(" \t\r\n\"'`*▁Ġ").casefold() for text in chances}
    return sum(chances[text] for text, b in bare.items() if b and word.casefold().startswith(b))


def _inside(risk: float) -> float:
    return min(max(risk, FLOOR), 1.0 - FLOOR)


# --- forms ---------------------------------------------------------------------------------


_CONFIDENCE = Field(ge=50, le=100, json_schema_extra={"enum": [*range(50, 101)]})
"""In percent, of the verdict, so that the two cannot contradict each other. The schema lists
the values, because grammars of llama.cpp's bindings leave bounds of numbers out."""

_REASONING = Field(json_schema_extra={"maxLength": 900})
"""An end that grammars keep to; where there is none, the limit of tokens is one."""

_PERCENT = Field(ge=0, le=100, json_schema_extra={"enum": [*range(101)]})


class JsonVerdict(Record):
    verdict: Literal["Yes", "No"]
    confidence: int = _CONFIDENCE

    @property
    def opinion(self) -> Opinion:
        sure = self.confidence / 100
        return Opinion(_inside(sure if self.verdict == REFUSE else 1.0 - sure))


class JsonVerdictOrLook(Record):
    verdict: Literal["Yes", "No", "Look"]
    confidence: int = _CONFIDENCE

    @property
    def opinion(self) -> Opinion:
        if self.verdict == LOOK:
            return Opinion(None, _inside(self.confidence / 100))
        return JsonVerdict(verdict=self.verdict, confidence=self.confidence).opinion


class ReasonedVerdict(Record):
    """A verdict behind its reasoning, which is read by nobody: it was made from foreign text."""

    reasoning: str = _REASONING
    verdict: Literal["Yes", "No"]
    wrong: int = _PERCENT

    @property
    def opinion(self) -> Opinion:
        return Opinion(_inside(self.wrong / 100))


class ReasonedVerdictOrLook(Record):
    reasoning: str = _REASONING
    verdict: Literal["Yes", "No", "Look"]
    wrong: int = _PERCENT

    @property
    def opinion(self) -> Opinion:
        doubt = 1.0 - FLOOR if self.verdict == LOOK else 0.0
        return Opinion(_inside(self.wrong / 100), doubt)


class Reasons(Record):
    fault: Literal["authority", "correctness", "omission"]
    reason: str
    policy_ref: str
    feedback: str = Field(min_length=1)
    calls: tuple[int, ...] = Field(max_length=32)
    """Numbers of the calls at fault, from 1; bounded, because small models go on counting."""

    def ids(self, action: Assistant) -> tuple[str, ...] | None:
        """Return the ids of the calls at fault; `None` when a number fits no call."""
        if any(not 1 <= number <= len(action.calls) for number in self.calls):
            return None
        return tuple(action.calls[number - 1].id for number in dict.fromkeys(self.calls))


class WantedLookup(Record):
    fact: str
    """What must be known."""
    tool: str
    arguments: str
    """A JSON object as text: strict schemas of servers allow no open objects."""


class WantedLookups(Record):
    lookups: tuple[WantedLookup, ...]


# --- words for others ----------------------------------------------------------------------


def plain(text: str, limit: int = FEEDBACK_LIMIT) -> str:
    """Return the text on one line, of bounded length, without control characters or tags.

    It was written after reading foreign text, and goes into the actor's chat.
    """
    visible = "".join(c if c.isprintable() else " " for c in text)
    untagged = re.sub(r"<[|/\w][^<>]{0,40}>|\[/?[A-Z_]{3,24}\]", " ", visible)
    line = " ".join(untagged.split())
    return line if len(line) <= limit else f"{line[: limit - 1].rstrip()}…"


def cited(sentence: str, policy: str) -> str:
    """Return the sentence if the policy holds it, else nothing: models invent rules."""
    return plain(sentence) if stands_in(sentence, policy) else ""
