"""What the user asked for, and which of it was done: by verbs, things and names of tools."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sidecritic.checks.facts import Facts, Line
from sidecritic.english.acts import declines
from sidecritic.english.lexicon import INTENTS, Intent, Synonyms, normal
from sidecritic.english.listings import words_of
from sidecritic.english.scope import conditional, negated
from sidecritic.english.text import sentences

_USUAL = {"exchange": "item", "return": "item"}
"""What a kind of request is about when nothing else is named."""

_CLAUSES = re.compile(r",|;|\band\b|\bthen\b|\balso\b|\bplus\b|\bas well as\b")
_WORD = re.compile(r"[a-z]+")
_ASKING = re.compile(
    r"\b(please|want|need|like|can (you|i|we)|could (you|i|we)|would|help|hoping|wish|looking"
    r"|let['’]?s|go ahead|proceed|prefer|try|intend|plan|have to|possible|how about|i['’]ll)\b"
)
_IMPERATIVE = re.compile(r"^\W*((and|also|then|first|second|next|finally|yes|ok|\d)\W+)*\w+")


@dataclass(frozen=True)
class Request:
    """One thing that the user asked for."""

    intent: Intent
    position: int
    """Index of the message in the history."""
    text: str
    conditional: bool
    tools: frozenset[str]
    """Names of the tools that serve it."""

    @property
    def kind(self) -> str:
        return self.intent.name

    @property
    def key(self) -> tuple[str, frozenset[str]]:
        return self.kind, self.tools


@dataclass(frozen=True)
class Requests:
    """What was asked for in a conversation, against what was done."""

    facts: Facts
    every: tuple[Request, ...]

    @classmethod
    def of(cls, facts: Facts) -> "Requests":
        tools = _Tools.of(facts)
        found = (r for line in facts.user_lines for r in _in_line(line, tools, facts.synonyms))
        return cls(facts, tuple(found))

    @cached_property
    def distinct(self) -> tuple[Request, ...]:
        """The first request of each kind and thing."""
        firsts: dict[tuple[str, frozenset[str]], Request] = {}
        for request in self.every:
            firsts.setdefault(request.key, request)
        return tuple(firsts.values())

    @cached_property
    def open(self) -> tuple[Request, ...]:
        """Distinct requests that no executed write can have served, and nothing replaced.

        What the supervisor itself refused in this turn is not the actor's omission.
        """
        done = {done.call.name for done in self.facts.writes}
        done |= {call.name for call in self.facts.refused}
        return tuple(r for r in self.distinct if not r.tools & done and not self._replaced(r))

    def _replaced(self, request: Request) -> bool:
        """Whether the agent said that it cannot be done, and the user took something else."""
        refusals = (
            line.position
            for line in self.facts.agent_lines
            if line.position > request.position
            and declines(line.lower)
            and request.kind in line.lower
        )
        first = next(refusals, None)
        return first is not None and any(
            exchange.agreed
            and exchange.question.position >= first
            and any(done.position > exchange.answer.position for done in self.facts.writes)
            for exchange in self.facts.exchanges
        )


@dataclass(frozen=True)
class _Tools:
    """The writing tools by the words in their names."""

    words: dict[str, frozenset[str]]
    things: frozenset[str]
    """Words that tell some of these tools from the others."""

    @classmethod
    def of(cls, facts: Facts) -> "_Tools":
        words = {
            tool: frozenset(word.rstrip("s") for word in words_of(tool).split(" "))
            for tool in facts.tools
            if facts.may_write(tool)
        }
        verbs = {verb for intent in INTENTS for verb in intent.tools}
        things = frozenset(w for each in words.values() for w in each) - verbs
        return cls(words, things)

    def serving(self, intent: Intent, named: frozenset[str]) -> frozenset[str]:
        """Return the tools that serve an intent, narrowed to the things that are named."""
        fitting = frozenset(tool for tool, words in self.words.items() if words & intent.tools)
        usual = {_USUAL[intent.name]} if intent.name in _USUAL else set[str]()
        return self._nearest(self._nearest(fitting, usual), named)

    def named(self, words: str) -> frozenset[str]:
        return self.things & {word.rstrip("s") for word in _WORD.findall(words)}

    def _nearest(self, tools: frozenset[str], things: Collection[str]) -> frozenset[str]:
        """Return the tools whose names hold the most of these words; all when none holds one."""
        wanted = frozenset(things)
        most = max((len(self.words[tool] & wanted) for tool in tools), default=0)
        return frozenset(t for t in tools if len(self.words[t] & wanted) == most)


def _in_line(line: Line, tools: _Tools, synonyms: Synonyms) -> Iterator[Request]:
    for said in sentences(line.lower):
        sentence, asked = _asked(said, synonyms)
        named = tools.named(sentence) if asked else frozenset[str]()
        unsure = conditional(sentence)
        for intent, clause in asked:
            serving = tools.serving(intent, tools.named(clause) or named)
            if serving:
                yield Request(intent, line.position, said, unsure, serving)


def _asked(said: str, synonyms: Synonyms) -> tuple[str, tuple[tuple[Intent, str], ...]]:
    """Return a sentence in its normal form, and what its clauses ask for."""
    sentence = normal(said, synonyms)
    asking = bool(_ASKING.search(sentence))
    found = ((_asked_in(one, asking=asking), one) for one in _CLAUSES.split(sentence))
    return sentence, tuple((intent, clause) for intent, clause in found if intent)


def _asked_in(clause: str, *, asking: bool) -> Intent | None:
    """Return what a clause asks for; `asking` tells whether its sentence does at all."""
    for intent in INTENTS:
        found = intent.asked(clause)
        if found is None or negated(clause, found.start()):
            continue
        start = _IMPERATIVE.match(clause)
        if asking or (start and start.end() >= found.end()):
            return intent
    return None


def outright(requests: Sequence[Request]) -> tuple[Request, ...]:
    """Return those that were made without a condition, and in words that mean nothing else."""
    return tuple(r for r in requests if not r.conditional and not r.intent.feeble)
