"""Whether the user was asked before a call, where the operator says that they must be.

Which words mean yes is a question of language. That somebody was asked at all is not: the agent
said something of what the call is about, or asked a question, and the user answered.
"""

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from sidecritic.checks.base import Answer, CallCheck, Objection
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Exchange, Facts
from sidecritic.checks.record_index import ids_of
from sidecritic.checks.structural.passages import words_in
from sidecritic.english.listings import listing
from sidecritic.values import scalars

QUESTION = re.compile("[?\uff1f\u061f\u037e\u055e]")
_NUMBER = re.compile(r"\d+")
_GROUPING = re.compile(r"(?<=\d)[.,\u00a0\u202f '](?=\d{3}(?!\d))")
_SHORTEST = 4
"""Letters of a word that tells what a message is about."""
_CENTS = 100


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
    about = frozenset(_about(case))
    spoken = any(about & _tokens(exchange.question.text) for exchange in case.facts.exchanges)
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
    records = [
        case.facts.known.get(kind, {}).get(name, {}) for kind, name in ids_of(case.arguments)
    ]
    for text in scalars([dict(case.arguments), *(dict(record) for record in records)]):
        yield from _tokens(text)
        if text.isdigit() and int(text) % _CENTS == 0:
            yield str(int(text) // _CENTS)


def _tokens(text: str) -> frozenset[str]:
    lower = _GROUPING.sub("", text.casefold())
    words = {word for word in words_in(lower) if len(word) >= _SHORTEST and not word.isdigit()}
    return frozenset(words | {n.lstrip("0") for n in _NUMBER.findall(lower) if len(n) > 1})
