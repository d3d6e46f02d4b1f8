"""What the user asked for, and which of it was done: by verbs, things and names of tools."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from sidecritic.checks.facts import Done, Facts, Line
from sidecritic.checks.things import states_in, things_in
from sidecritic.english.acts import declines
from sidecritic.english.lexicon import INTENTS, Intent, Synonyms, normal
from sidecritic.english.listings import words_of
from sidecritic.english.scope import conditional, negated
from sidecritic.english.text import mentions, sentences
from sidecritic.values import scalars

_USUAL = {"exchange": "item", "return": "item"}
"""What a kind of request is about when nothing else is named."""

_CLAUSES = re.compile(r",|;|\band\b|\bthen\b|\balso\b|\bplus\b|\bas well as\b")
_LATEST = 10**9
"""Position of the message that is proposed: after all others."""
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

    @cached_property
    def servable(self) -> tuple[Request, str, str] | None:
        """An open request with an untried tool for the state in which a record is found.

        Tools are named by the state that they work on: `modify_pending_order_items`.
        """
        tried = {done.call.name for done in self.facts.done}
        for request in self.open:
            for tool in sorted(request.tools - tried):
                state = next(
                    iter(self.facts.once(states_in) & set(words_of(tool).split(" "))), None
                )
                if state is not None and any(
                    line.position > request.position
                    and declines(line.lower)
                    and mentions(line.lower, state)
                    for line in (*self.facts.agent_lines, self._draft)
                ):
                    return request, tool, state
        return None

    @property
    def _draft(self) -> Line:
        text = self.facts.draft
        return Line(_LATEST, "agent", text, text.lower())

    @cached_property
    def failed(self) -> tuple[Done, ...]:
        """Failed writes whose tool did not succeed afterwards."""
        tried = [done for done in self.facts.done if done.writes]
        return tuple(
            one
            for index, one in enumerate(tried)
            if one.is_error
            and not any(
                other.call.name == one.call.name and not other.is_error
                for other in tried[index + 1 :]
            )
        )

    @cached_property
    def touched(self) -> frozenset[str]:
        """Everything that an executed write was called with, in lower case."""
        return frozenset(
            part.lower() for done in self.facts.writes for part in scalars(dict(done.arguments))
        )

    @cached_property
    def left_things(self) -> dict[str, int]:
        """Things that were asked about and that no executed write touched, with the message.

        A thing is an entry with a name in a list of a record; it is touched through its own
        id, or through a write on the whole record. Of things of one name one is enough.
        """
        left: dict[str, int] = {}
        touched: set[str] = set()
        for thing in things_in(self.facts):
            if thing.ids & self.touched or thing.owner in self._whole:
                touched.add(thing.name)
                continue
            position = self._named_at(thing.name)
            if position is not None:
                left.setdefault(thing.name, position)
        return {name: position for name, position in left.items() if name not in touched}

    @cached_property
    def _whole(self) -> frozenset[str]:
        """Ids of records on which a write was executed that lists no parts of them."""
        return frozenset(
            value.lower()
            for done in self.facts.writes
            if not any(isinstance(part, list) for part in done.arguments.values())
            for value in done.arguments.values()
            if isinstance(value, str)
        )

    def _named_at(self, name: str) -> int | None:
        for request in self.every:
            if mentions(request.text, name) or mentions(request.text, f"{name}s"):
                return request.position
        return None


@dataclass(frozen=True)
class _Tools:
    """The writing tools by the words in their names."""

    words: dict[str, frozenset[str]]
    things: frozenset[str]
    """Words that tell some of these tools from the others."""
    listed: dict[str, str]
    """Names of entries in records, to what lists them, in the singular."""

    @classmethod
    def of(cls, facts: Facts) -> "_Tools":
        words = {
            tool: frozenset(word.rstrip("s") for word in words_of(tool).split(" "))
            for tool in facts.tools
            if facts.may_write(tool)
        }
        verbs = {verb for intent in INTENTS for verb in intent.tools}
        things = frozenset(w for each in words.values() for w in each) - verbs
        listed = {thing.name: thing.listing for thing in things_in(facts)}
        return cls(words, things, {k: v for k, v in listed.items() if v in things})

    def serving(self, intent: Intent, clause: str, sentence: str) -> frozenset[str]:
        """Return the tools that serve an intent, narrowed to what clause or sentence name."""
        fitting = frozenset(tool for tool, words in self.words.items() if words & intent.tools)
        named = self._named(clause) or self._named(sentence)
        entries = {what for name, what in self.listed.items() if mentions(sentence, name)}
        usual = {_USUAL[intent.name]} if intent.name in _USUAL else set[str]()
        return self._nearest(self._nearest(self._nearest(fitting, usual), named), entries)

    def _named(self, words: str) -> frozenset[str]:
        return self.things & {word.rstrip("s") for word in _WORD.findall(words)}

    def _nearest(self, tools: frozenset[str], things: Collection[str]) -> frozenset[str]:
        """Return the tools whose names hold the most of these words; all when none holds one."""
        wanted = frozenset(things)
        most = max((len(self.words[tool] & wanted) for tool in tools), default=0)
        return frozenset(t for t in tools if len(self.words[t] & wanted) == most)


def _in_line(line: Line, tools: _Tools, synonyms: Synonyms) -> Iterator[Request]:
    for said in sentences(line.lower):
        sentence, asked = _asked(said, synonyms)
        for intent, clause in asked:
            serving = tools.serving(intent, clause, sentence)
            if serving:
                yield Request(intent, line.position, said, conditional(sentence), serving)


@lru_cache(maxsize=4096)
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
