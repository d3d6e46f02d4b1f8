"""Retail: options of variants as people name them, compare them and rank them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from sidecritic.english import scope
from sidecritic.packs.retail.records import variants
from sidecritic.values import JsonObject, object_of

_UNITS = re.compile(
    r"(?<=\d)[\s-]+(?=(inch|[gtm]b|ml|mah|l|ft|mm|mp|x|bar|k|p|w|cups?|hours?|degrees?|lbs?"
    r"|lit(er|re)s?|piece|percent)\b|%)"
)
_HYPHENS = re.compile(r"(?<=[a-z])-(?=[a-z])")
_SIZED = re.compile(r"\bsized\b")
_INCHES = re.compile(r"(?<=\d)(?:[\s-]?inch(?:es)?\b|-?in\b|\"|”)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_SIZES = {"xs": "extra small", "s": "small", "m": "medium", "l": "large", "xl": "extra large"}

_STEP = re.compile(r"\d+ (\w+ )?(more|less|fewer|extra|additional)\b")
"""A difference, not a value: "1000 more pieces"."""


@dataclass(frozen=True, slots=True)
class Naming:
    """A value of an option, as a clause names it."""

    key: str
    value: str
    place: int
    negated: bool
    described: bool
    """Whether it tells how the old item is."""


def plain(text: str) -> str:
    """Return a text as it is compared: `16 GB` and `16gb`, `full-sized` and `full size` agree."""
    text = _THOUSANDS.sub("", text.lower())
    text = _INCHES.sub("inch", text)
    return _SIZED.sub("size", _HYPHENS.sub(" ", _UNITS.sub("", text)))


def spellings(product: JsonObject) -> tuple[tuple[str, str], ...]:
    """Return the options of a product with their values as they are spelt, each once."""
    found: dict[tuple[str, str], None] = {}
    for one in variants(product).values():
        for key, value in object_of(one, "options").items():
            found[key.lower(), str(value)] = None
    return tuple(found)


def namings(text: str, product: JsonObject) -> tuple[Naming, ...]:
    """Return the values of a product's options that a text, in lower case, names."""
    words = plain(text)
    pattern, meant = _searched(spellings(product))
    found: list[Naming] = []
    for match in pattern.finditer(words):
        place = match.start()
        if _STEP.match(words, place):
            continue
        denied, described = scope.negated(words, place), scope.past(words, place)
        found += [Naming(key, value, place, denied, described) for key, value in meant[match[0]]]
    return tuple(found)


@lru_cache(maxsize=256)
def _searched(
    spelt: tuple[tuple[str, str], ...],
) -> tuple[re.Pattern[str], Mapping[str, tuple[tuple[str, str], ...]]]:
    """Return a pattern of all words for the values of a product, and what each can mean."""
    meant: dict[str, dict[tuple[str, str], None]] = {}
    proper = _proper_names({value for _, value in spelt})
    for key, value in spelt:
        lower = value.lower()
        for word in (*_words_for(key, lower), *proper.get(lower, ())):
            meant.setdefault(word, {})[key, lower] = None
    longest = sorted(meant, key=len, reverse=True)
    ends = (r"(?![\d.%])" if word.isdigit() else r"(?![\w%])" for word in longest)
    words = "|".join(f"{re.escape(word)}{end}" for word, end in zip(longest, ends, strict=True))
    pattern = re.compile(rf"(?<![\w.$])(?:{words or '(?!)'})")
    return pattern, {word: tuple(values) for word, values in meant.items()}


def _proper_names(raw: set[str]) -> Mapping[str, tuple[str, ...]]:
    """Return the first words of values such as Google Assistant, by which people call them."""
    named = {value.lower(): value.lower().split(" ")[0] for value in raw if value[:1].isupper()}
    firsts = list(named.values())
    return {v: (f,) for v, f in named.items() if f != v and len(f) > 1 and firsts.count(f) == 1}


def _words_for(key: str, value: str) -> Iterator[str]:
    """Walk over how people say a value of an option."""
    name = plain(value)
    if value in ("yes", "no", "none"):
        if value != "yes":
            yield f"no {key}"
            yield f"without {key}"
            yield f"non {key}"
        return
    if value in _SIZES:
        yield from (f"size {name}", f"{name} size", _SIZES[value])
        return
    if name.isdigit() and len(name) < 3:
        yield from (f"size {name}", f"{name} {key}", f"{key} {name}")
        return
    yield name
    first, _, rest = name.partition(" ")
    if rest and first.isdigit():
        yield f"{first}{rest}"
    if name.endswith("s") and name[-2:-1].isalpha() and not name.endswith("ss"):
        yield name.removesuffix("s")
    elif name.isalpha():
        yield f"{name}s"
