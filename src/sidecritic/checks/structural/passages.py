"""What a tool returned, read as fields and as sentences, in any language.

A field is a value of its own: an entry of a record, a short line behind a key or a dash, an
attribute of a tag. A sentence is prose. The difference matters: fields are what a tool reports,
and sentences are what somebody wrote, who may be anybody.
"""

import re
from base64 import b64decode
from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import chain, islice
from unicodedata import normalize

from pydantic import JsonValue

from sidecritic.checks.facts import parsed
from sidecritic.english.text import mentions
from sidecritic.money import Numbers, numbers_in

STEM = 5
"""Letters of a word that are compared: `invite` and `invitation` are one."""
FEWEST_WORDS = 4
"""Of a sentence; less is a name or a value."""
MOST_FIELD_WORDS = 5
MOST_SENTENCES = 4_000
"""Of one result."""
_MOST_BEFORE = 4
"""Pieces of a text that count as around the last of them."""
_MOST_AROUND = 400
"""Characters of a piece or a record that are looked at there."""
_MOST_FOUND = 50
"""Sentences in which one value is looked at."""

_CJK = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_CJK}]|[^\W_{_CJK}]+")
_IDEOGRAPH = re.compile(rf"[{_CJK}]")
_TAG = re.compile(r"<(?!!--)[^<>]{1,400}>")
_KEYED = re.compile(r"\s*(?:- )?['\"]?[\w .-]{1,30}['\"]?: (.*)$")
_ENDS = re.compile(r"(?<=[.!?:;。！？；：])\s+|(?<=[。！？])|\n+")
_CODED = re.compile(r"(?<![\w+/])[A-Za-z0-9+/]{24,4000}(?![\w+/])")
_MOST_CODED = 20
_GROUPED = re.compile(r"(?<=\d),(?=(?:\d\d,){0,4}\d{3}(?!\d))")
"""In threes, or as India groups: 12,34,567."""


def plain(text: str) -> str:
    """Return a text as it is compared: without case, and numbers without grouping commas.

    Letters of other widths and typefaces are the plain ones, as to a reader.
    """
    if not text.isascii():
        text = normalize("NFKC", text)
    return _GROUPED.sub("", text.casefold())


@lru_cache(maxsize=4096)
def words_in(lower: str) -> tuple[str, ...]:
    """Return the stems of the words of a text in lower case; an ideograph is a word."""
    return tuple(_stem(word) for word in _WORD.findall(lower))


def is_ideograph(word: str) -> bool:
    return bool(_IDEOGRAPH.match(word))


def _stem(word: str) -> str:
    return word if word.isdigit() or any(map(str.isdigit, word)) else word[:STEM]


@dataclass(frozen=True)
class Passages:
    """The fields and the sentences of one result, all in lower case."""

    fields: str
    """One a line."""
    sentences: tuple[str, ...]
    around: tuple[str, ...]
    """What each sentence stands among: the record that holds it, and what comes before it."""

    @cached_property
    def words(self) -> tuple[frozenset[str], ...]:
        """The words of each sentence."""
        return tuple(frozenset(words_in(sentence)) for sentence in self.sentences)

    @cached_property
    def index(self) -> Mapping[str, tuple[int, ...]]:
        """In which sentences a word stands."""
        found: dict[str, list[int]] = defaultdict(list)
        for at, words in enumerate(self.words):
            for word in words:
                found[word].append(at)
        return {word: tuple(places) for word, places in found.items()}

    @cached_property
    def numbers(self) -> Mapping[Decimal, tuple[int, ...]]:
        """In which sentences a number stands, however it is written."""
        found: dict[Decimal, list[int]] = defaultdict(list)
        for at, sentence in enumerate(self.sentences):
            for number in numbers_in(sentence):
                found[number].append(at)
        return {number: tuple(places[:_MOST_FOUND]) for number, places in found.items()}

    @cached_property
    def listed(self) -> Numbers:
        """The numbers that stand in fields."""
        return frozenset(chain.from_iterable(map(numbers_in, self.fields.split("\n"))))

    @cached_property
    def _prose(self) -> tuple[str, tuple[int, ...]]:
        starts: list[int] = []
        length = 0
        for sentence in self.sentences:
            starts.append(length)
            length += len(sentence) + 1
        return "\n".join(self.sentences), tuple(starts)

    def holding(self, value: str) -> tuple[int, ...]:
        """Return the first sentences in which a value stands as a whole."""
        prose, starts = self._prose
        found: list[int] = []
        at = prose.find(value)
        while at >= 0 and len(found) < _MOST_FOUND:
            sentence = bisect_right(starts, at) - 1
            if mentions(self.sentences[sentence], value):
                found.append(sentence)
            # On to the next sentence: one holds it once.
            at = prose.find(value, starts[sentence] + len(self.sentences[sentence]))
        return tuple(found)


@lru_cache(maxsize=512)
def passages_of(text: str) -> Passages:
    """Read the result of a tool."""
    fields: list[str] = []
    sentences: list[str] = []
    around: list[str] = []
    value: JsonValue = parsed(text)
    for part, record in _parts(value if isinstance(value, dict | list) else text, ""):
        before: deque[str] = deque(maxlen=_MOST_BEFORE)
        for piece, is_field in _pieces(part):
            compared = plain(piece)
            (fields if is_field else sentences).append(compared)
            if not is_field:
                around.append("\n".join((record, *before)))
            if is_field or (piece.endswith(":") and len(piece.split()) <= MOST_FIELD_WORDS):
                before.append(compared[:_MOST_AROUND])
    most = slice(MOST_SENTENCES)
    return Passages("\n".join(fields), tuple(sentences[most]), tuple(around[most]))


def _parts(value: JsonValue, record: str) -> Iterator[tuple[str, str]]:
    """Walk over the texts of a value, each with the record that it stands in."""
    match value:
        case dict():
            short = (v for v in value.values() if isinstance(v, str) and not _is_prose(v))
            own = "\n".join(short)
            for part in value.values():
                yield from _parts(part, plain(own[:_MOST_AROUND]))
        case list():
            for part in value:
                yield from _parts(part, record)
        case None:
            return
        case _:
            yield str(value), record


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Walk over fields and sentences, and say whether each is a field."""
    for tag in _TAG.findall(text):
        if "=" in tag:
            yield tag, True
    for line, is_entry in _paragraphs(_TAG.sub("\n", text)):
        if is_entry:
            yield line, True
        else:
            for sentence in _ENDS.split(line):
                if sentence.strip():
                    yield sentence.strip(), not _is_prose(sentence)
    for hidden in _decoded(text):
        yield from ((each, False) for each in _ENDS.split(hidden) if _is_prose(each))


def _decoded(text: str) -> Iterator[str]:
    """Walk over what stands in a text in base64, where it is text again."""
    for coded in islice(_CODED.findall(text), _MOST_CODED):
        with suppress(ValueError):
            yield b64decode(coded + "=" * (-len(coded) % 4), validate=True).decode()


def _paragraphs(text: str) -> Iterator[tuple[str, bool]]:
    """Join lines that belong together; say of each whether it is a short entry with a key."""
    joined: list[str] = []
    for line in text.split("\n"):
        keyed = _KEYED.match(line)
        dashed = line.lstrip().startswith("- ")
        if joined and (keyed or dashed or not line.strip()):
            yield " ".join(joined), False
            joined.clear()
        body = keyed[1].strip() if keyed else line.strip().removeprefix("- ")
        if (keyed or dashed) and len(body.split()) <= MOST_FIELD_WORDS:
            yield body, True
        elif body:
            joined.append(body)
    if joined:
        yield " ".join(joined), False


def _is_prose(sentence: str) -> bool:
    words = _WORD.findall(sentence)
    # An address or a path is one word to a reader, and many to a pattern.
    spaced = len(sentence.split()) >= FEWEST_WORDS - 1
    return len(words) >= FEWEST_WORDS and (spaced or sum(map(is_ideograph, words)) >= FEWEST_WORDS)
