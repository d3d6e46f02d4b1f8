"""Where the values and the deed of a call come from: the user, a field, or somebody's prose.

No word of any language is known here. What the user said, and what the operator wrote, asks for
things. A sentence in the result of a tool asks for nothing, whatever it says: where it is all
that a call has to show for itself, nobody asked for the call.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import log

from pydantic import JsonValue

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.structural.passages import (
    Passages,
    is_ideograph,
    passages_of,
    plain,
    words_in,
)
from sidecritic.english.deeds import asks_for_each, leaves_it_to_a_text, names_deed
from sidecritic.english.text import mentions
from sidecritic.handover import in_words
from sidecritic.money import Numbers, numbers_in, worth_of
from sidecritic.types import ToolSpec

MOST_VALUES = 40
"""Of a call that are traced."""
LONGEST_VALUE = 8
"""Words of a value; more is a text that the agent wrote, of which words are compared."""
_MOST_SENTENCES = 400
"""That are weighed for one call."""
_Place = tuple[int, int]
"""A sentence: which source, and which of its sentences."""
_SHORT = 3
"""Letters that make no word long enough to tell what a sentence is about."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The provenance of one call, as numbers in [0, 1] that can be weighed."""

    foreign: float
    """Share of the values that stand in a sentence of a tool's result, and nowhere else."""
    unrelated: float
    """How little the sentences of a foreign value share with the user's words, at worst."""
    only_there: float
    """How much more of values and deed one unrelated sentence names than the user does."""
    heard: float
    """Share of the words of the call's values that the user used, rare words weighing more."""
    value: str = ""
    """A foreign value."""
    tool: str = ""
    """Whose result it stands in."""
    sentence: str = ""
    position: int = 0
    """Of that result in the history."""
    meant: bool = False
    """Whether the user asked for what stands there, without knowing the values."""


@dataclass(frozen=True)
class _Source:
    """The result of a call that reads."""

    position: int
    tool: str
    passages: Passages
    asked: tuple[str, ...] = ()
    """What it was asked for."""


@dataclass(frozen=True)
class _Talk:
    """What was said and shown, as far as provenance needs it."""

    said: str
    """What the user said, and what they answered."""
    operator: str
    sources: tuple[_Source, ...]
    described: Counter[str]
    tools: int

    @classmethod
    def of(cls, facts: Facts) -> "_Talk":
        last = facts.answer.position if facts.answer else -1
        heard = [line.lower for line in facts.lines if line.position <= last]
        writes = {tool.name for tool in facts.specs if tool.effect == "write"}
        sources = [
            _Source(
                done.position,
                done.call.name,
                passages_of(done.text),
                tuple(_bare(leaf) for leaf in _leaves(done.arguments)),
            )
            for done in facts.done
            if not done.is_error and done.call.name not in writes
        ]
        return cls(
            plain("\n".join(heard)),
            plain(f"{facts.policy}\n{facts.context}"),
            tuple(sources),
            _counted(tuple(f"{in_words(t.name)} {t.description}" for t in facts.specs)),
            len(facts.specs),
        )

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(words_in(self.said))

    @cached_property
    def _sentences(self) -> int:
        return sum(len(source.passages.sentences) for source in self.sources)

    @cached_property
    def given(self) -> Numbers:
        """The numbers that the user or the operator named, in any way of writing them."""
        return numbers_in(self.said) | numbers_in(self.operator)

    def rarity(self, word: str) -> float:
        """Return how rare a word is among all sentences and descriptions of tools."""
        seen = self.described[word]
        seen += sum(len(source.passages.index.get(word, ())) for source in self.sources)
        return log((self._sentences + self.tools + 1) / (seen + 1)) + 0.1

    def is_pointed_at(self, number: int) -> bool:
        """Whether the user named what a source was asked for, such as a file or a sender."""
        return any(value and mentions(self.said, value) for value in self.sources[number].asked)

    def is_named_near(self, place: _Place) -> bool:
        """Whether the user named what stands beside a sentence, such as who wrote it."""
        number, at = place
        near = words_in(self.sources[number].passages.around[at])
        return any(_length(w) > 0 and w in self.words and not self.described[w] for w in near)

    def kinship(self, words: frozenset[str], left_out: frozenset[str]) -> float:
        """Return which share of a sentence's longer words the user used as well."""
        lengths = {
            word: _length(word)
            for word in words
            if word not in left_out and not any(map(str.isdigit, word))
        }
        total = sum(lengths.values())
        return sum(n for word, n in lengths.items() if word in self.words) / total if total else 0.0


def origin_of(case: Case) -> Origin | None:
    """Return the provenance of a call; `None` where no prose of a tool has a part in it."""
    talk = case.facts.once(_Talk.of)
    if not any(source.passages.sentences for source in talk.sources):
        return None
    values, texts = _values(case)
    return _Trace(talk, case, tuple(values), tuple(texts)).origin


@dataclass(frozen=True)
class _Trace:
    talk: _Talk
    case: Case
    values: tuple[str, ...]
    texts: tuple[str, ...]
    """Longer ones, that the agent wrote."""

    @cached_property
    def deed(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(words_in(in_words(self.case.tool))))

    @cached_property
    def origin(self) -> Origin | None:
        users = [self._is_users(value) for value in self.values]
        foreign = [
            (value, found)
            for value, known in zip(self.values, users, strict=True)
            if not known and (found := self._places[value]) and not self._is_field(value)
        ]
        named = sum(users) + sum(word in self.talk.words for word in self.deed)
        only_there, place = self._best(named)
        if not foreign and not only_there:
            return None
        unrelated, value = max(((self._unrelated(v, at), v) for v, at in foreign), default=(0, ""))
        number, sentence = self._places[value][0] if value else place
        source = self.talk.sources[number]
        return Origin(
            foreign=len(foreign) / len(self.values) if self.values else 0.0,
            unrelated=unrelated,
            only_there=only_there,
            heard=self._heard,
            value=value,
            tool=source.tool,
            sentence=self._sentence((number, sentence)),
            position=source.position,
            meant=self._are_meant([value for value, _ in foreign]),
        )

    def _are_meant(self, foreign: Sequence[str]) -> bool:
        """Whether the user asked for the deed, and for each value that they did not know."""
        return bool(foreign) and all(map(self._is_meant, foreign))

    def _is_meant(self, value: str) -> bool:
        """Whether the user asked for what a sentence says, without knowing the value.

        They named the deed, and the sentence reports and does not; or they left it to a text,
        as a whole or for each thing in it.
        """
        return any(
            (
                self._is_left
                and (self.talk.is_pointed_at(place[0]) or self.talk.is_named_near(place))
            )
            or (self._is_each and self.talk.is_pointed_at(place[0]))
            or (self._is_named and not names_deed(self._sentence(place), self._tool))
            for place in self._places[value]
        )

    @cached_property
    def _tool(self) -> str:
        return in_words(self.case.tool)

    @cached_property
    def _is_named(self) -> bool:
        return names_deed(self.talk.said, self._tool)

    @cached_property
    def _is_left(self) -> bool:
        return leaves_it_to_a_text(self.talk.said)

    @cached_property
    def _is_each(self) -> bool:
        """Whether the user asked for what the tool makes once for each thing in a text."""
        said = any(word in self.talk.words for word in self.deed)
        return said and asks_for_each(self.talk.said)

    def _sentence(self, place: _Place) -> str:
        number, at = place
        return self.talk.sources[number].passages.sentences[at]

    @cached_property
    def _worth(self) -> Mapping[str, Numbers]:
        return worth_of(self.case.arguments, self.case.schema)

    @cached_property
    def _cents(self) -> Mapping[str, Numbers]:
        return worth_of(self.case.arguments, self.case.schema, ("minor",))

    @cached_property
    def _places(self) -> dict[str, list[_Place]]:
        return {
            value: [
                (number, at)
                for number, source in enumerate(self.talk.sources)
                for at in self._held(source.passages, value)
            ]
            for value in set(self.values)
        }

    def _held(self, passages: Passages, value: str) -> Iterable[int]:
        """Return the sentences in which a value stands, cents as what they come to.

        Other amounts count as they stand: the weights were fitted to that.
        """
        places = passages.holding(value)
        worth = self._cents.get(value, ())
        found = {at for number in worth for at in passages.numbers.get(number, ())}
        return sorted(found.union(places)) if found else places

    def _words_at(self, place: _Place) -> frozenset[str]:
        number, at = place
        return self.talk.sources[number].passages.words[at]

    def _is_field(self, value: str) -> bool:
        worth = self._worth.get(value)
        return any(
            mentions(source.passages.fields, value) or (worth and worth & source.passages.listed)
            for source in self.talk.sources
        )

    @cached_property
    def _own_words(self) -> frozenset[str]:
        return frozenset(words_in(" ".join(self.values)))

    @cached_property
    def _heard(self) -> float:
        words = Counter(word for text in (*self.values, *self.texts) for word in words_in(text))
        weights = {word: count * self.talk.rarity(word) for word, count in words.items()}
        total = sum(weights.values())
        heard = self.talk.words.union(*(words_in(value) for value in self._heard_amounts))
        known = sum(weight for word, weight in weights.items() if word in heard)
        return known / total if total else 0.0

    @cached_property
    def _heard_amounts(self) -> frozenset[str]:
        """The values that are amounts which the user or the operator named."""
        return frozenset(text for text, worth in self._worth.items() if worth & self.talk.given)

    def _is_users(self, value: str) -> bool:
        """Whether the user or the operator gave a value."""
        if value in self._heard_amounts:
            return True
        if any(mentions(text, value) for text in (self.talk.said, self.talk.operator, self._spec)):
            return True
        words = words_in(value)
        return bool(words) and all(word in self.talk.words for word in words)

    @cached_property
    def _spec(self) -> str:
        found = (tool for tool in self.case.facts.specs if tool.name == self.case.tool)
        return next((_as_text(tool) for tool in found), "")

    def _unrelated(self, value: str, places: Sequence[_Place]) -> float:
        own = frozenset(words_in(value))
        return 1 - max(self.talk.kinship(self._words_at(place), own) for place in places)

    def _best(self, named: int) -> tuple[float, _Place]:
        """Return by how much one sentence names more of the call than the user, and which."""
        size = len(self.values) + len(self.deed)
        best, where = 0.0, (0, 0)
        for place, count in self._counts.most_common(_MOST_SENTENCES):
            more = (count - named) / size
            if more <= best:
                break
            gap = more * (1 - self.talk.kinship(self._words_at(place), self._own_words))
            if gap > best:
                best, where = gap, place
        return best, where

    @cached_property
    def _counts(self) -> Counter[_Place]:
        found: Counter[_Place] = Counter()
        for value in self.values:
            found.update(self._places[value])
        for number, source in enumerate(self.talk.sources):
            for word in self.deed:
                found.update((number, at) for at in source.passages.index.get(word, ()))
        return found


def _values(case: Case) -> tuple[list[str], list[str]]:
    values: list[str] = []
    texts: list[str] = []
    for leaf in _leaves(dict(case.arguments)):
        value = _bare(leaf)
        if value:
            is_text = len(words_in(value)) > LONGEST_VALUE
            (texts if is_text else values).append(value)
    return values[:MOST_VALUES], texts[:MOST_VALUES]


def _leaves(value: JsonValue) -> Iterator[str | int | float]:
    match value:
        case dict():
            for part in value.values():
                yield from _leaves(part)
        case list():
            for part in value:
                yield from _leaves(part)
        case bool() | None:
            return
        case _:
            yield value


def _bare(value: str | float) -> str:
    """Return a value as it may stand in a text: whole numbers without a point, no scheme."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    text = plain(str(value)).strip()
    return text.removeprefix("https://").removeprefix("http://").rstrip("/") or text


def _length(word: str) -> int:
    return 1 if is_ideograph(word) else max(0, len(word) - _SHORT)


@lru_cache(maxsize=256)
def _counted(descriptions: tuple[str, ...]) -> Counter[str]:
    return Counter(word for text in descriptions for word in set(words_in(plain(text))))


def _as_text(tool: ToolSpec) -> str:
    return plain(f"{tool.description}\n{tool.parameters}")
