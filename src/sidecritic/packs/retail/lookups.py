"""Retail: what is worth looking up before a write is judged, most wanted first."""

from collections.abc import Iterator

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.packs.retail.records import (
    ON_ORDERS,
    ORDER,
    PRODUCT,
    PROFILE,
    SWAPS,
    item_of,
    user,
)
from sidecritic.values import text_of, texts_of

_MOST_ORDERS = 5
"""Other orders of the user; they show whether the call's order is the one that was meant."""


def wants(facts: Facts) -> Iterator[Wanted]:
    """Ask for the order of each write, its owner, its products, and the owner's other orders."""
    writes = [Case(facts, call) for call in facts.proposed if facts.may_write(call.name)]
    for case in writes:
        yield from ORDER.missing(case, ON_ORDERS)
    for case in writes:
        yield from PROFILE.ask(facts, ORDER.owner_of(case))
    for case in writes:
        order, swapped = ORDER.of(case), texts_of(case.arguments, "item_ids")
        for item_id in swapped if case.tool in SWAPS else ():
            yield from PRODUCT.ask(facts, text_of(item_of(order, item_id), "product_id"))
    if writes:
        known = facts.known.get("order_id", {})
        unread = [one for one in texts_of(user(facts), "orders") if one not in known]
        for order_id in unread[: max(0, _MOST_ORDERS - len(known) + 1)]:
            yield ORDER.look_up(order_id)
