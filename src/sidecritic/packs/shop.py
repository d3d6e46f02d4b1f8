"""The pack for our own shop, and the worked example of a pack: see docs/policy-packs.md."""

from datetime import timedelta

from sidecritic.checks import common, statements
from sidecritic.checks.base import CallCheck, Objection, Pack, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.endings import ENDINGS
from sidecritic.checks.records import Kind, refunded
from sidecritic.checks.terms import now, term
from sidecritic.values import objects_of, text_of, texts_of

DAYS = term("after how many days nothing is refunded", r"delivered more than # days ago")
ORDER = Kind("order", "order_id", "get_order", owner="customer_id")


@call_check("not this customer's order", risk=0.9, policy="First find the customer by e-mail.")
def foreign_order(case: Case) -> Objection | None:
    """Fire when the order is unknown, or not that of the first customer found."""
    customer = next(iter(case.facts.records.get("customer_id", {})), "nobody")
    owner = text_of(ORDER.of(case), "customer_id") or "unknown"
    if owner == customer:
        return None
    advice = "Find the customer, look the order up, and help nobody with others' orders."
    return Objection(f"The customer is {customer}, the order's is {owner}. {advice}")


@call_check("final sale", risk=0.95, tools=["refund_items"], policy="A final sale is no refund.")
def final_sale(case: Case) -> Objection | None:
    """Fire on the refund of an item that was on final sale."""
    asked = texts_of(case.arguments, "item_ids")
    for item in objects_of(ORDER.of(case), "items"):
        if item.get("final_sale") is True and text_of(item, "item_id") in asked:
            return Objection(f"The {text_of(item, 'name')} was a final sale. Decline the refund.")
    return None


@call_check("too late", risk=0.95, tools=["refund_items"], policy="Old orders are not refunded.")
def too_late(case: Case) -> Objection | None:
    """Fire when the order was delivered more days ago than the policy states."""
    delivered = text_of(ORDER.of(case), "delivered_on")
    if not delivered:
        return None
    days = DAYS.of(case.facts)
    if delivered >= f"{now(case.facts) - timedelta(days=days):%Y-%m-%d}":
        return None
    return Objection(f"Delivered on {delivered}, more than {days:g} days ago. Decline the refund.")


refund_route = CallCheck(
    "refund route",
    risk=0.9,
    tools=("refund_items",),
    policy="As paid, or a gift card.",
    examine=refunded(ORDER, lambda order: text_of(order, "payment_method_id"), "payment_method_id"),
)

SHOP = Pack.of("shop", vars(), common, *ENDINGS, statements)
