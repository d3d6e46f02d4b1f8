"""Retail: what the user wants, read off their words, against what a call does.

Wishes are read with narrow patterns over the user's own sentences. What a sentence is about
is decided by the head of a product's name: `keyboard` of Mechanical Keyboard.
"""

import re
from collections.abc import Iterable, Iterator

from sidecritic.policies.base import CallCheck, Objection, call_check
from sidecritic.policies.common import CONSENT
from sidecritic.policies.consent import consent
from sidecritic.policies.facts import Facts
from sidecritic.policies.language import mentions
from sidecritic.policies.retail_records import (
    CANCEL,
    EXCHANGE,
    ON_ITEMS,
    RETURN,
    SWAPS,
    Swap,
    available,
    describe,
    head,
    item_of,
    items,
    options,
    order_of,
    orders,
    swaps,
    variants,
)
from sidecritic.policies.values import JsonObject, number_of, text_of, texts_of
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
    "not the dearest or cheapest",
    tools=SWAPS,
    risk=0.6,
    policy="You must list the action details and obtain explicit user confirmation.",
)
def not_extreme(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a better fit to the wished price is available with all named options kept."""
    sign = -1.0 if _DEAREST.search(facts.said) else 1.0
    if bool(_DEAREST.search(facts.said)) == bool(_CHEAPEST.search(facts.said)):
        return None
    pattern = _DEAREST if sign < 0 else _CHEAPEST
    for pair in _known(swaps(facts, call)):
        if not _wished_for(facts, pair, pattern, call):
            continue
        better = _more_extreme(facts, pair, sign)
        if better is not None:
            wish = "most expensive" if sign < 0 else "cheapest"
            return Objection(
                f"The user wants the {wish} {text_of(pair.product, 'name')}; {describe(better)} is "
                f"available, the call takes {describe(pair.new)}.",
                evidence=f"{number_of(better, 'price')} vs {number_of(pair.new, 'price')}",
            )
    return None


@call_check("more changed than asked", tools=SWAPS, risk=0.45, policy=CONSENT)
def gratuitous_change(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when an available variant keeps more of the old item, and nobody asked for the rest."""
    if _DEAREST.search(facts.said) or _CHEAPEST.search(facts.said):
        return None
    for pair in _known(swaps(facts, call)):
        closer = _closer(facts, pair)
        if closer is not None:
            return Objection(
                f"{describe(pair.new)} changes more of the {text_of(pair.product, 'name')} than "
                f"the user asked for; {describe(closer)} is available and keeps the rest.",
                evidence=text_of(closer, "item_id"),
            )
    return None


@call_check("named option missing", tools=SWAPS, risk=0.6, policy=CONSENT)
def option_missing(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user named an option of the product and the new item has another."""
    agreed = consent(facts, call)
    heard = f"{agreed.question.lower}\n{agreed.answer.lower}" if agreed else ""
    for pair in _known(swaps(facts, call)):
        for key, value in options(pair.new).items():
            wanted = _named_values(facts, pair, key)
            if not wanted or value in wanted or mentions(heard, value):
                continue
            fitting = [one for one in available(pair.product) if options(one).get(key) in wanted]
            if fitting:
                return Objection(
                    f"The user asked for {key} {' or '.join(sorted(wanted))}, the call takes "
                    f"{key} {value}. Available with it: {describe(fitting[0])}.",
                    evidence=f"{key}: {sorted(wanted)} vs {value}",
                )
    return None


@call_check("another variant than announced", tools=SWAPS, risk=0.75, policy=CONSENT)
def other_variant(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user agreed to another variant of the same product, by its id."""
    agreed = consent(facts, call)
    if agreed is None:
        return None
    chosen = {
        *texts_of(call.arguments or {}, "item_ids"),
        *texts_of(call.arguments or {}, "new_item_ids"),
    }
    text = agreed.question.lower
    for pair in _known(swaps(facts, call)):
        new_id = text_of(pair.new, "item_id")
        rivals = [i for i in variants(pair.product) if i not in chosen and i in text]
        if rivals and new_id not in text and new_id not in agreed.answer.lower:
            return Objection(
                f"The user agreed to item {rivals[0]}, but the call takes {new_id}. Call with what "
                "was agreed, or announce the change and ask again.",
                evidence=f"{rivals} vs {new_id}",
            )
    return None


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


def _known(pairs: Iterable[Swap]) -> Iterator[Swap]:
    return (pair for pair in pairs if pair.old and pair.new)


def _act(call: ToolCall) -> str:
    return {RETURN: "return", EXCHANGE: "exchange"}.get(call.name, "chang")


def _wished_for(facts: Facts, pair: Swap, pattern: re.Pattern[str], call: ToolCall) -> bool:
    """Whether a wish about the price is about this item."""
    if len(texts_of(call.arguments or {}, "item_ids")) == 1:
        return True
    found = [s for s in facts.wishes if pattern.search(s)]
    return any(head(pair.old) in s or re.search(r"\b(all|every|each|items)\b", s) for s in found)


def _more_extreme(facts: Facts, pair: Swap, sign: float) -> JsonObject | None:
    mine = options(pair.new)
    found: JsonObject | None = None
    for one in available(pair.product):
        theirs = options(one)
        dropped = [v for k, v in mine.items() if theirs.get(k) != v and mentions(facts.said, v)]
        gain = sign * (number_of(pair.new, "price") - number_of(one, "price"))
        if gain <= 0 or dropped:
            continue
        if found is None or sign * number_of(one, "price") < sign * number_of(found, "price"):
            found = one
    return found


def _closer(facts: Facts, pair: Swap) -> JsonObject | None:
    old, new = options(pair.old), options(pair.new)
    changed = {k for k in new if new[k] != old.get(k)}
    for one in available(pair.product):
        theirs = options(one)
        kept = {k for k in theirs if theirs[k] != old.get(k)}
        if not kept or not kept < changed or any(theirs[k] != new[k] for k in kept):
            continue
        if not any(mentions(facts.said, new[k]) for k in changed - kept):
            return one
    return None


def _named_values(facts: Facts, pair: Swap, key: str) -> set[str]:
    """Return the values of an option that the user named for this product."""
    values = {options(one).get(key, "") for one in variants(pair.product).values()}
    values = {value for value in values if len(value) > 1}
    # "1000 more pieces" names a difference, not a value.
    about = [s for s in facts.wishes if head(pair.old) in s and not _MORE.search(s)]
    return {v for v in values if any(mentions(s, v) for s in about)} - {
        options(pair.old).get(key, "")
    }


RETAIL_WISHES: tuple[CallCheck, ...] = (
    wider_cancel,
    invented_reason,
    unasked_reason,
    not_extreme,
    gratuitous_change,
    option_missing,
    other_variant,
    unspoken_item,
    left_out,
)
