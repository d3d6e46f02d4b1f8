"""Retail: what the policy allows, read off the records that the tools returned."""

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.sources import shown_at
from sidecritic.packs.retail.records import (
    CANCEL,
    MODIFY_ITEMS,
    MODIFY_PAYMENT,
    ON_DELIVERED,
    ON_ITEMS,
    ON_ORDERS,
    ON_PENDING,
    PAYING,
    RETURN,
    SWAPS,
    describe,
    item_of,
    items,
    order_of,
    original_payment,
    payment_methods,
    price_difference,
    shown_order,
    swaps,
    user,
    user_id,
)
from sidecritic.values import number_of, object_of, text_of, texts_of

REASONS = ("no longer needed", "ordered by mistake")


@call_check(
    "not authenticated",
    risk=0.8,
    policy="At the beginning of the conversation, you have to authenticate the user identity by "
    "locating their user id via email, or via name + zip code.",
)
def not_authenticated(case: Case) -> Objection | None:
    """Fire when nobody was identified before a write."""
    if user_id(case.facts):
        return None
    return Objection(
        "The user has not been identified. Locate the user id by email, or by name and zip code, "
        f"before you call `{case.tool}`.",
        # Who gave them right might have been found by them.
        risk=0.3 if _gave_identity(case.facts) else None,
    )


@call_check(
    "another user's record",
    risk=0.95,
    policy="You can only help one user per conversation, and must deny any requests for tasks "
    "related to any other user.",
)
def foreign_record(case: Case) -> Objection | None:
    """Fire when the order or profile belongs to somebody else than the identified user."""
    who = user_id(case.facts)
    order = order_of(case)
    owner = text_of(order, "user_id") or case.named("user_id")
    if not who or not owner or owner == who:
        return None
    return Objection(
        f"This record belongs to {owner}, but you are helping {who}. Deny the request, or use "
        "the record of the user you are helping.",
        evidence=f"{owner} != {who}",
        messages=shown_at(case.facts, order),
    )


@call_check(
    "order not looked up",
    tools=ON_ORDERS,
    risk=0.6,
    policy="You should check its status before taking the action.",
)
def unread_order(case: Case) -> Objection | None:
    """Fire when the actor never read the order of the call."""
    if shown_order(case):
        return None
    order_id = case.named("order_id") or "the order"
    return Objection(
        f"{order_id} was never looked up. Call get_order_details and check status and items first."
    )


@call_check(
    "order not pending",
    tools=ON_PENDING,
    risk=0.9,
    policy="An order can only be cancelled or modified if its status is 'pending', and you should "
    "check its status before taking the action.",
)
def not_pending(case: Case) -> Objection | None:
    """Fire when the order's last known status does not allow the change."""
    status = text_of(order_of(case), "status")
    once_only = case.tool in (CANCEL, MODIFY_ITEMS)
    if not status or status == "pending" or (status.startswith("pending") and not once_only):
        return None
    return Objection(
        f"The order's status is '{status}', so `{case.tool}` is not possible. Tell the user, and "
        "offer what this status allows (return or exchange when delivered).",
        evidence=f"status {status}",
        messages=shown_at(case.facts, order_of(case)),
    )


@call_check(
    "order not delivered",
    tools=ON_DELIVERED,
    risk=0.9,
    policy="An order can only be returned or exchanged if its status is 'delivered', and you "
    "should check its status before taking the action.",
)
def not_delivered(case: Case) -> Objection | None:
    """Fire when the order is not delivered, or was returned or exchanged already."""
    status = text_of(order_of(case), "status")
    if status in ("", "delivered"):
        return None
    return Objection(
        f"The order's status is '{status}', so `{case.tool}` is not possible. Tell the user, and "
        "offer what this status allows (cancel or modify while pending).",
        evidence=f"status {status}",
        messages=shown_at(case.facts, order_of(case)),
    )


@call_check(
    "reason not accepted",
    tools=(CANCEL,),
    risk=0.95,
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


@call_check(
    "item not in the order",
    tools=ON_ITEMS,
    risk=0.95,
    policy="The user needs to confirm the order id and the list of items.",
)
def foreign_item(case: Case) -> Objection | None:
    """Fire on an item that the order does not hold."""
    order = order_of(case)
    for item_id in texts_of(case.arguments, "item_ids") if order else ():
        if not item_of(order, item_id):
            held = ", ".join(f"{text_of(i, 'item_id')} {text_of(i, 'name')}" for i in items(order))
            return Objection(
                f"Item {item_id} is not in {text_of(order, 'order_id')}, which holds {held}. Use "
                "the item or the order that the user means.",
                evidence=item_id,
                messages=shown_at(case.facts, order),
            )
    return None


@call_check(
    "same item again",
    tools=SWAPS,
    risk=0.9,
    policy="Each item can be exchanged to an available new item of the same product but of "
    "different product option.",
)
def same_item(case: Case) -> Objection | None:
    """Fire when an item is swapped for itself."""
    arguments = case.arguments
    for old, new in zip(
        texts_of(arguments, "item_ids"), texts_of(arguments, "new_item_ids"), strict=False
    ):
        if old == new:
            return Objection(
                f"Item {old} would be replaced by the same item. Leave it out, or pick the "
                "variant with the option that the user wants.",
                evidence=old,
            )
    return None


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
    risk=0.95,
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


@call_check(
    "payment not the user's",
    tools=PAYING,
    risk=0.95,
    policy="The user must provide a payment method to pay or receive refund.",
)
def foreign_payment(case: Case) -> Objection | None:
    """Fire on a payment method that the profile does not hold."""
    methods = payment_methods(case.facts)
    chosen = case.named("payment_method_id")
    if not methods or chosen in methods:
        return None
    return Objection(
        f"{chosen} is not a payment method of this user, who has {', '.join(methods)}. Ask which "
        "of these to use.",
        evidence=chosen,
        messages=shown_at(case.facts, user(case.facts)),
    )


@call_check(
    "refund route",
    tools=(RETURN,),
    risk=0.95,
    policy="The refund must either go to the original payment method, or an existing gift card.",
)
def refund_route(case: Case) -> Objection | None:
    """Fire when a refund goes to a method that is neither the original one nor a gift card."""
    chosen = case.named("payment_method_id")
    original = original_payment(order_of(case))
    if not original or chosen == original or chosen.startswith("gift_card"):
        return None
    return Objection(
        f"The order was paid with {original}; the refund must go there or to an existing gift "
        f"card, not to {chosen}.",
        evidence=f"{chosen} != {original}",
        messages=shown_at(case.facts, order_of(case)),
    )


@call_check(
    "payment unchanged",
    tools=(MODIFY_PAYMENT,),
    risk=0.9,
    policy="The user can only choose a single payment method different from the original payment "
    "method.",
)
def same_payment(case: Case) -> Objection | None:
    """Fire when the new payment method is the old one."""
    original = original_payment(order_of(case))
    if not original or case.named("payment_method_id") != original:
        return None
    return Objection(
        f"The order is already paid with {original}; nothing would change.",
        messages=shown_at(case.facts, order_of(case)),
    )


@call_check(
    "gift card balance",
    tools=(*SWAPS, MODIFY_PAYMENT),
    risk=0.9,
    policy="If the user provides a gift card, it must have enough balance to cover the price "
    "difference.",
)
def gift_card_balance(case: Case) -> Objection | None:
    """Fire when a gift card cannot cover what is due."""
    chosen = case.named("payment_method_id")
    card = payment_methods(case.facts).get(chosen, {})
    if text_of(card, "source") != "gift_card" or case.facts.writes:
        return None
    if case.tool == MODIFY_PAYMENT:
        paid = order_of(case).get("payment_history")
        due = (
            number_of(paid[0], "amount")
            if isinstance(paid, list) and paid and isinstance(paid[0], dict)
            else 0.0
        )
    else:
        due = price_difference(tuple(swaps(case))) or 0.0
    balance = number_of(card, "balance")
    if due <= balance:
        return None
    return Objection(
        f"{chosen} holds ${balance:.2f}, but ${due:.2f} is due. Ask for another payment method.",
        evidence=f"{balance} < {due:.2f}",
        messages=shown_at(case.facts, user(case.facts)),
    )


def _gave_identity(facts: Facts) -> bool:
    """Whether the user named the email, or name and zip code, of the profile that was read."""
    profile = user(facts)
    email, name = text_of(profile, "email").lower(), object_of(profile, "name")
    if email and email in facts.said:
        return True
    zip_code = text_of(object_of(profile, "address"), "zip")
    parts = (text_of(name, "first_name").lower(), text_of(name, "last_name").lower(), zip_code)
    return all(part and part in facts.said for part in parts)


RETAIL_RULES: tuple[CallCheck, ...] = (
    not_authenticated,
    foreign_record,
    unread_order,
    not_pending,
    not_delivered,
    bad_reason,
    foreign_item,
    same_item,
    other_product,
    unavailable,
    foreign_payment,
    refund_route,
    same_payment,
    gift_card_balance,
)
