"""Retail: whether the details of a call were put to the user, and what exactly was agreed to."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import CallCheck, Objection, Support, call_check
from sidecritic.checks.common import CONSENT
from sidecritic.checks.consent import consent
from sidecritic.checks.facts import Exchange, Facts
from sidecritic.checks.payments import means_original, named_methods
from sidecritic.english.language import mentions
from sidecritic.packs.retail.cancels import reasons_in
from sidecritic.packs.retail.options import namings
from sidecritic.packs.retail.records import (
    CANCEL,
    MODIFY_ADDRESS,
    ON_ITEMS,
    ON_ORDERS,
    USER_ADDRESS,
    item_of,
    items,
    options,
    order_of,
    orders,
    original_payment,
    payment_methods,
    swaps,
    user,
)
from sidecritic.packs.retail.wording import clauses, name_of, named_in
from sidecritic.types import ToolCall
from sidecritic.values import text_of, texts_of

_ORDER_ID = re.compile(r"#w\d+")
_TURNS = re.compile(
    r"\b(but|however|instead|actually|wait|rather|unless|before (you|that|we)|first|hold on)\b"
)


@call_check("details not listed", risk=0.2, policy=CONSENT)
def unlisted(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when what the user agreed to, or said with it, leaves out a detail of the call."""
    agreed = consent(facts, call)
    if agreed is None:
        return None
    missing = tuple(_missing(facts, call, f"{_heard(agreed)}\n{facts.said}"))
    if not missing:
        return None
    every = tuple(_missing(facts, call, ""))
    untold = tuple(_missing(facts, call, facts.told))
    nothing = len(missing) == len(every)
    return Objection(
        f"The user agreed, but {', '.join(missing[:3])} was not listed before. List every detail "
        f"of `{call.name}` and ask for a yes.",
        evidence=", ".join(missing[:3]),
        risk=0.45 if nothing and untold else 0.35 if nothing or len(missing) > 1 else None,
        messages=(agreed.question.position, agreed.answer.position),
    )


@call_check("another order than named", tools=ON_ORDERS, risk=0.3, policy=CONSENT)
def other_order(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user named other orders by their ids, and nobody ever named this one."""
    order_id = text_of(call.arguments or {}, "order_id")
    number = order_id.lower().lstrip("#w")
    if not number or number in facts.said or number in facts.told:
        return None
    named = set(_named_orders(facts, call))
    if not named:
        return None
    return Objection(
        f"The user named {', '.join(sorted(named))}; the call is about {order_id}, which nobody "
        "named. Use the order that the user means, or tell them of the other one.",
        evidence=f"{sorted(named)} vs {order_id}",
    )


@call_check("yes to something older", risk=0.15, policy=CONSENT)
def stale(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user has spoken since they agreed, and did not agree again."""
    agreed, answer = consent(facts, call), facts.answer
    if agreed is None or answer is None or answer.position == agreed.answer.position:
        return None
    return Objection(
        "The user has answered other questions since they agreed to this. Repeat what will be "
        "done, and ask again.",
        evidence=answer.text[:80],
        messages=(agreed.answer.position, answer.position),
    )


@call_check("yes with a condition", risk=0.2, policy=CONSENT)
def conditional(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user's yes takes something back, or asks something."""
    agreed = consent(facts, call)
    if agreed is None:
        return None
    answer = agreed.answer.lower
    found = _TURNS.search(answer)
    if found is None:
        return None
    return Objection(
        "The user's answer holds a condition or a change. Answer it, list what will be done, and "
        "ask again.",
        evidence=answer[max(0, found.start() - 20) : found.end() + 40],
        messages=(agreed.answer.position,),
    )


@call_check("listed and agreed to", risk=0.1, policy=CONSENT)
def listed(facts: Facts, call: ToolCall) -> Support | None:
    """Support a call whose every detail was in the question that the user just agreed to."""
    agreed, answer = consent(facts, call), facts.answer
    if agreed is None or answer is None or answer.position != agreed.answer.position:
        return None
    if not agreed.agreed or any(True for _ in _missing(facts, call, _heard(agreed))):
        return None
    return Support(
        evidence=agreed.answer.text[:80],
        messages=(agreed.question.position, agreed.answer.position),
    )


@call_check("the user's own words", risk=0.1, policy=CONSENT)
def own_words(facts: Facts, call: ToolCall) -> Support | None:
    """Support a call whose every detail the user named without the agent's help."""
    for line in facts.user_lines:
        if not any(True for _ in _missing(facts, call, line.lower)):
            return Support(evidence=line.text[:80], messages=(line.position,))
    return None


RETAIL_CONFIRM: tuple[CallCheck, ...] = (
    unlisted,
    other_order,
    stale,
    conditional,
    listed,
    own_words,
)


def _named_orders(facts: Facts, call: ToolCall) -> Iterator[str]:
    """Walk over the orders that the user named, but for unknown ones and for those of other items.

    An id that no record bears is a guess of whoever said it first.
    """
    known = {i.lower() for i in (*orders(facts), *texts_of(user(facts), "orders"))}
    order = order_of(facts, call)
    listed = texts_of(call.arguments or {}, "item_ids")
    own = {name_of(i) for i in items(order) if not listed or text_of(i, "item_id") in listed}
    said = clauses(facts, call)
    for place, clause in enumerate(said):
        # An id that opens a message is of the first item that follows.
        near = (one.product for one in said[place:] if one.position == clause.position)
        subject = next((name for name in near if name), "")
        if not subject or not own or subject in own:
            yield from (i for i in _ORDER_ID.findall(clause.text) if i in known)


def _heard(agreed: Exchange) -> str:
    return f"{agreed.question.lower}\n{agreed.answer.lower}"


def _missing(facts: Facts, call: ToolCall, heard: str) -> Iterator[str]:
    """Walk over the details of a call that a text, in lower case, does not hold."""
    arguments = call.arguments or {}
    if call.name in (MODIFY_ADDRESS, USER_ADDRESS):
        for key in ("address1", "zip"):
            if text_of(arguments, key).lower() not in heard:
                yield f"{key} {text_of(arguments, key)}"
    if call.name == CANCEL and text_of(arguments, "reason") not in reasons_in(heard):
        yield "the reason"
    if call.name in ON_ITEMS:
        yield from _missing_items(facts, call, heard)
    yield from _missing_order(facts, call, heard)
    yield from _missing_payment(facts, call, heard)


def _missing_items(facts: Facts, call: ToolCall, heard: str) -> Iterator[str]:
    order = order_of(facts, call)
    for item_id in texts_of(call.arguments or {}, "item_ids"):
        item = item_of(order, item_id)
        if item and item_id not in heard and not named_in(heard, name_of(item)):
            yield f"the {text_of(item, 'name')}"
    for pair in swaps(facts, call):
        new_id = text_of(pair.new, "item_id")
        if not pair.old or not new_id or new_id in heard:
            continue
        old = options(pair.old)
        changed = {(k, v) for k, v in options(pair.new).items() if old.get(k) != v}
        named = {(n.key, n.value) for n in namings(heard, pair.product)}
        if not changed <= named:
            yield f"the new {text_of(pair.old, 'name')}"


def _missing_order(facts: Facts, call: ToolCall, heard: str) -> Iterator[str]:
    order_id = text_of(call.arguments or {}, "order_id")
    if not order_id or mentions(heard, order_id.lower().lstrip("#")):
        return
    names = {name_of(item) for item in items(order_of(facts, call))}
    if not any(named_in(heard, name) for name in names):
        yield f"order {order_id}"


def _missing_payment(facts: Facts, call: ToolCall, heard: str) -> Iterator[str]:
    chosen = text_of(call.arguments or {}, "payment_method_id")
    methods = payment_methods(facts)
    # Where the profile holds one method, there is nothing to choose.
    if not chosen or set(methods) == {chosen} or chosen in named_methods(heard, methods):
        return
    original = original_payment(order_of(facts, call))
    if not (means_original(heard) and chosen == original):
        yield f"payment {chosen}"
