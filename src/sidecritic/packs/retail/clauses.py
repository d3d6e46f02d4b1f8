"""Retail: which of the user's words are about which item.

A sentence is cut where it turns to another item, and a sentence that names none is about what
the one before it was about. `Clause.act` is the last verb of that kind that was said.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast, get_args

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.english.lexicon import INTENTS, KEEP
from sidecritic.english.scope import negated
from sidecritic.english.text import sentences
from sidecritic.packs.retail.records import items, order_of, orders
from sidecritic.values import JsonObject, text_of, texts_of

Act = Literal["cancel", "return", "exchange", "change", "remove", "keep", ""]

_VAGUE = frozenset({"set", "kit", "light", "bulb", "system", "maker", "machine", "cleaner"})
_ALSO_CALLED = {
    "bicycle": ("bike",),
    "smartphone": ("phone",),
    "headphones": ("headset",),
    "refrigerator": ("fridge",),
    "television": ("tv",),
    "wristwatch": ("watch",),
    "sneakers": ("shoe",),
    "puzzle": ("jigsaw",),
    "bookshelf": ("bookcase",),
    "earbuds": ("earphone",),
}
_TELLING = frozenset({"bulb", "maker", "cleaner"})
"""Last words that name a product by themselves as well."""

_WORD = re.compile(r"[a-z]+")
_ITEM_INTENTS = (KEEP, *(intent for intent in INTENTS if intent.name in get_args(Act)))
_ELSE = re.compile(r"\b(address\w*|payment|pay(ing)?|paid|deliver\w*|shipp?\w*)\b")
"""What is changed of an order, not of its items."""
_OTHERS = re.compile(
    r"\b(other|remaining|rest of (the|my|these|those)( \w+)?) (items?|ones|products|things|order)\b"
)
_CAME_WITH = re.compile(
    r"\b(came|comes|come|arrived|delivered|shipped|bought|ordered|purchased|got)"
    r"( (it|together|along))? with( (an?|the|my))?( \w+)? $"
)
"""Before a product that tells which item or order is meant, and is no wish itself."""

_JOINT = re.compile(r",| and | but | then | while | also ")


@dataclass(frozen=True, slots=True)
class Clause:
    """A piece of what the user said, and what it is about."""

    position: int
    """Of the message, in the history."""
    text: str
    """In lower case."""
    product: str
    """Name of the product that it is about, in lower case; empty when that is open."""
    act: Act


def product_names(case: Case) -> tuple[str, ...]:
    """Return the names of the products in the user's orders, in lower case, the call's first."""
    order = order_of(case)
    ids = texts_of(case.arguments, "item_ids")
    own = [name_of(i) for i in items(order) if not ids or text_of(i, "item_id") in ids]
    rest = [name_of(i) for one in (order, *orders(case.facts).values()) for i in items(one)]
    return tuple(name for name in dict.fromkeys((*own, *rest)) if name)


def name_of(item: JsonObject) -> str:
    return text_of(item, "name").lower()


def called(name: str) -> tuple[str, ...]:
    """Return the words by which people call a product, without a plural s."""
    words = _WORD.findall(name)
    if not words:
        return ()
    last = words[-1]
    stems = [last] if last not in _VAGUE or len(words) == 1 else [words[0]]
    if last in _TELLING:
        stems.append(last)
    elif last in _VAGUE and len(words) > 1:
        stems += [f"{words[-2]} {last}"] if last != "machine" else []
    # "Smartwatch" is the smart watch.
    stems.append("".join(words))
    found = [_stem(word) for word in (*stems, *_ALSO_CALLED.get(last, ()))]
    return (*found, *(f"{word[:-1]}ve" for word in found if word.endswith("f")))


def clauses(case: Case) -> tuple[Clause, ...]:
    """Return what the user said, cut by product."""
    return case.facts.once(_clauses, product_names(case))


def _clauses(facts: Facts, names: tuple[str, ...]) -> tuple[Clause, ...]:
    found: list[Clause] = []
    question = ""
    for line in facts.lines:
        if line.who == "agent":
            question = line.lower
            continue
        asked = {name for _, name in _mentions(question, names)}
        topic = next(iter(asked)) if len(asked) == 1 else ""
        found.extend(_cut(line.position, line.lower, names, topic))
    return tuple(found)


def question_before(facts: Facts, position: int) -> str:
    """Return what the agent last said before a position of the history, in lower case."""
    before = [line.lower for line in facts.agent_lines if line.position < position]
    return before[-1] if before else ""


def named_in(lower: str, name: str) -> bool:
    """Whether a text names a product."""
    return next(products_in(lower, (name,)), None) is not None


def _stem(word: str) -> str:
    if word.endswith("shes"):
        return word.removesuffix("es")
    return word.removesuffix("s") if not word.endswith("ss") else word


def _cut(position: int, lower: str, names: tuple[str, ...], topic: str) -> Iterator[Clause]:
    act: Act = ""
    for sentence in sentences(lower):
        found = _meant(sentence, list(_mentions(sentence, names)))
        if not found:
            topic = "" if _OTHERS.search(sentence) else topic
            act = _act(sentence, act)
            yield Clause(position, sentence, topic, act)
            continue
        start = 0
        for index, (place, name) in enumerate(found):
            end = found[index + 1][0] if index + 1 < len(found) else len(sentence)
            if index + 1 < len(found):
                joints = [place + m.start() for m in _JOINT.finditer(sentence[place:end])]
                end = joints[-1] if joints else end
            text = sentence[start:end]
            act = _act(text, act)
            yield Clause(position, text, name, act)
            start, topic = end, name


def _meant(sentence: str, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
    """Leave out products that only describe another one: "the bag that came with the lamp"."""
    kept = [one for one in found if not _CAME_WITH.search(sentence[: one[0]])]
    return kept or found


def _act(text: str, before: Act) -> Act:
    """Return the last act that a text names; what was named before where it names none."""
    last, act = -1, before
    for intent in _ITEM_INTENTS:
        for found in intent.spoken.finditer(text):
            if found.end() > last:
                unwanted = intent is not KEEP and negated(text, found.start())
                last, act = found.end(), "keep" if unwanted else cast(Act, intent.name)
    return "" if act == "change" and _ELSE.search(text) else act


def products_in(lower: str, names: Iterable[str]) -> Iterator[tuple[int, int, str]]:
    """Walk over the products that a text names, in order, each with start and end."""
    pattern, meant = _searched(tuple(names))
    for found in pattern.finditer(lower):
        yield found.start(), found.end(), meant[found[1]]


def _mentions(sentence: str, names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Walk over the same, neighbours of one name once."""
    last = ""
    for start, _, name in products_in(sentence, names):
        if name != last:
            yield start, name
        last = name


@lru_cache(maxsize=64)
def _searched(names: tuple[str, ...]) -> tuple[re.Pattern[str], Mapping[str, str]]:
    """Return a pattern of all words for some products, and what each word means.

    A word that two products share means the one that is named first.
    """
    meant: dict[str, str] = {}
    for name in names:
        for word in (name.removesuffix("s"), *called(name)):
            meant.setdefault(word, name)
    words = "|".join(re.escape(word) for word in sorted(meant, key=len, reverse=True))
    return re.compile(rf"\b({words or '(?!)'})(?:e?s)?\b"), meant
