"""Retail: what the user wants, read off their words, against what a call does.

Wishes are read with narrow patterns over the user's own sentences. What a sentence is about
is decided by the head of a product's name: `keyboard` of Mechanical Keyboard.
"""

import re

from sidecritic.policies.base import CallCheck, Objection, call_check
from sidecritic.policies.consent import consent
from sidecritic.policies.facts import Facts
from sidecritic.policies.retail_records import (
    CANCEL,
    EXCHANGE,
    ON_ITEMS,
    RETURN,
    head,
    item_of,
    items,
    order_of,
    orders,
)
from sidecritic.policies.values import text_of, texts_of
from sidecritic.types import ToolCall

_WHOLE = re.compile(
    r"#w\d+|\border(s|ed)?\b(?! (id|number))|\b(whole|entire|full|all|both|everything)\b"
)
_DISCLOSED = re.compile(
    r"\b(whole|entire|full|complete) (pending )?order\b|\ball (the )?(\w+ )?items\b"
)
_ONLY = re.compile(
    r"\bcancel (just|only)\b|\b(just|only) (cancel|the|that|this|one)\b.*\bcancel"
    r"|\bcancel\b.*\b(just|only) (the|that|this)\b"
)
_MISTAKE = re.compile(
    r"\b(mistake(n(ly)?)?|accident(al(ly)?)?|wrong(ly)?|error|didn'?t mean|unintended)\b"
)
_UNNEEDED = re.compile(
    r"\b(no longer|don'?t (really )?need|do not need|not need(ed)?|changed? (my|our|his|her) mind"
    r"|not going to (need|use))\b"
)
_MORE = re.compile(r"\b\d+ (\w+ )?(more|less|fewer)\b")
_DEAREST = re.compile(r"\b(most expensive|priciest|highest[- ]price[d]?|dearest)\b")
_CHEAPEST = re.compile(r"\b(cheapest|least expensive|lowest[- ]price[d]?|most affordable)\b")


@call_check(
    "whole order cancelled",
    tools=(CANCEL,),
    risk=0.7,
    policy="For a pending order, you can take actions to modify its shipping address, payment "
    "method, or product item options, but nothing else.",
)
def wider_cancel(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user spoke of cancelling an item, and never of the order."""
    held = items(order_of(facts, call))
    heads = {head(item) for item in held}
    if len(heads) < 2:
        return None
    agreed = consent(facts, call)
    if agreed is not None and _DISCLOSED.search(agreed.question.lower):
        return None
    order_id = text_of(call.arguments or {}, "order_id").lower()
    spoken: set[str] = set()
    for sentence in facts.wishes:
        for wish in sentence.split("cancel")[1:]:
            about = _first_named(wish[:90], heads)
            if about is None and _means_order(wish[:90], order_id):
                return None
            spoken |= {about} if about else set()
    if not spoken or spoken == heads:
        return None
    others = ", ".join(sorted(heads - spoken))
    return Objection(
        f"The user spoke of cancelling the {', '.join(sorted(spoken))} only, but this cancels the "
        f"whole order, {others} included. Single items cannot be cancelled: tell the user so, and "
        "cancel the order only if they agree to that.",
        evidence=", ".join(sorted(spoken)),
        # Without "only" the user often means the order by its item.
        risk=None if any(_ONLY.search(s) for s in facts.wishes) else 0.4,
    )


@call_check(
    "reason nobody gave",
    tools=(CANCEL,),
    risk=0.7,
    policy="The user needs to confirm the order id and the reason (either 'no longer needed' or "
    "'ordered by mistake') for cancellation.",
)
def invented_reason(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user's words give the other reason."""
    reason = text_of(call.arguments or {}, "reason")
    mistake, unneeded = _says(facts, call, _MISTAKE), bool(_UNNEEDED.search(facts.said))
    given = "ordered by mistake" if mistake else "no longer needed"
    if mistake == unneeded or given == reason:
        return None
    return Objection(
        f"The user's reason is '{given}', not '{reason}'. Use the reason that the user gave.",
        evidence=given,
    )


@call_check("reason not asked", tools=(CANCEL,), risk=0.5, policy=invented_reason.policy)
def unasked_reason(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user's words give no reason at all, and none was put to them."""
    reason = text_of(call.arguments or {}, "reason")
    if _MISTAKE.search(facts.said) or _UNNEEDED.search(facts.said):
        return None
    agreed = consent(facts, call)
    if agreed is not None and reason in agreed.question.lower:
        return None
    return Objection(
        "The user gave no reason for the cancellation. Ask whether the order is no longer needed "
        "or was ordered by mistake."
    )


@call_check(
    "item nobody spoke of",
    tools=ON_ITEMS,
    risk=0.6,
    policy="The user needs to confirm the order id and the list of items.",
)
def unspoken_item(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on an item whose product was never spoken of."""
    order = order_of(facts, call)
    listed = texts_of(call.arguments or {}, "item_ids")
    if len(listed) == len(items(order)):
        return None
    for item_id in listed:
        item = item_of(order, item_id)
        if not item or item_id in facts.told or item_id in facts.said:
            continue
        if head(item) not in facts.said and head(item) not in facts.told:
            return Objection(
                f"Item {item_id} is a {text_of(item, 'name')}, which nobody spoke of. Take the "
                "item that the user named, and check which order holds it.",
                evidence=text_of(item, "name"),
            )
    return None


@call_check(
    "item left out",
    tools=ON_ITEMS,
    risk=0.3,
    policy="Exchange or modify order tools can only be called once per order. Be sure that all "
    "items to be changed are collected into a list before making the tool call.",
)
def left_out(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when an item of the order that the user named for the same act is not in the call."""
    order = order_of(facts, call)
    listed = set(texts_of(call.arguments or {}, "item_ids"))
    taken = {head(item_of(order, item_id)) for item_id in listed if item_of(order, item_id)}
    for item in items(order):
        name = head(item)
        if text_of(item, "item_id") in listed or name in taken:
            continue
        agreed = consent(facts, call)
        if agreed is None or name not in agreed.question.lower:
            continue
        if any(name in s and _act(call) in s for s in facts.wishes):
            return Objection(
                f"The user also named the {text_of(item, 'name')} of this order, and "
                f"`{call.name}` works only once per order. Put all items into one call.",
                evidence=name,
            )
    return None


def _says(facts: Facts, call: ToolCall, reason: re.Pattern[str]) -> bool:
    """Whether the user gives a reason, and not for an item of another order."""
    mine = {head(item) for item in items(order_of(facts, call))}
    others = {head(item) for order in orders(facts).values() for item in items(order)} - mine
    found = [s for s in facts.wishes if reason.search(s)]
    return any(any(h in s for h in mine) or not any(h in s for h in others) for s in found)


def _first_named(wish: str, heads: set[str]) -> str | None:
    """Return the item that stands right behind "cancel", before any word for the order."""
    found = sorted((wish.find(one), one) for one in heads if one in wish)
    if not found:
        return None
    place, name = found[0]
    whole = _WHOLE.search(wish)
    if (whole and whole.start() < place) or re.match(rf"{name}s? order", wish[place:]):
        return None
    return name


def _means_order(wish: str, order_id: str) -> bool:
    """Whether what stands behind "cancel" means this whole order."""
    named = re.findall(r"#w\d+", wish)
    return bool(_WHOLE.search(wish)) and (not named or order_id in named)


def _act(call: ToolCall) -> str:
    return {RETURN: "return", EXCHANGE: "exchange"}.get(call.name, "chang")


RETAIL_WISHES: tuple[CallCheck, ...] = (
    wider_cancel,
    invented_reason,
    unasked_reason,
    unspoken_item,
    left_out,
)
