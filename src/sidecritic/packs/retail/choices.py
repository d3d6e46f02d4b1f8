"""Retail: the variant of a call against the options and prices that the user spoke of."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import CONSENT, EVIDENCE
from sidecritic.checks.sources import agreed_at, shown_at
from sidecritic.english.amounts import extreme
from sidecritic.english.text import mentions
from sidecritic.packs.retail.clauses import clauses, name_of
from sidecritic.packs.retail.options import namings, plain
from sidecritic.packs.retail.records import (
    SWAPS,
    Swap,
    available,
    describe,
    items,
    options,
    orders,
    swaps,
    variants,
)
from sidecritic.values import JsonObject, number_of, text_of, texts_of

_EACH = re.compile(r"\b(all|every|everything|each|both|items)\b")


@call_check("option spoken of missing", tools=SWAPS, risk=0.65, policy=CONSENT)
def spoken_option(case: Case) -> Objection | None:
    """Fire when the user named an option of a product, and neither side that of the call."""
    agreed = case.agreed
    heard = plain(f"{agreed.question.lower}\n{agreed.answer.lower}") if agreed else ""
    for pair in _known(case):
        wanted, old = _wanted(case, pair), options(pair.old)
        for key, value in options(pair.new).items():
            mine = wanted.get(key, set()) - {old.get(key, "")}
            if not mine or value in mine or mentions(heard, plain(value)):
                continue
            fitting = [one for one in available(pair.product) if options(one).get(key) in mine]
            if fitting:
                return Objection(
                    f"The user spoke of {key} {' or '.join(sorted(mine))}, the call takes {value}. "
                    f"Available with it: {describe(fitting[0])}.",
                    evidence=f"{key}: {sorted(mine)} vs {value}",
                    # Of several values, and of one to be had "if possible", another may do.
                    risk=None if len(mine) == 1 and wanted[key] == mine else EVIDENCE,
                    messages=shown_at(case.facts, pair.product),
                )
    return None


@call_check("not the dearest or cheapest", tools=SWAPS, risk=0.6, policy=CONSENT)
def not_extreme(case: Case) -> Objection | None:
    """Fire when an available variant is cheaper, or dearer, as was wished, and fits as well."""
    for pair in _known(case):
        sign, wanted = _extreme(case, pair), _wanted(case, pair)
        unmet = _unmet(pair.new, wanted)
        rivals = [one for one in available(pair.product) if _unmet(one, wanted) <= unmet]
        best = max(rivals, key=lambda one: sign * number_of(one, "price"), default=pair.new)
        if sign * (number_of(best, "price") - number_of(pair.new, "price")) > 0.005:
            return Objection(
                f"The user wants the {'most expensive' if sign > 0 else 'cheapest'} "
                f"{text_of(pair.old, 'name')}; {describe(best)} is available, the call takes "
                f"{describe(pair.new)}.",
                evidence=f"{number_of(best, 'price')} vs {number_of(pair.new, 'price')}",
                messages=shown_at(case.facts, pair.product),
            )
    return None


@call_check("another variant than announced", tools=SWAPS, risk=0.75, policy=CONSENT)
def other_variant(case: Case) -> Objection | None:
    """Fire when the user agreed to another variant of the same product, by its id."""
    agreed = case.agreed
    if agreed is None:
        return None
    heard = f"{agreed.question.lower}\n{agreed.answer.lower}"
    held = {text_of(i, "item_id") for order in orders(case.facts).values() for i in items(order)}
    own = {i for key in ("item_ids", "new_item_ids") for i in texts_of(case.arguments, key)}
    for pair in _known(case):
        new_id = text_of(pair.new, "item_id")
        # What the user has already is more often named as the old item.
        rivals = [i for i in variants(pair.product) if i not in own | held and i in heard]
        if rivals and new_id not in heard:
            return Objection(
                f"The user agreed to item {rivals[0]}, but the call takes {new_id}. Call with what "
                "was agreed, or announce the change and ask again.",
                evidence=f"{rivals} vs {new_id}",
                messages=agreed_at(case),
            )
    return None


def _known(case: Case) -> Iterator[Swap]:
    return (pair for pair in swaps(case) if pair.old and pair.new)


def _about(case: Case, pair: Swap) -> Iterator[str]:
    """Walk over what the user said about the product of a pair."""
    return (one.text for one in clauses(case) if one.product == name_of(pair.old))


def _wanted(case: Case, pair: Swap) -> dict[str, set[str]]:
    """Return the values that the user named, by option."""
    found: dict[str, set[str]] = {}
    for text in _about(case, pair):
        for one in namings(text, pair.product):
            if not one.negated:
                found.setdefault(one.key, set()).add(one.value)
    return found


def _unmet(variant: JsonObject, wanted: dict[str, set[str]]) -> set[str]:
    mine = options(variant)
    return {key for key, values in wanted.items() if mine.get(key) not in values}


def _extreme(case: Case, pair: Swap) -> int:
    """Return -1 where the user wants the cheapest variant, 1 for the dearest, else 0."""
    signs = [sign for text in _about(case, pair) if (sign := extreme(text))]
    if signs:
        return signs[-1]
    alone = len(tuple(swaps(case))) == 1
    # What is said of all items, or of the only one that changes, and of no other product.
    open_ = (one.text for one in clauses(case) if not one.product)
    common = {extreme(text) for text in open_ if alone or _EACH.search(text)} - {0}
    return common.pop() if len(common) == 1 else 0
