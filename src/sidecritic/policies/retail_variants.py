"""Retail: which variant the user's words call for, among those that can be had.

Every wish of the conversation about a product is a `Wish`: a test of a variant, with the words
that it comes from. A later wish about an option replaces an earlier one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sidecritic.policies.facts import Facts
from sidecritic.policies.retail_options import Naming, is_soft, namings, plain, rank, vocabulary
from sidecritic.policies.retail_records import Swap, available, options, swaps
from sidecritic.policies.retail_wording import Clause, clauses, name_of
from sidecritic.policies.values import JsonObject, number_of, text_of
from sidecritic.types import ToolCall

_UP = r"larger|bigger|higher|greater|longer|taller|wider|thicker|faster|brighter|stronger|more"
_DOWN = r"smaller|lower|fewer|shorter|thinner|slower|dimmer|lighter|less"
_COMPARED = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b(?! (expensive|costly|than|money|info\w*|detail\w*"
    r"|help|about|of a|or|items?|time|questions?|to)\b)"
)
_MORE = re.compile(r"\b(\d[\d,]*) (?:\w+ )?(more|less|fewer|extra|additional)\b")
_CHEAPEST = re.compile(
    r"\b(cheapest|least expensive|lowest[- ](price[d]?|cost)|most affordable|lowest)\b(?! res)"
)
_DEAREST = re.compile(r"\b(most expensive|priciest|highest[- ](price[d]?|cost)|dearest)\b")
_CAP = re.compile(
    r"\b(?:under|below|less than|no more than|at most|up to|maximum of|within|not exceed\w*)"
    r" (?:a |my )?(?:budget of )?\$ ?(\d[\d,]*(?:\.\d+)?)"
)
_REST = re.compile(
    r"\b(same|keep|identical|unchanged|(without|not) chang\w+|retain\w*|maintain\w*|match\w*)"
    r"[^.;\n]{0,30}\b(other|else|rest|remaining|everything|all)\b"
    r"|\b(other|else|rest|remaining|everything)\b[^.;\n]{0,40}"
    r"\b(same|unchanged|identical|as (is|it is))\b"
    r"|\b(same|identical|exact)\b[^.;\n]{0,30}\b(but|except|just|only)\b"
    r"|\bonly (change|the)\b[^.;\n]{0,30}\b(color|colour|size)\b"
)
_SIZE_KEYS = re.compile(r"size|capacity|length|height|diameter|piece")
_TOKEN = re.compile(r"[a-z]{3,}")


@dataclass(frozen=True, slots=True)
class Wish:
    """Something that a variant has to be."""

    key: str
    """The option, `price`, or empty for several."""
    fits: Callable[[JsonObject], bool]
    words: str
    position: int
    soft: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the user wants of one item."""

    pair: Swap
    wishes: tuple[Wish, ...]
    rest: bool
    """Whether the user wants all other options as they are."""
    extreme: int
    """-1 for the cheapest, 1 for the dearest, else 0."""
    about: tuple[Clause, ...]

    @property
    def hard(self) -> tuple[Wish, ...]:
        return tuple(wish for wish in self.wishes if not wish.soft)

    def unmet(self, variant: JsonObject, *, soft: bool = False) -> tuple[Wish, ...]:
        wishes = self.wishes if soft else self.hard
        return tuple(wish for wish in wishes if not wish.fits(variant))

    def fitting(self) -> tuple[JsonObject, ...]:
        """Return the variants that can be had, are another one, and meet every hard wish."""
        old = text_of(self.pair.old, "item_id")
        return tuple(
            one
            for one in available(self.pair.product)
            if text_of(one, "item_id") != old and not self.unmet(one)
        )


def wanted(
    facts: Facts, call: ToolCall, *, until: Callable[[Swap], int] | None = None
) -> tuple[Wanted, ...]:
    """Return what the user wants of each item of a call whose product is known.

    `until` gives the position in the history up to which the words about an item count.
    """
    said = clauses(facts, call)
    pairs = tuple(swaps(facts, call))
    products = {name_of(pair.old) for pair in pairs}
    found: list[Wanted] = []
    for pair in pairs:
        if pair.old and pair.new:
            name, end = name_of(pair.old), until(pair) if until else None
            about = (one for one in said if _is_about(one, name, products))
            found.append(_of(pair, tuple(c for c in about if end is None or c.position < end)))
    return tuple(found)


def _is_about(clause: Clause, product: str, products: set[str]) -> bool:
    return clause.product == product or (not clause.product and len(products) == 1)


def _of(pair: Swap, about: tuple[Clause, ...]) -> Wanted:
    latest: dict[str, list[Wish]] = {}
    rest, extreme = False, 0
    for clause in about:
        fresh: dict[str, list[Wish]] = {}
        for wish in _wishes(clause, pair):
            fresh.setdefault(wish.key, []).append(wish)
        latest.update(fresh)
        rest = rest or bool(_REST.search(clause.text))
        extreme = _extreme(clause.text) or extreme
    wishes = tuple(wish for found in latest.values() for wish in found)
    return Wanted(pair, wishes, rest, extreme, about)


def _extreme(text: str) -> int:
    return -1 if _CHEAPEST.search(text) else 1 if _DEAREST.search(text) else 0


def _wishes(clause: Clause, pair: Swap) -> Iterator[Wish]:
    steps = {found[1].replace(",", "") for found in _MORE.finditer(clause.text)}
    # "1000 more pieces" names a difference, not a value.
    named = tuple(n for n in namings(clause.text, pair.product) if n.value not in steps)
    old = options(pair.old)
    yield from _named(clause, named, old)
    taken = {one.key for one in named}
    yield from (w for w in _compared(clause, pair) if w.key not in taken)
    yield from _kept(clause, pair)
    cap = _CAP.search(clause.text)
    if cap and "total" not in clause.text:
        most = float(cap[1].replace(",", ""))
        yield Wish("price", lambda v: number_of(v, "price") <= most, cap[0], clause.position, False)


def _named(clause: Clause, named: tuple[Naming, ...], old: dict[str, str]) -> Iterator[Wish]:
    """Turn the values that a clause names into wishes, those of one option into one."""
    shared = _shared(named)
    soft = is_soft(clause.text)
    for key in dict.fromkeys(one.key for one in named):
        mine = [one for one in named if one.key == key and (one.key, one.value) not in shared]
        bad = frozenset(one.value for one in mine if one.negated)
        good = frozenset(
            one.value
            for one in mine
            if not one.negated and not one.described and one.value != old.get(key)
        )
        if good - bad:
            yield Wish(key, _is_one_of(key, good - bad), clause.text, clause.position, soft)
        elif bad - {old.get(key, "")}:
            yield Wish(key, _is_none_of(key, bad), clause.text, clause.position, soft)


def _shared(named: tuple[Naming, ...]) -> set[tuple[str, str]]:
    """Return the readings of words that two options share, but for the nearer one."""
    found: set[tuple[str, str]] = set()
    for one in named:
        rivals = [o for o in named if o.place == one.place and o.key != one.key]
        if rivals:
            found.add((one.key, one.value))
    return found


def _is_one_of(key: str, values: frozenset[str]) -> Callable[[JsonObject], bool]:
    return lambda variant: options(variant).get(key) in values


def _is_none_of(key: str, values: frozenset[str]) -> Callable[[JsonObject], bool]:
    return lambda variant: options(variant).get(key) not in values


def _compared(clause: Clause, pair: Swap) -> Iterator[Wish]:
    """Walk over what a clause wants larger or smaller than the old item has it."""
    old, words = options(pair.old), vocabulary(pair.product)
    ranked = {key: values for key, values in words.items() if rank(values, values[0]) is not None}
    step = _MORE.search(clause.text)
    for found in _COMPARED.finditer(clause.text):
        key = _meant_key(clause.text[found.end() : found.end() + 32], ranked)
        if not key or key not in old:
            continue
        before = rank(words[key], old[key])
        if before is None:
            continue
        sign = 1 if found["up"] else -1
        if step and old[key].isdigit():
            exact = str(int(old[key]) + sign * int(step[1].replace(",", "")))
            fits = _is_one_of(key, frozenset({exact}))
        else:
            fits = _is_beyond(key, words[key], sign * before, sign)
        yield Wish(key, fits, clause.text, clause.position, is_soft(clause.text))


def _is_beyond(
    key: str, values: tuple[str, ...], bound: float, sign: int
) -> Callable[[JsonObject], bool]:
    def fits(variant: JsonObject) -> bool:
        place = rank(values, options(variant).get(key, ""))
        return place is None or sign * place > bound

    return fits


def _meant_key(after: str, ranked: dict[str, tuple[str, ...]]) -> str:
    """Return the option that a comparison is about; empty when that is open."""
    following = set(_TOKEN.findall(after.split(",")[0]))
    for key in ranked:
        stems = {token.removesuffix("s") for token in _TOKEN.findall(key)}
        if stems & {word.removesuffix("s") for word in following}:
            return key
    sizes = [key for key in ranked if _SIZE_KEYS.search(key)]
    vague = not following or following & {"one", "ones", "version", "model", "variant", "size"}
    return sizes[0] if len(sizes) == 1 and vague else ""


def _kept(clause: Clause, pair: Swap) -> Iterator[Wish]:
    """Walk over the options that a clause wants as they are."""
    old = options(pair.old)
    text = plain(clause.text)
    for key, value in old.items():
        stems = [token.removesuffix("s") for token in _TOKEN.findall(key)]
        for stem in stems:
            if re.search(rf"\b(same|keep(ing)?( the)?) (\w+ )?{re.escape(stem)}", text):
                fits = _is_one_of(key, frozenset({value}))
                yield Wish(key, fits, clause.text, clause.position, is_soft(clause.text))
                break
