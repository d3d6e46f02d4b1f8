"""What a retail user asked for and did not get is held against the state of the order."""

import pytest
from pydantic import JsonValue

from sidecritic.packs.retail.pack import RETAIL
from sidecritic.types import Proposal
from tests.talk import Talk, fired, specs

ALLOWED, FORBIDDEN = "allowed and not done", "not allowed, and not done"
TOOLS = specs(
    "find_user_id_by_email get_user_details get_order_details get_product_details",
    "cancel_pending_order modify_pending_order_items modify_pending_order_address "
    "modify_pending_order_payment return_delivered_order_items exchange_delivered_order_items "
    "modify_user_address",
)


def order(number: str, status: str, product: str) -> dict[str, JsonValue]:
    items: JsonValue = [{"name": product, "product_id": "1", "item_id": f"1{number}", "price": 5}]
    return {"order_id": f"#W{number}", "user_id": "mia_li_1", "status": status, "items": items}


def refused(text: str, *orders: dict[str, JsonValue]) -> Proposal:
    talk = Talk(tools=TOOLS).user(text)
    for one in orders:
        talk = talk.did("get_order_details", one, order_id=str(one["order_id"]))
    return (
        talk.agent("I'm sorry, I cannot do that.")
        .user("OK, thank you, that's all. Bye.")
        .says("You're welcome. Goodbye!")
    )


@pytest.mark.parametrize(
    ("text", "status", "name"),
    [
        ("Please cancel order #W1000001.", "pending", ALLOWED),
        ("Please cancel order #W1000001.", "processed", FORBIDDEN),
        ("I want to return the lamp.", "delivered", ALLOWED),
        ("I want to return the lamp.", "pending", FORBIDDEN),
    ],
)
def test_a_refusal_is_held_against_the_state_of_the_order(
    text: str, status: str, name: str
) -> None:
    found = fired(RETAIL, refused(text, order("1000001", status, "Lamp")))
    assert {ALLOWED, FORBIDDEN} & found.keys() == {name}
    assert ("nothing done" in found) is (name == ALLOWED)


def test_which_of_several_orders_is_meant_is_told_by_its_items() -> None:
    lamp, desk = order("1000001", "pending", "Lamp"), order("1000002", "delivered", "Desk")
    found = fired(RETAIL, refused("Please cancel the order with the lamp.", lamp, desk))
    assert "#W1000001" in found[ALLOWED].evidence


def test_where_the_order_is_not_told_nothing_is_said_to_be_allowed() -> None:
    lamp, desk = order("1000001", "pending", "Lamp"), order("1000002", "delivered", "Desk")
    found = fired(RETAIL, refused("Please cancel my order.", lamp, desk))
    assert not {ALLOWED, FORBIDDEN} & found.keys()
