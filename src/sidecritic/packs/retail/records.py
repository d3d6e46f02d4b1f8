"""Orders, products and payment methods of the retail domain, as they are now.

They come from what the tools showed and from what the critic looked up.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import Kind
from sidecritic.values import (
    JsonObject,
    number_of,
    object_of,
    objects_of,
    text_of,
    texts_of,
)

CANCEL = "cancel_pending_order"
MODIFY_ITEMS = "modify_pending_order_items"
MODIFY_PAYMENT = "modify_pending_order_payment"
MODIFY_ADDRESS = "modify_pending_order_address"
USER_ADDRESS = "modify_user_address"
RETURN = "return_delivered_order_items"
EXCHANGE = "exchange_delivered_order_items"

ON_PENDING = (CANCEL, MODIFY_ITEMS, MODIFY_PAYMENT, MODIFY_ADDRESS)
ON_DELIVERED = (RETURN, EXCHANGE)
ON_ORDERS = (*ON_PENDING, *ON_DELIVERED)
ON_ITEMS = (MODIFY_ITEMS, RETURN, EXCHANGE)
SWAPS = (MODIFY_ITEMS, EXCHANGE)
PAYING = (MODIFY_ITEMS, MODIFY_PAYMENT, RETURN, EXCHANGE)
ORDER = Kind("order", "order_id", "get_order_details", owner="user_id")
PROFILE = Kind("profile", "user_id", "get_user_details")
PRODUCT = Kind("product", "product_id", "get_product_details")

_NONE: JsonObject = {}


class Swap(NamedTuple):
    """One item of a call that changes items, with what is known of both sides."""

    old: JsonObject
    new: JsonObject
    """The variant; empty when its product was never looked up."""
    product: JsonObject


def order_of(case: Case) -> JsonObject:
    """Return the order that a call is about; empty when nobody looked it up."""
    return ORDER.of(case)


def orders(facts: Facts) -> Mapping[str, JsonObject]:
    return facts.known.get("order_id", {})


def user_id(facts: Facts) -> str:
    """Return the id of the user who was identified; empty when nobody was."""
    for done in facts.done:
        if done.call.name.startswith("find_user_id") and not done.is_error:
            return done.text.strip()
    return ""


def user(facts: Facts) -> JsonObject:
    """Return the profile of the identified user; empty when it was never looked up."""
    profiles = facts.known.get("user_id", {})
    return profiles.get(user_id(facts)) or next(iter(profiles.values()), _NONE)


def payment_methods(facts: Facts) -> dict[str, JsonObject]:
    """Return the user's payment methods by id."""
    methods = object_of(user(facts), "payment_methods")
    return {key: value for key, value in methods.items() if isinstance(value, dict)}


def original_payment(order: JsonObject) -> str:
    """Return the id of the payment method that an order was paid with; empty when unknown."""
    payments = objects_of(order, "payment_history")
    return text_of(payments[0], "payment_method_id") if payments else ""


def items(order: JsonObject) -> tuple[JsonObject, ...]:
    return objects_of(order, "items")


def item_of(order: JsonObject, item_id: str) -> JsonObject:
    """Return an item of an order; empty when the order does not hold it."""
    found = (item for item in items(order) if text_of(item, "item_id") == item_id)
    return next(found, _NONE)


def variants(product: JsonObject) -> Mapping[str, JsonObject]:
    """Return the variants of a product by item id."""
    found = object_of(product, "variants")
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def available(product: JsonObject) -> Iterator[JsonObject]:
    """Walk over the variants that can be had."""
    return (one for one in variants(product).values() if one.get("available") is True)


def swaps(case: Case) -> Iterator[Swap]:
    """Pair the old and new items of a call."""
    arguments = case.arguments
    order = order_of(case)
    products = case.facts.known.get("product_id", {})
    pairs = zip(texts_of(arguments, "item_ids"), texts_of(arguments, "new_item_ids"), strict=False)
    for old_id, new_id in pairs:
        old = item_of(order, old_id)
        product = products.get(text_of(old, "product_id"), {})
        yield Swap(old, variants(product).get(new_id, {}), product)


def options(item: JsonObject) -> dict[str, str]:
    """Return the options of an item or variant, in lower case."""
    return {k.lower(): str(v).lower() for k, v in object_of(item, "options").items()}


def price_difference(pairs: tuple[Swap, ...]) -> float | None:
    """Return what the user owes (positive) or gets back, in dollars; `None` when unknown."""
    if not pairs or any(not pair.new or not pair.old for pair in pairs):
        return None
    return sum(number_of(pair.new, "price") - number_of(pair.old, "price") for pair in pairs)


def describe(variant: JsonObject) -> str:
    """Return a variant as words for feedback."""
    chosen = ", ".join(f"{k} {v}" for k, v in object_of(variant, "options").items())
    return f"{text_of(variant, 'item_id')} ({chosen}, ${number_of(variant, 'price'):.2f})"
