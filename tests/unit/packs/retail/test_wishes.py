"""What the user wants of items, orders and addresses, against the call: wrong and right cases."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest
from pydantic import JsonValue

from sidecritic.packs.retail.pack import RETAIL
from sidecritic.types import ToolResult
from tests.talk import Talk, fired
from tests.unit.packs.retail.test_pack import (
    BOARD,
    CANCEL,
    EXCHANGE,
    LAMP,
    MODIFY,
    OLD,
    RETURN,
    TABLET,
    TALK,
    Call,
    but,
    item,
    names,
    order,
    variant,
    wish,
)

BOTTLE = item("Water Bottle", "700004", "200001", 40.0, capacity="500ml", color="black")
BOTTLES: JsonValue = {
    "name": "Water Bottle",
    "product_id": "700004",
    "variants": {
        "200001": variant("200001", 40.0, available=False, capacity="500ml", color="black"),
        "200002": variant("200002", 45.0, capacity="750ml", color="black"),
        "200003": variant("200003", 50.0, capacity="1000ml", color="black"),
        "200004": variant("200004", 42.0, capacity="500ml", color="green"),
        "200005": variant("200005", 60.0, capacity="1000ml", color="green"),
    },
}
KNOWN = TALK.did(
    "get_order_details", order("#W1000001", "pending", BOTTLE, BOARD), order_id="#W1000001"
).did("get_product_details", BOTTLES, product_id="700004")


def bottle(new_id: str) -> Call:
    return but(MODIFY, item_ids=["200001"], new_item_ids=[new_id])


def asks(text: str, question: str = "Shall I proceed?", answer: str = "Yes, please.") -> Talk:
    return KNOWN.user(text).agent(question).user(answer)


@pytest.mark.parametrize(
    ("words", "wrong", "right", "check"),
    [
        (
            "Swap the water bottle for the cheapest available.",
            "200002",
            "200004",
            "not the dearest or cheapest",
        ),
    ],
)
def test_the_variant_that_the_words_call_for_is_told_from_others(
    words: str, wrong: str, right: str, check: str
) -> None:
    assert check in names(asks(words), bottle(wrong))
    assert check not in names(asks(words), bottle(right))


def test_an_option_that_was_spoken_of_anywhere_counts_until_another_is_announced() -> None:
    talk = asks("Could my water bottle come in green? Whatever, change the bottle.")
    assert "option spoken of missing" in names(talk, bottle("200002"))
    told = asks("Could my water bottle come in green?", "It would be black with 750ml. Proceed?")
    assert "option spoken of missing" not in names(told, bottle("200002"))


def test_what_the_most_expensive_item_costs_is_no_wish() -> None:
    talk = asks("I want the most expensive tablet. And I want the water bottle in green.")
    assert "not the dearest or cheapest" not in names(talk, bottle("200004")), "of another product"
    talk = asks("What is the most expensive item? I want the water bottle in green.")
    assert "not the dearest or cheapest" not in names(talk, bottle("200004"))


def test_a_change_that_leaves_the_order_above_the_users_limit_is_noticed() -> None:
    talk = asks("My budget is $241, so I want a cheaper order. Water bottle in green, please.")
    assert "over the user's limit" in names(talk, bottle("200004"))
    talk = asks("My budget is $245. Water bottle in green, please.")
    assert "over the user's limit" not in names(talk, bottle("200004"))


def test_the_same_product_in_another_order_makes_the_order_doubtful() -> None:
    twin = item("Desk Lamp", "700001", "100003", 95.0, color="black", power="usb")
    talk = TALK.did(
        "get_order_details", order("#W1000003", "delivered", twin, TABLET), order_id="#W1000003"
    )
    asked = talk.user("Return my black desk lamp.").agent("Proceed?").user("Yes.")
    assert "another order holds it too" in names(asked, RETURN)
    told = talk.user("Return the desk lamp of W1000002.").agent("Proceed?").user("Yes.")
    assert "another order holds it too" not in names(told, RETURN)


def test_an_announced_refund_of_one_item_is_not_consent_to_cancel_all() -> None:
    talk = wish(
        "I no longer need the skateboard, please cancel the skateboard.",
        "I cancel the skateboard and refund $200.00. Proceed?",
    )
    found = fired(RETAIL, talk.calls(CANCEL[0], **CANCEL[1]))["whole order cancelled"]
    assert found.risk == 0.4


def test_a_refusal_to_cancel_the_whole_order_is_no_wish_for_it() -> None:
    talk = wish(
        "Cancel only the skateboard, I no longer need it. I don't want to cancel the whole order."
    )
    assert "whole order cancelled" in names(talk, CANCEL)


def test_the_reason_for_another_order_is_not_the_reason_for_this_one() -> None:
    other = order("#W1000003", "pending", TABLET)
    talk = TALK.did("get_order_details", other, order_id="#W1000003")
    talk = talk.user(
        "I ordered the skateboard by mistake, cancel order #W1000001. "
        "Cancel order #W1000003 too: I no longer need the tablet."
    )
    talk = talk.agent("Shall I proceed?").user("Yes.")
    assert "reason nobody gave" in names(talk, CANCEL)
    right = but(CANCEL, reason="ordered by mistake")
    assert "reason nobody gave" not in names(talk, right)


def test_a_part_of_an_address_that_differs_from_its_record_is_noticed() -> None:
    profile: Call = ("modify_user_address", {"user_id": "mia_li_1", **OLD, "zip": "77035"})
    assert "address not as given" in names(wish("Correct my address, please."), profile)
    assert "address not as given" not in names(wish("My zip code is 77035."), profile)


def test_a_card_that_was_called_by_the_digits_of_another_is_noticed() -> None:
    two: JsonValue = {
        "user_id": "mia_li_1",
        "payment_methods": {
            "credit_card_1": {"source": "credit_card", "brand": "visa", "last_four": "6791"},
            "credit_card_2": {"source": "credit_card", "brand": "mastercard", "last_four": "8484"},
        },
    }
    talk = TALK.did("get_user_details", two, user_id="mia_li_1").user("The black desk lamp.")
    told = talk.agent("I use credit_card_2 (Visa ending in 6791). Proceed?").user("Yes.")
    call = but(EXCHANGE, payment_method_id="credit_card_2")
    assert "payment taken for another" in names(told, call)
    right = talk.agent("I use credit_card_2 (ending in 8484). Proceed?").user("Yes.")
    assert "payment taken for another" not in names(right, call)


@dataclass
class Shop:
    """Answers look-ups of orders and products, and remembers which were made."""

    records: dict[str, JsonValue]
    asked: list[str] = field(default_factory=list[str])

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        wanted = str(next(iter(arguments.values())))
        self.asked.append(wanted)
        found = self.records.get(wanted)
        text = "Error: not found" if found is None else json.dumps(found)
        return ToolResult(call_id="look", name=name, text=text, is_error=found is None)


def test_order_owner_products_and_other_orders_are_looked_up_before_judging() -> None:
    orders: JsonValue = ["#W1000001", "#W1000002"]
    shop = Shop(
        {
            "#W1000001": order("#W1000001", "pending", BOTTLE),
            "#W1000002": order("#W1000002", "delivered", LAMP),
            "mia_li_1": {"user_id": "mia_li_1", "orders": orders, "payment_methods": {}},
            "700004": BOTTLES,
        }
    )
    talk = Talk(tools=TALK.tools).user("The water bottle in green, please.").agent("Proceed?")
    call = bottle("200002")
    proposal = talk.user("Yes.").calls(call[0], **call[1]).model_copy(update={"look": shop})
    found = {finding.check for finding in asyncio.run(RETAIL.examined(proposal))}
    assert shop.asked[0] == "#W1000001"
    assert {"mia_li_1", "700004", "#W1000002"} <= set(shop.asked)
    assert "option spoken of missing" in found
    assert "order not looked up" in found
