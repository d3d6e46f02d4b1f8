"""Retail: which variant the user's words call for, among those that can be had.

Every wish of the conversation about a product is a `Wish`: a test of a variant, with the words
that it comes from. A later wish about an option replaces an earlier one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sidecritic.checks.case import Case
from sidecritic.english import scope
from sidecritic.english.amounts import extreme, limits
from sidecritic.packs.retail.clauses import Clause, clauses, name_of
from sidecritic.packs.retail.options import (
    Naming,
    namings_among,
    plain,
    rank,
    spellings,
    vocabulary,
)
from sidecritic.packs.retail.records import Swap, available, options, swaps
from sidecritic.values import JsonObject, number_of, text_of

_UP = (
    r"larger|bigger|higher|greater|longer|taller|wider|thicker|faster|brighter|stronger|more"
    r"|too (?:small|tight|short|dim|dark|thin|weak|slow)"
)
_DOWN = (
    r"smaller|lower|fewer|shorter|thinner|slower|dimmer|less"
    r"|too (?:big|large|loose|long|bright|thick|tall|wide)"
)
_COMPARED = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b(?! (expensive|costly|than|money|info\w*|detail\w*"
    r"|help|about|of a|or|items?|time|questions?|to|price|cost|amount|refund|total|budget)\b)"
)
_MOST = re.compile(
    r"\b(?:(?P<up>maximum|maximi[sz]ed?|largest|biggest|highest|greatest|longest|brightest|thickest"
    r"|hardest|most)|(?P<down>minimum|smallest|lowest|shortest|thinnest|dimmest|easiest|least|fewest))\b"
    r"(?! (expensive|affordable|recent|likely|of|price|cost))"
)
_INHERENT: tuple[tuple[re.Pattern[str], re.Pattern[str]], ...] = (
    (re.compile(r"bright|dim|dark"), re.compile(r"brightness")),
    (re.compile(r"thick|thin"), re.compile(r"thickness")),
    (re.compile(r"fast|slow"), re.compile(r"speed")),
    (re.compile(r"easiest|hardest"), re.compile(r"difficulty")),
    (re.compile(r"long|short|tall"), re.compile(r"length|height")),
    (re.compile(r"big|large|small|tight|loose|wide"), re.compile(r"size|capacity|diameter|piece")),
)
"""Comparisons that name their option by themselves, to the options that they can be about."""

_MORE = re.compile(r"\b(\d[\d,]*) (?:\w+ )?(more|less|fewer|extra|additional)\b")
_REST = re.compile(
    r"\b(same|keep|identical|unchanged|(without|not) chang\w+|retain\w*|maintain\w*|match\w*)"
    r"[^.;\n]{0,30}\b(other|else|rest|remaining|everything|all)\b"
    r"|\b(other|else|rest|remaining|everything)\b[^.;\n]{0,40}"
    r"\b(same|unchanged|identical|as (is|it is))\b"
    r"|\b(same|identical|exact)\b[^.;\n]{0,30}\b(but|except|just|only)\b"
    r"|\bonly (change|the)\b[^.;\n]{0,30}\b(color|colour|size)\b"
)
_EACH = re.compile(r"\b(all|every|everything|each|both|items)\b")
_EVERY_ITEM = re.compile(
    r"\b(everything(?! else\b)|(all|both)( of)? ((the|my|these|those|your) )?((?!other)\w+ )?"
    r"(items|products|things)|(all|both|each) of (it|them|these|those)"
    r"|(each|every)( single)? (item|one|product))\b"
)
_SAME = re.compile(r"\b(same|keep(ing)?)\b")
_AS_ANOTHER = re.compile(
    r"[^.;,]{0,20}\bas (?!(is|it|they|before|now|currently"
    r"|(the|my) (current|original|old|present))\b)"
)
"""Behind "the same size": what it is the same as, where that is not the old item."""

_DEMAND = re.compile(
    r"(\b(for|into) (?!(my|the|this|that|these|those|it|me|order)\b)"
    r"|\bto (?=(an?|one|another|something)\b|$)|\bto (be|have) "
    r"|\b(?P<with>(one|similar|same|model|version|variant|option|something|but|it|comes) with )"
    r"(?!(my|the|this|that|these|those|it)\b))"
    r"(?!.{0,160}\b(from|instead of|rather than) )[^.;:]{0,80}$"
)
"""Before a value: what leads over to the new item."""

_LEADS_OVER = re.compile(r"\b(for|to|into|with) (an?|one|another|something|the one)\b")
_CHAIN = re.compile(
    r" > |\b(otherwise|or else|failing that|second choice|fall ?back|next best|followed by)\b"
    r"|\b(if|in case) [^.;]{0,40}(n't|not|no|un\w+)\b[^.;]{0,30}"
    r"\b(then|go|take|choose|use|i'?d|would)\b"
    r"|\bprefer\w* [^.;]{0,40} over\b"
)
_OVER = re.compile(r"\bover( (an?|the|my|one|with))*\s*$")
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
    chain: tuple[str, ...] = ()
    """Values in the order in which they are preferred."""


@dataclass(frozen=True, slots=True)
class WantedVariant:
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

    def words_against(self, variant: JsonObject) -> str:
        """Return the words of a wish that a variant does not meet, or else those about the rest."""
        rest = (clause.text for clause in self.about if _REST.search(clause.text))
        unmet = (wish.words for wish in self.unmet(variant))
        return (*unmet, *rest, "")[0]

    def fitting(self) -> tuple[JsonObject, ...]:
        """Return the variants that can be had, are another one, and meet every hard wish."""
        old = text_of(self.pair.old, "item_id")
        return tuple(
            one
            for one in available(self.pair.product)
            if text_of(one, "item_id") != old and not self.unmet(one)
        )


def wanted_variants(
    case: Case, *, until: Callable[[Swap], int] | None = None
) -> tuple[WantedVariant, ...]:
    """Return what the user wants of each item of a call whose product is known.

    `until` gives the position in the history up to which the words about an item count.
    """
    said = clauses(case)
    pairs = tuple(swaps(case))
    names = [name_of(pair.old) for pair in pairs]
    products = set(names)
    found: list[WantedVariant] = []
    for pair in pairs:
        # Words about two of a kind cannot be told apart.
        if pair.old and pair.new and names.count(name_of(pair.old)) == 1:
            name, end = name_of(pair.old), until(pair) if until else None
            about = (one for one in said if _is_about(one, name, products))
            want = _of(pair, tuple(c for c in about if end is None or c.position < end))
            others = {c.text for c in said if c.product and c.product not in products}
            open_ = tuple(s for s in case.facts.wishes if not any(text in s for text in others))
            price = want.extreme or _common_extreme(open_, alone=len(pairs) == 1)
            found.append(replace(want, extreme=price))
    return tuple(found)


def _common_extreme(wishes: tuple[str, ...], *, alone: bool) -> int:
    """Return what is wanted of the price of all items, or of the only one that changes.

    The wishes are those that speak of no other product.
    """
    found = {extreme(s) for s in wishes if alone or _EACH.search(s)} - {0}
    return found.pop() if len(found) == 1 else 0


def _is_about(clause: Clause, product: str, products: set[str]) -> bool:
    if clause.product == product or (not clause.product and len(products) == 1):
        return True
    return bool(_EVERY_ITEM.search(clause.text))


def _of(pair: Swap, about: tuple[Clause, ...]) -> WantedVariant:
    latest: dict[str, list[Wish]] = {}
    rest, price, spelt = False, 0, spellings(pair.product)
    for clause in about:
        fresh: dict[str, list[Wish]] = {}
        for wish in _wishes(clause, pair, namings_among(clause.text, spelt)):
            fresh.setdefault(wish.key, []).append(wish)
        latest.update(fresh)
        rest = rest or bool(_REST.search(clause.text))
        price = extreme(clause.text) or price
    wishes = tuple(wish for found in latest.values() for wish in found)
    return WantedVariant(pair, tuple(_settled(pair, wishes)), rest, price, about)


def _settled(pair: Swap, wishes: tuple[Wish, ...]) -> Iterator[Wish]:
    """Replace a chain of preferences by its first value that can be had with the other wishes."""
    plainly = tuple(wish for wish in wishes if not wish.chain)
    others = WantedVariant(pair, plainly, rest=False, extreme=0, about=()).fitting()
    yield from plainly
    for wish in wishes:
        held = [v for v in wish.chain if any(options(o).get(wish.key) == v for o in others)]
        if held:
            yield replace(wish, fits=_is_one_of(wish.key, frozenset(held[:1])), chain=())


def _wishes(clause: Clause, pair: Swap, found: tuple[Naming, ...]) -> Iterator[Wish]:
    steps = {step[1].replace(",", "") for step in _MORE.finditer(clause.text)}
    # "1000 more pieces" names a difference, not a value.
    named = tuple(one for one in found if one.value not in steps)
    old = options(pair.old)
    yield from _named(clause, named, old)
    taken = {one.key for one in named}
    yield from (wish for wish in _relative(clause, pair) if wish.key not in taken)
    yield from _kept(clause, pair)
    most = next(limits(clause.text), None)
    if most is not None and "total" not in clause.text:
        cheap = _is_at_most(most)
        yield Wish("price", cheap, clause.text, clause.position, soft=False)


def _named(clause: Clause, named: tuple[Naming, ...], old: dict[str, str]) -> Iterator[Wish]:
    """Turn the values that a clause names into wishes, those of one option into one."""
    shared = _shared(named)
    for key in dict.fromkeys(one.key for one in named):
        mine = [one for one in named if one.key == key and (one.key, one.value) not in shared]
        bad, soft = frozenset(n.value for n in mine if n.negated), any(n.soft for n in mine)
        good = frozenset(one.value for one in mine if not one.negated and not one.described)
        had = frozenset({old.get(key, "")})
        # What the old item has describes it, unless it is demanded, or one choice of several.
        held = any(n.value in had and _is_demanded(clause.text, n.place) for n in mine)
        good -= frozenset() if soft or held else had
        # An unavailable value is a wish only together with what to take instead.
        good = good if any(n.value in good and not n.lacking for n in mine) else frozenset[str]()
        chain = _chain(clause.text, mine)
        if len(chain) > 1:
            fits = _is_one_of(key, frozenset(chain))
            yield Wish(key, fits, clause.text, clause.position, soft=False, chain=chain)
            bad, good = bad - frozenset(chain), frozenset[str]()
        if good - bad - (frozenset() if held else had):
            yield Wish(key, _is_one_of(key, good - bad), clause.text, clause.position, soft)
        elif bad:
            yield Wish(key, _is_none_of(key, bad), clause.text, clause.position, soft)


def _is_demanded(text: str, place: int) -> bool:
    """Whether the value at a place of the plain text is one that the new item shall have."""
    words = plain(text)
    found = _DEMAND.search(words[:place])
    # "One with a white shade for one with a black one": the first is what the user has.
    return found is not None and not (found["with"] and _LEADS_OVER.search(words[place:]))


def _chain(text: str, named: list[Naming]) -> tuple[str, ...]:
    """Return the values of one option in the order in which a clause prefers them."""
    if not _CHAIN.search(text):
        return ()
    words = plain(text)
    # "Black over white" denies no white.
    kept = [n for n in named if not n.negated or _OVER.search(words[: n.place])]
    return tuple(dict.fromkeys(n.value for n in sorted(kept, key=lambda n: n.place)))


def _shared(named: tuple[Naming, ...]) -> set[tuple[str, str]]:
    """Return the readings of words that two options share."""
    return {
        (one.key, one.value)
        for one in named
        if any(other.place == one.place and other.key != one.key for other in named)
    }


def _is_at_most(most: float) -> Callable[[JsonObject], bool]:
    return lambda variant: number_of(variant, "price") <= most


def _is_one_of(key: str, values: frozenset[str]) -> Callable[[JsonObject], bool]:
    return lambda variant: options(variant).get(key) in values


def _is_none_of(key: str, values: frozenset[str]) -> Callable[[JsonObject], bool]:
    return lambda variant: options(variant).get(key) not in values


def _relative(clause: Clause, pair: Swap) -> Iterator[Wish]:
    """Walk over what a clause wants larger or smaller, or as large or as small as can be had."""
    text, old = clause.text, options(pair.old)
    comparisons = (*_COMPARED.finditer(text), *_MOST.finditer(text))
    if not comparisons:
        return
    words = vocabulary(pair.product)
    ranked = {key: values for key, values in words.items() if rank(values, values[0]) is not None}
    step = _MORE.search(text)
    for found in comparisons:
        key = _meant_key(found[0], text[found.end() : found.end() + 32], ranked)
        sign = 1 if found["up"] else -1
        bound = _bound(found, key, pair, words[key], sign) if key else None
        if bound is None:
            continue
        fits = _is_beyond(key, words[key], bound, sign)
        if step and found.re is _COMPARED and old[key].isdigit():
            exact = int(old[key]) + sign * int(step[1].replace(",", ""))
            fits = _is_one_of(key, frozenset({str(exact)}))
        yield Wish(key, fits, text, clause.position, scope.soft(text, found.start()))


def _bound(
    found: re.Match[str], key: str, pair: Swap, values: tuple[str, ...], sign: int
) -> float | None:
    """Return what a variant has to be beyond: the old item, or all but the best to be had."""
    if found.re is _COMPARED:
        place = rank(values, options(pair.old).get(key, ""))
        return None if place is None else sign * place
    places = (rank(values, options(one).get(key, "")) for one in available(pair.product))
    return max((sign * place for place in places if place is not None), default=0.0) - 0.001


def _is_beyond(
    key: str, values: tuple[str, ...], bound: float, sign: int
) -> Callable[[JsonObject], bool]:
    def fits(variant: JsonObject) -> bool:
        place = rank(values, options(variant).get(key, ""))
        return place is None or sign * place > bound

    return fits


def _meant_key(word: str, after: str, ranked: dict[str, tuple[str, ...]]) -> str:
    """Return the option that a comparison is about; empty when that is open."""
    following = {token[:5] for token in _TOKEN.findall(after.split(",")[0])}
    for key in ranked:
        if following & {token[:5] for token in _TOKEN.findall(key.removesuffix("s"))}:
            return key
    for comparison, about in _INHERENT:
        keys = [key for key in ranked if about.search(key)] if comparison.search(word) else []
        if len(keys) == 1:
            return keys[0]
    return ""


def _kept(clause: Clause, pair: Swap) -> Iterator[Wish]:
    """Walk over the options that a clause wants as they are."""
    text = plain(clause.text) if _SAME.search(clause.text) else ""
    for key, value in options(pair.old).items() if text else ():
        stems = "|".join(token.removesuffix("s") for token in _TOKEN.findall(key))
        found = re.search(rf"{_SAME.pattern}( the)? (\w+ )?({stems or '(?!)'})", text)
        if found and not _AS_ANOTHER.match(text[found.end() :]):
            fits = _is_one_of(key, frozenset({value}))
            yield Wish(key, fits, clause.text, clause.position, scope.soft(text, found.start()))
