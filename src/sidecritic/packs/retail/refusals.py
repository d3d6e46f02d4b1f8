"""Retail: whether what the user asked for and did not get is allowed."""

from collections.abc import Iterator

from sidecritic.checks.facts import Facts
from sidecritic.checks.refusals import Refused
from sidecritic.checks.requests import Request, Requests
from sidecritic.english.language import mentions
from sidecritic.packs.retail.records import (
    CANCEL,
    EXCHANGE,
    MODIFY_ADDRESS,
    MODIFY_ITEMS,
    MODIFY_PAYMENT,
    ON_DELIVERED,
    RETURN,
    items,
    orders,
)
from sidecritic.packs.retail.wording import name_of, named_in
from sidecritic.values import text_of

_DEEDS = {
    "cancel": frozenset({CANCEL}),
    "return": frozenset({RETURN}),
    "exchange": frozenset({EXCHANGE, MODIFY_ITEMS}),
    "change": frozenset({MODIFY_ITEMS, MODIFY_ADDRESS, MODIFY_PAYMENT}),
}


def refused(facts: Facts) -> tuple[Refused, ...]:
    """Return what was asked for and not done, with the state of the order that forbids it."""
    return tuple(_refused(facts))


def _refused(facts: Facts) -> Iterator[Refused]:
    touched = facts.once(Requests.of).touched
    for request in facts.once(Requests.of).open:
        tools = request.tools & _DEEDS.get(request.kind, frozenset())
        if request.conditional or not tools:
            continue
        which, told = _meant(facts, request)
        for one in which:
            if one.lower() not in touched:
                state = text_of(orders(facts)[one], "status").lower()
                allowed = any(state == _needed(tool) for tool in tools)
                why_not = "" if allowed else f"the order is {state}"
                sure = told and request.kind in ("cancel", "return")
                yield Refused(f"{request.kind} {one}", why_not, request.position, sure=sure)


def _needed(tool: str) -> str:
    return "delivered" if tool in ON_DELIVERED else "pending"


def _meant(facts: Facts, request: Request) -> tuple[tuple[str, ...], bool]:
    """Return the orders that a request can be about, and whether it says so.

    It names the id or a product; or the user named an id elsewhere; or only one is known.
    """
    known = orders(facts)
    named = tuple(one for one in known if mentions(request.text, one.lower().lstrip("#")))
    if named:
        return named, True
    held = tuple(
        one
        for one, order in known.items()
        if any(named_in(request.text, name_of(item)) for item in items(order))
    )
    if held:
        return held, len(held) == 1
    said = tuple(one for one in known if mentions(facts.said, one.lower().lstrip("#")))
    return (said, len(said) == 1) if said else (tuple(known), len(known) == 1)
