"""Retail: what is worth looking up before a write is judged, most wanted first."""

from collections.abc import Iterator

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.packs.retail.records import ON_ORDERS, SWAPS, item_of, order_of, user
from sidecritic.values import text_of, texts_of

_MOST_ORDERS = 5
"""Other orders of the user; they show whether the call's order is the one that was meant."""


def wants(facts: Facts) -> Iterator[Wanted]:
    """Ask for the order of each write, its owner, its products, and the owner's other orders."""
    writes = [call for call in facts.proposed if facts.may_write(call.name)]
    for call in writes:
        order_id = text_of(call.arguments or {}, "order_id")
        if call.name in ON_ORDERS and order_id and not order_of(Case(facts, call)):
            yield Wanted("get_order_details", {"order_id": order_id})
    for call in writes:
        yield from _owner(Case(facts, call))
    for call in writes:
        if call.name in SWAPS:
            yield from _products(Case(facts, call))
    if writes:
        yield from _other_orders(facts)


def _owner(case: Case) -> Iterator[Wanted]:
    given = case.named("user_id")
    owner = given or text_of(order_of(case), "user_id")
    if owner and owner not in case.facts.known.get("user_id", {}):
        yield Wanted("get_user_details", {"user_id": owner})


def _products(case: Case) -> Iterator[Wanted]:
    order = order_of(case)
    for item_id in texts_of(case.arguments, "item_ids"):
        product_id = text_of(item_of(order, item_id), "product_id")
        if product_id and product_id not in case.facts.known.get("product_id", {}):
            yield Wanted("get_product_details", {"product_id": product_id})


def _other_orders(facts: Facts) -> Iterator[Wanted]:
    known = facts.known.get("order_id", {})
    unread = [one for one in texts_of(user(facts), "orders") if one not in known]
    for order_id in unread[: max(0, _MOST_ORDERS - len(known) + 1)]:
        yield Wanted("get_order_details", {"order_id": order_id})
