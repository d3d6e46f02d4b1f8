"""Retail: what the policy allows, read off the records that the tools returned.

Some of what the tools refuse by themselves is evidence: the agent reads the error and goes on.
"""

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import EVIDENCE
from sidecritic.checks.records import (
    among,
    changed,
    identified,
    in_state,
    looked_up,
    owned,
    refunded,
)
from sidecritic.checks.sources import shown_at
from sidecritic.packs.retail.records import (
    CANCEL,
    MODIFY_ITEMS,
    MODIFY_PAYMENT,
    ON_DELIVERED,
    ON_ITEMS,
    ON_ORDERS,
    ON_PENDING,
    ORDER,
    PAYING,
    RETURN,
    SWAPS,
    describe,
    items,
    order_of,
    original_payment,
    payment_methods,
    price_difference,
    swaps,
    user,
    user_id,
)
from sidecritic.values import number_of, objects_of, text_of, texts_of

REASONS = ("no longer needed", "ordered by mistake")


def _kept_items(case: Case) -> str:
    """Return the items that a call swaps for themselves, in words; empty where others change.

    What cannot be had is left to the tool, which refuses it.
    """
    pairs = tuple(swaps(case))
    old, new = (texts_of(case.arguments, key) for key in ("item_ids", "new_item_ids"))
    if not old or old != new or any(pair.new.get("available") is False for pair in pairs):
        return ""
    return f"{', '.join(old)} would be replaced by the same"


def _kept_payment(case: Case) -> str:
    original = original_payment(order_of(case))
    kept = original and case.named("payment_method_id") == original
    return f"the order is already paid with {original}" if kept else ""


not_authenticated = CallCheck(
    "not authenticated",
    risk=EVIDENCE,
    policy="At the beginning of the conversation, you have to authenticate the user identity by "
    "locating their user id via email, or via name + zip code.",
    examine=identified(user_id, "Locate the user id by email, or by name and zip code,"),
)
foreign_record = CallCheck(
    "another user's record",
    risk=0.95,
    policy="You can only help one user per conversation, and must deny any requests for tasks "
    "related to any other user.",
    examine=owned(ORDER, user_id),
)
unread_order = CallCheck(
    "order not looked up",
    tools=ON_ORDERS,
    risk=EVIDENCE,
    policy="You should check its status before taking the action.",
    examine=looked_up(ORDER, "check status and items first"),
)
not_pending = CallCheck(
    "order not pending",
    tools=ON_PENDING,
    risk=0.9,
    policy="An order can only be cancelled or modified if its status is 'pending', and you should "
    "check its status before taking the action.",
    examine=in_state(
        ORDER,
        # Items are modified once: "pending (item modified)" is for payment and address only.
        lambda case, status: (
            status == "pending"
            or (status.startswith("pending") and case.tool not in (CANCEL, MODIFY_ITEMS))
        ),
        "Tell the user, and offer what this status allows (return or exchange when delivered).",
    ),
)
not_delivered = CallCheck(
    "order not delivered",
    tools=ON_DELIVERED,
    risk=EVIDENCE,
    policy="An order can only be returned or exchanged if its status is 'delivered', and you "
    "should check its status before taking the action.",
    examine=in_state(
        ORDER,
        lambda _, status: status == "delivered",
        "Tell the user, and offer what this status allows (cancel or modify while pending).",
    ),
)


@call_check(
    "reason not accepted",
    tools=(CANCEL,),
    risk=EVIDENCE,
    policy="The user needs to confirm the order id and the reason (either 'no longer needed' or "
    "'ordered by mistake') for cancellation. Other reasons are not acceptable.",
)
def bad_reason(case: Case) -> Objection | None:
    """Fire on a reason that the policy does not know."""
    reason = case.named("reason")
    if reason in REASONS:
        return None
    return Objection(
        f"'{reason}' is not an accepted reason. Ask the user whether the order is no longer "
        "needed or was ordered by mistake; for any other reason do not cancel.",
        evidence=reason,
    )


foreign_item = CallCheck(
    "item not in the order",
    tools=ON_ITEMS,
    risk=0.95,
    policy="The user needs to confirm the order id and the list of items.",
    examine=among(
        lambda case: texts_of(case.arguments, "item_ids"),
        lambda case: {text_of(item, "item_id"): item for item in items(order_of(case))},
        order_of,
        what="the items of the order",
        advice="Use the item or the order that the user means.",
    ),
)
same_item = CallCheck(
    "same item again",
    tools=SWAPS,
    risk=0.9,
    policy="Each item can be exchanged to an available new item of the same product but of "
    "different product option.",
    examine=changed(
        _kept_items,
        order_of,
        "Pick the variant with the option that the user wants, or leave it.",
    ),
)


@call_check(
    "another product",
    tools=SWAPS,
    risk=0.95,
    policy="There cannot be any change of product types, e.g. modify shirt to shoe.",
)
def other_product(case: Case) -> Objection | None:
    """Fire when a new item is no variant of the old item's product."""
    for pair in swaps(case):
        if pair.product and not pair.new:
            return Objection(
                f"The new item for {text_of(pair.old, 'item_id')} is no variant of "
                f"{text_of(pair.product, 'name')}. Old and new items must stand in the same "
                "order and be of the same product.",
                evidence=text_of(pair.old, "name"),
                messages=shown_at(case.facts, pair.old, pair.product),
            )
    return None


@call_check(
    "variant not available",
    tools=SWAPS,
    risk=EVIDENCE,
    policy="Each item can be modified to an available new item of the same product.",
)
def unavailable(case: Case) -> Objection | None:
    """Fire when a new item is shown as not available."""
    for pair in swaps(case):
        if pair.new.get("available") is False:
            return Objection(
                f"Variant {describe(pair.new)} is not available. Offer the user an available one.",
                evidence=text_of(pair.new, "item_id"),
                messages=shown_at(case.facts, pair.new),
            )
    return None


foreign_payment = CallCheck(
    "payment not the user's",
    tools=PAYING,
    risk=EVIDENCE,
    policy="The user must provide a payment method to pay or receive refund.",
    examine=among(
        lambda case: (case.named("payment_method_id"),),
        lambda case: payment_methods(case.facts),
        lambda case: user(case.facts),
        what="the payment methods of this user",
        advice="Ask which of these to use.",
    ),
)
refund_route = CallCheck(
    "refund route",
    tools=(RETURN,),
    risk=EVIDENCE,
    policy="The refund must either go to the original payment method, or an existing gift card.",
    examine=refunded(ORDER, original_payment, "payment_method_id"),
)


same_payment = CallCheck(
    "payment unchanged",
    tools=(MODIFY_PAYMENT,),
    risk=0.9,
    policy="The user can only choose a single payment method different from the original payment "
    "method.",
    examine=changed(_kept_payment, order_of, "Ask for another payment method."),
)


@call_check(
    "gift card balance",
    tools=(*SWAPS, MODIFY_PAYMENT),
    risk=EVIDENCE,
    policy="If the user provides a gift card, it must have enough balance to cover the price "
    "difference.",
)
def gift_card_balance(case: Case) -> Objection | None:
    """Fire when a gift card cannot cover what is due."""
    chosen = case.named("payment_method_id")
    card = payment_methods(case.facts).get(chosen, {})
    if text_of(card, "source") != "gift_card" or case.facts.writes:
        return None
    due, balance = _due(case), number_of(card, "balance")
    if due <= balance:
        return None
    return Objection(
        f"{chosen} holds ${balance:.2f}, but ${due:.2f} is due. Ask for another payment method.",
        evidence=f"{balance} < {due:.2f}",
        messages=shown_at(case.facts, user(case.facts)),
    )


def _due(case: Case) -> float:
    """Return what a call charges, in dollars; 0 when unknown."""
    if case.tool != MODIFY_PAYMENT:
        return price_difference(tuple(swaps(case))) or 0.0
    payments = objects_of(order_of(case), "payment_history")
    return number_of(payments[0], "amount") if payments else 0.0
