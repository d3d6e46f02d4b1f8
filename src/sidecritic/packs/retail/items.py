"""Retail: the items of a call against those that the user named for that act."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import EVIDENCE
from sidecritic.checks.facts import Facts
from sidecritic.english.amounts import compared
from sidecritic.english.text import mentions, sentences
from sidecritic.packs.retail.clauses import Act, Clause, clauses, name_of, named_in
from sidecritic.packs.retail.options import namings
from sidecritic.packs.retail.records import (
    EXCHANGE,
    MODIFY_ITEMS,
    ON_ITEMS,
    RETURN,
    item_of,
    items,
    options,
    order_of,
    orders,
)
from sidecritic.values import JsonObject, number_of, text_of, texts_of

_ACTS: dict[str, frozenset[Act]] = {
    RETURN: frozenset({"return"}),
    EXCHANGE: frozenset({"exchange", "change"}),
    MODIFY_ITEMS: frozenset({"exchange", "change"}),
}
_ORDER_ID = re.compile(r"(#w\d+)")
CONFIRM_ITEMS = "The user needs to confirm the order id and the list of items."
ONE_CALL = (
    "Exchange or modify order tools can only be called once per order. Be sure that all items to "
    "be changed are collected into a list before making the tool call."
)


@call_check("item left out", tools=ON_ITEMS, risk=0.25, policy=ONE_CALL)
def left_out(case: Case) -> Objection | None:
    """Fire when an item of the order that the user named for the same act is not in the call."""
    taken = {name_of(item) for item in _taken(case)}
    agreed = case.agreed
    for item, said in _wanted_items(case, _ACTS[case.tool]):
        name = name_of(item)
        if name in taken:
            continue
        named = agreed is not None and named_in(agreed.question.lower, name)
        return Objection(
            f"The user also named the {text_of(item, 'name')} of this order, and `{case.tool}` "
            "works only once per order. Put all items into one call.",
            evidence=name,
            risk=None if named and not _is_elsewhere(case, item) else EVIDENCE,
            messages=(said.position,),
        )
    return None


@call_check("another order holds it too", tools=ON_ITEMS, risk=0.35, policy=CONFIRM_ITEMS)
def ambiguous_order(case: Case) -> Objection | None:
    """Fire when another order of the same status holds the product, and the user was not told."""
    order_id = case.named("order_id")
    if case.facts.is_users(order_id):
        return None
    repeated = mentions(case.facts.said, order_id.lower().lstrip("#"))
    for item in _taken(case):
        for other_id, twin in _twins(case, item):
            compared = _is_compared(case, item, twin)
            better = compared or _is_described(case, item, twin)
            if not better and _is_told(case.facts, other_id, name_of(item)):
                continue
            shown = other_id in case.facts.records.get("order_id", {})
            # With both orders before the agent, an id that the user repeats is their choice.
            if shown and repeated and not better:
                continue
            return Objection(
                f"{other_id} holds a {text_of(item, 'name')} too ({_options(twin)}); the call is "
                f"for that of {order_id} ({_options(item)}). Ask which one the user means.",
                evidence=f"{other_id} {text_of(twin, 'item_id')}",
                risk=0.6 if compared and not shown else EVIDENCE if shown and not better else None,
            )
    return None


def _taken(case: Case) -> Iterator[JsonObject]:
    """Walk over the items of the call, as far as the order holds them."""
    order = order_of(case)
    for item_id in dict.fromkeys(texts_of(case.arguments, "item_ids")):
        item = item_of(order, item_id)
        if item:
            yield item


def _wanted_items(case: Case, acts: frozenset[Act]) -> Iterator[tuple[JsonObject, Clause]]:
    """Walk over the items of the order that are not in the call and that the user wants so."""
    listed = texts_of(case.arguments, "item_ids")
    said = clauses(case)
    for item in items(order_of(case)):
        if text_of(item, "item_id") in listed:
            continue
        about = [c for c in said if c.product == name_of(item) and c.act]
        if about and about[-1].act in acts:
            yield item, about[-1]


def _is_elsewhere(case: Case, item: JsonObject) -> bool:
    """Whether another order of the user holds the same product."""
    return any(True for _ in _holding(case, item))


def _holding(case: Case, item: JsonObject) -> Iterator[tuple[str, JsonObject, JsonObject]]:
    mine = case.named("order_id")
    for order_id, order in orders(case.facts).items():
        for one in items(order) if order_id != mine else ():
            if text_of(one, "product_id") == text_of(item, "product_id"):
                yield order_id, order, one


def _twins(case: Case, item: JsonObject) -> Iterator[tuple[str, JsonObject]]:
    """Walk over the same product in the user's other orders of the same status."""
    order = order_of(case)
    needed = {name_of(one) for one in _taken(case)}
    for order_id, other, one in _holding(case, item):
        alike = all(text_of(other, key) == text_of(order, key) for key in ("user_id", "status"))
        # An order that lacks another item of the call is not the one that is meant.
        if alike and needed <= {name_of(held) for held in items(other)}:
            yield order_id, one


def _is_told(facts: Facts, order_id: str, product: str) -> bool:
    """Whether the agent said that an order holds a product; its id alone does not say that."""
    for line in facts.agent_lines:
        pieces = _ORDER_ID.split(line.lower)
        for before, found, after in zip(pieces[::2], pieces[1::2], pieces[2::2], strict=False):
            lead = ("", *sentences(before))[-1] if before[-1:] != "\n" else ""
            if found == order_id.lower() and named_in(f"{lead} {after}", product):
                return True
    return False


def _is_compared(case: Case, item: JsonObject, twin: JsonObject) -> bool:
    """Whether the user wants, at last, the dearer or cheaper of two, and that is the twin."""
    for clause in reversed(clauses(case)) if case.tool == RETURN else ():
        text = clause.text if clause.product == name_of(item) else ""
        wanted = compared(text)
        if wanted:
            return wanted * (number_of(twin, "price") - number_of(item, "price")) > 0.005
    return False


def _is_described(case: Case, item: JsonObject, twin: JsonObject) -> bool:
    """Whether the user's words about the product fit the twin and not the item."""
    mine, theirs = options(item), options(twin)
    product = case.facts.known.get("product_id", {}).get(text_of(item, "product_id"), {})
    product = product or {"variants": {"a": item, "b": twin}}
    named = {
        (n.key, n.value)
        for c in clauses(case)
        if c.product == name_of(item)
        for n in namings(c.text, product)
        if not n.negated and (case.tool == RETURN or n.described)
    }
    fits = {key for key, value in named if theirs.get(key) == value != mine.get(key)}
    return bool(fits) and not any(mine.get(k) == v != theirs.get(k) for k, v in named)


def _options(item: JsonObject) -> str:
    return ", ".join(options(item).values())
