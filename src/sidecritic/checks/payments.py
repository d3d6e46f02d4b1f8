"""Which of their payment methods a user wants, read off their words."""

import re

from sidecritic.checks.case import Case
from sidecritic.english.lexicon import PAYMENTS
from sidecritic.english.listings import words_of
from sidecritic.values import JsonObject, text_of

_BRANDS = ("visa", "mastercard", "amex")
_ORIGINAL = re.compile(
    r"\b(original(ly)?|same|initial(ly)?)\b[^.!?\n]{0,40}\b(payment|card|method|account|used|paid)"
    r"|\bpaid with\b|\bused (for|to pay)\b"
)
_OTHER = re.compile(
    r"\bother (card|payment|credit)|\bdifferent (card|payment)|\banother (card|payment)"
)
_ENDING = re.compile(
    r"\b(?:ending|ends)(?: (?:in|with))?\W{0,3}(\d{4})\b"
    r"|\b(?:visa|mastercard|card|amex)\W{1,3}(\d{4})\b"
)


def wanted_methods(case: Case, methods: dict[str, JsonObject], *, original: str) -> set[str]:
    """Return the methods that fit what was last said and agreed to; empty when it is open.

    `original` is the id of the method that was used before, for "the original payment method".
    """
    agreed = case.agreed
    for line in reversed(case.facts.user_lines):
        named = named_methods(line.lower, methods)
        if not named and means_original(line.lower):
            named = {original} if original else set[str]()
        if named:
            # What the user agreed to after these words counts as much as the words.
            later = agreed is not None and agreed.answer.position >= line.position
            also = agreed.question.lower if agreed is not None and later else ""
            return named | named_methods(also, methods)
        if _OTHER.search(line.lower):
            return set()
    return set()


def means_original(lower: str) -> bool:
    """Whether a text speaks of the method that was used before."""
    return bool(_ORIGINAL.search(lower))


def named_methods(lower: str, methods: dict[str, JsonObject]) -> set[str]:
    """Return the payment methods that a text names, by id, last digits, brand or kind."""
    by_id = {key for key in methods if key.lower() in lower}
    endings = {digits for found in _ENDING.finditer(lower) for digits in found.groups() if digits}
    by_ending = {k for k, m in methods.items() if text_of(m, "last_four") in endings}
    by_brand = {
        key
        for key, method in methods.items()
        if text_of(method, "brand").lower() in _BRANDS and text_of(method, "brand").lower() in lower
    }
    cards = by_ending or by_brand
    if by_id:
        # Whoever says "card 123, the Visa" knows the Visa, and has the number from somebody else.
        return cards if len(by_id) == 1 and len(cards) == 1 else by_id
    by_kind = {k for k, m in methods.items() if _is_kind(text_of(m, "source"), lower)}
    if cards:
        return cards | {key for key in by_kind if not key.startswith("credit_card")}
    return by_kind


def _is_kind(source: str, lower: str) -> bool:
    """Whether a text speaks of a kind of payment, as records call it."""
    pattern = PAYMENTS.get(source)
    return bool(pattern.search(lower)) if pattern else bool(source) and words_of(source) in lower
