"""Word families as data: what users ask for, and what they pay with.

A family lists verbs in their base form and other words with the same meaning; the inflected
forms are derived, so every check recognises the same words. Nouns of a domain are not here: each
pack supplies its own (`Synonyms`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property, lru_cache

_IRREGULAR = {"send": "sent", "keep": "kept", "take": "took|taken", "get": "got", "set": "set"}
_DOUBLING = frozenset({"cancel", "swap", "drop", "get", "set"})
"""Verbs that may double their last letter: cancelled, swapping."""


@dataclass(frozen=True)
class Intent:
    """Something that a user can ask for, and the words for it."""

    name: str
    verbs: tuple[str, ...]
    """Base forms; `*` stands for an object between verb and particle, and what follows the verb
    may be a pattern."""
    tools: frozenset[str]
    """First words of the names of tools that do it."""
    others: str = ""
    """Nouns with the same meaning, as a pattern."""
    exceptions: str = r"(?!)"
    """Phrases in which its words mean something else, as a pattern."""
    feeble: bool = False
    """Whether its words are common where nothing of the kind is asked for."""

    def asked(self, clause: str) -> re.Match[str] | None:
        """Find where a clause, in lower case, asks for the intent."""
        return next((one for one in self._asking.finditer(clause) if one["intent"]), None)

    @cached_property
    def spoken(self) -> re.Pattern[str]:
        """All words for it, in any tense."""
        return _any_of((*map(_past, self.verbs), *self._words, *map(_third, self.verbs)))

    @cached_property
    def past(self) -> tuple[str, ...]:
        """Its participles, as patterns, of the verbs that need nothing behind them."""
        return tuple(_past(verb) for verb in self.verbs if " " not in verb)

    @cached_property
    def _words(self) -> tuple[str, ...]:
        verbs = (form for verb in self.verbs for form in (verb, _ing(verb)))
        return (*map(_with_object, verbs), *([self.others] if self.others else []))

    @cached_property
    def _asking(self) -> re.Pattern[str]:
        words = "|".join(self._words)
        return re.compile(rf"\b(?:(?:{self.exceptions})|(?P<intent>(?:{words})\b))")


INTENTS: tuple[Intent, ...] = (
    Intent("cancel", ("cancel", "call * off"), frozenset({"cancel"}), r"cancell?ations?"),
    Intent(
        "return",
        ("return", "send * back"),
        frozenset({"return"}),
        "returns",
        exceptions=r"(?:my|the) return\w*|return(?:ing|s)? (?:date|on|to|from|home|label"
        r"|instruction|process|polic|request|window|email)",
    ),
    Intent(
        "exchange",
        ("exchange", "swap", "replace", "trade"),
        frozenset({"exchange", "modify"}),
        "exchanges|replacement",
    ),
    Intent(
        "book",
        ("book", "reserve", "rebook"),
        frozenset({"book"}),
        r"(?:make|need|want|like) (?:an? |another )?(?:new )?booking",
        exceptions=r"(?:an?|my|our|your|the|this|that|of|for|original|existing) book(?:ing)?s?\b",
    ),
    Intent(
        "change",
        (
            *("change", "modify", "update", "upgrade", "downgrade", "switch", "adjust", "correct"),
            *("edit", "reschedule", "move (?:my|the|it)", "push", "redirect", "set (?:my|the)"),
        ),
        frozenset({"modify", "update", "exchange"}),
    ),
    Intent("add", ("add", "include"), frozenset({"update", "add"}), "extra|another", feeble=True),
    Intent(
        "remove",
        ("remove", "delete", "drop", "get rid of", "take * (?:off|out)"),
        frozenset({"update", "remove", "modify", "cancel"}),
        feeble=True,
    ),
    Intent(
        "refund",
        ("refund", "compensate", "reimburse"),
        frozenset({"refund", "send", "return", "cancel"}),
        r"money back|compensation|reimbursement|voucher",
        feeble=True,
    ),
)
"""What users ask for; where a clause names several, the first one here counts."""

Synonyms = tuple[tuple[str, str], ...]
"""Pairs of what users call a thing, in the singular, and its usual name in the domain."""

GRANT = Intent("grant", ("add", "issue", "send", "credit"), frozenset({"send"}))
KEEP = Intent("keep", ("keep",), frozenset(), "except|excluding|apart from")

PAYMENTS = {
    "paypal": re.compile(r"\bpay ?pal\b"),
    "gift_card": re.compile(r"\bgift ?_?card"),
    "credit_card": re.compile(
        r"\b(credit ?_?card|visa|master ?card|amex|american express|debit)\b"
        r"|(?<!gift )\bcard ending"
    ),
}
"""What people call each kind of payment, by its name in records."""


def spoken(*names: str) -> re.Pattern[str]:
    """Return a pattern of all words for the named intents."""
    return re.compile("|".join(intent.spoken.pattern for intent in INTENTS if intent.name in names))


def intents_of(tool: str) -> tuple[Intent, ...]:
    """Return what a tool does, by the first word of its name."""
    first = tool.split("_", 1)[0]
    return tuple(intent for intent in INTENTS if first in intent.tools)


def normal(lower: str, synonyms: Synonyms) -> str:
    """Return a text with the nouns of a domain replaced by their usual names."""
    if not synonyms:
        return lower
    pattern, usual = _usual(synonyms)
    return pattern.sub(lambda found: usual[found[1]], lower)


@lru_cache(maxsize=16)
def _usual(synonyms: Synonyms) -> tuple[re.Pattern[str], dict[str, str]]:
    usual = dict(synonyms)
    return _any_of(sorted(map(re.escape, usual), key=len, reverse=True), plural="s?"), usual


def _any_of(words: Iterable[str], plural: str = "") -> re.Pattern[str]:
    return re.compile(rf"\b({'|'.join(words)}){plural}\b")


def _with_object(words: str) -> str:
    return words.replace(" *", r"(?: \w+)?")


def _ing(verb: str) -> str:
    head, rest = _split(verb)
    stem = head.removesuffix("e") if len(head) > 3 else head
    return f"{stem}{_doubled(head)}ing{rest}"


def _third(verb: str) -> str:
    head, rest = _split(verb)
    regular = f"{head}s" if head.endswith("e") else f"{head}e?s"
    return _with_object((_on_y(head, "ies") or regular) + rest)


def _past(verb: str) -> str:
    head, rest = _split(verb)
    regular = _on_y(head, "ied") or f"{head.removesuffix('e')}{_doubled(head)}ed"
    return _with_object(f"(?:{_IRREGULAR.get(head, regular)}){rest}")


def _split(verb: str) -> tuple[str, str]:
    """Return the word to inflect, and the words that follow it."""
    head, blank, rest = verb.partition(" ")
    return head, f"{blank}{rest}"


def _doubled(head: str) -> str:
    return f"{head[-1]}?" if head in _DOUBLING else ""


def _on_y(head: str, ending: str) -> str:
    return f"{head[:-1]}{ending}" if head.endswith("y") else ""
