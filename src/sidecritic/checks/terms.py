"""Numbers and times that a policy states, read from the sentence that holds them.

No number of a policy stands in code: a check names the sentence, and judges by what the text of
the run says there. Where it says nothing, the check does not judge, and a note says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sidecritic.checks.facts import Facts
from sidecritic.errors import CriticError

MOST_POLICY = 200_000
"""Characters of a policy that are read for its numbers."""

_WORDS = (
    *("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)
NUMBER = rf"(?P<number>\d[\d,]{{0,8}}(?:\.\d{{1,2}})?|\b(?:{'|'.join(_WORDS)})\b)"
"""A number in a policy, in digits or as a word."""
_NOW = re.compile(
    r"\b(?:current time|today) is (?P<day>\d{4}-\d\d-\d\d)(?:[t ](?P<clock>\d\d:\d\d(?::\d\d)?))?"
)


class Unstated(CriticError):
    """The policy of a run does not state what a check judges by."""


@dataclass(frozen=True, slots=True)
class Term:
    """A number that a policy states, and the sentences that may hold it."""

    what: str
    """Names it, in the note of a check that could not find it."""
    sentences: tuple[re.Pattern[str], ...]

    def of(self, facts: Facts) -> float:
        """Return the number.

        Raises:
            Unstated: no sentence of the policy holds it.
        """
        found = self.find(facts)
        if found is None:
            raise Unstated(f"the policy does not state {self.what}")
        return found

    def find(self, facts: Facts) -> float | None:
        """Return the number; `None` where the policy does not state it."""
        return facts.once(_found, self)


def term(what: str, *sentences: str) -> Term:
    """Return a number by patterns of its sentences, in lower case; `#` stands for the number.

    What goes before the number has to be bounded, so that a policy is read in linear time.
    """
    return Term(what, tuple(re.compile(one.replace("#", NUMBER)) for one in sentences))


def policy_text(facts: Facts) -> str:
    """Return the policy in lower case and on one line, without the marks of bold type."""
    return facts.once(_plain)


def now(facts: Facts) -> datetime:
    """Return the time of the run; the begin of the day where only that is stated.

    Raises:
        Unstated: the policy does not state it.
    """
    stated = find_now(facts)
    if stated is None:
        raise Unstated("the policy does not state the current time")
    return stated


def find_now(facts: Facts) -> datetime | None:
    """Return the time of the run; `None` where the policy does not state it."""
    return facts.once(_stated_time)


def number_in(text: str) -> float:
    """Return what `NUMBER` has matched."""
    return float(_WORDS.index(text) if text in _WORDS else text.replace(",", ""))


def spellings(number: float) -> Iterator[str]:
    """Walk over how people write a number: its digits, and its word."""
    yield f"{number:g}"
    if number.is_integer() and 0 < number < len(_WORDS):
        yield _WORDS[int(number)]


def _plain(facts: Facts) -> str:
    return " ".join(facts.policy[:MOST_POLICY].lower().replace("**", "").split())


def _found(facts: Facts, wanted: Term) -> float | None:
    text = policy_text(facts)
    matches = (sentence.search(text) for sentence in wanted.sentences)
    return next((number_in(match["number"]) for match in matches if match), None)


def _stated_time(facts: Facts) -> datetime | None:
    for stated in _NOW.finditer(policy_text(facts)):
        try:
            return datetime.fromisoformat(f"{stated['day']} {stated['clock'] or '00:00'}")
        except ValueError:
            continue
    return None
