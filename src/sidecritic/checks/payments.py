"""Which of their payment methods a user named or agreed to."""

import re
from collections.abc import Callable, Iterable, Mapping

from sidecritic.checks.base import ExamineCall, Objection
from sidecritic.checks.case import Case
from sidecritic.english.acts import affirms
from sidecritic.english.lexicon import PAYMENTS
from sidecritic.english.listings import words_of
from sidecritic.values import JsonObject, text_of

_BRANDS = ("visa", "mastercard", "amex")
_ORIGINAL = re.compile(
    r"\b(original(ly)?|same|initial(ly)?)\b[^.!?\n]{0,40}\b(payment|card|method|account|used|paid)"
    r"|\bpaid with\b|\bused (for|to pay)\b"
)
_ENDING = re.compile(
    r"\b(?:ending|ends)(?: (?:in|with))?\W{0,3}(\d{4})\b"
    r"|\b(?:visa|mastercard|card|amex)\W{1,3}(\d{4})\b"
)


def undecided(
    chosen: Callable[[Case], Iterable[str]], held: Callable[[Case], Mapping[str, JsonObject]]
) -> ExamineCall:
    """Fire when there is a choice of methods that the user did not make, nor agree to."""

    def examine(case: Case) -> Objection | None:
        paid, methods, facts = next(iter(chosen(case)), ""), held(case), case.facts
        agreed = (one.question.lower for one in facts.exchanges if affirms(one.answer.lower))
        words = "\n".join((facts.said, *agreed))
        if not paid or len(methods) < 2 or means_original(words) or named_methods(words, methods):
            return None
        return Objection(
            f"The user chose no payment method; {paid} is your own choice. Ask which one to use.",
            evidence=paid,
        )

    return examine


def means_original(lower: str) -> bool:
    """Whether a text speaks of the method that was used before."""
    return bool(_ORIGINAL.search(lower))


def named_methods(lower: str, methods: Mapping[str, JsonObject]) -> set[str]:
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
