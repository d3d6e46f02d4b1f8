"""Whether the user was asked before a call, where the operator says that they must be.

Which words mean yes is a question of language. That somebody was asked at all is not: the agent
said something of what the call is about, or asked a question, and the user answered.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal
from fnmatch import fnmatchcase
from itertools import chain

from sidecritic.checks.base import Answer, CallCheck, Objection
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Exchange, Facts
from sidecritic.checks.record_index import ids_of
from sidecritic.checks.structural.passages import words_in
from sidecritic.english.listings import listing
from sidecritic.money import amounts_of, numbers_in
from sidecritic.values import JsonObject, scalars

QUESTION = re.compile("[?\uff1f\u061f\u037e\u055e]")
_NUMBER = re.compile(r"\d+")
_GROUPING = re.compile(r"(?<=\d)[.,\u00a0\u202f '](?=\d{3}(?!\d))")
_SHORTEST = 4
"""Letters of a word that tells what a message is about."""
_LEAST = 10
"""Smaller numbers stand in any message."""


def confirming(patterns: Sequence[str]) -> CallCheck:
    """Return the check that the user was asked before tools of these names, or globs."""

    def examine(case: Case) -> Answer:
        wanted = any(fnmatchcase(case.tool, pattern) for pattern in patterns)
        if not wanted or _was_asked(case):
            return None
        return Objection(
            f"The user was not asked before `{case.tool}`. First send a message that says what "
            f"will be done ({listing(case.call)}) and ask for a yes; call the tool after that.",
            evidence=case.facts.answer.text[:120] if case.facts.answer else "nobody said anything",
            messages=(case.facts.answer.position,) if case.facts.answer else (),
        )

    return CallCheck("unconfirmed write", "", 0.8, examine)


def _was_asked(case: Case) -> bool:
    about, amounts = frozenset(_about(case)), frozenset(_amounts(case))
    said = [exchange.question.text for exchange in case.facts.exchanges]
    spoken = any(about & _tokens(text) or amounts & numbers_in(text) for text in said)
    return spoken or _has_just_answered(case.facts)


def _has_just_answered(facts: Facts) -> bool:
    """Whether the user's last words answer a question, and nothing had to be looked up since."""
    last: Exchange | None = facts.exchanges[-1] if facts.exchanges else None
    if last is None or last.answer is not facts.answer:
        return False
    since = [done for done in facts.done if done.position > last.answer.position]
    return bool(QUESTION.search(last.question.text)) and not since


def _about(case: Case) -> Iterator[str]:
    """Walk over words and numbers of the arguments, and of the records that they name."""
    for text in scalars([dict(case.arguments), *(dict(record) for record in _records(case))]):
        yield from _tokens(text)


def _amounts(case: Case) -> Iterator[Decimal]:
    """Walk over what the numbers of both may be worth, but for those of one digit."""
    read = [amounts_of(case.arguments, case.schema, guesses=True)]
    read += [amounts_of(record, guesses=True) for record in _records(case)]
    for amount in chain.from_iterable(read):
        yield from (each for each in amount.worth if each >= _LEAST)


def _records(case: Case) -> list[JsonObject]:
    known = case.facts.known
    return [known.get(kind, {}).get(name, {}) for kind, name in ids_of(case.arguments)]


def _tokens(text: str) -> frozenset[str]:
    lower = _GROUPING.sub("", text.casefold())
    words = {word for word in words_in(lower) if len(word) >= _SHORTEST and not word.isdigit()}
    return frozenset(words | {n.lstrip("0") for n in _NUMBER.findall(lower) if len(n) > 1})
