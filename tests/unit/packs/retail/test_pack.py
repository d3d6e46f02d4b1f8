"""Each retail check, with a case that is wrong and one that is right."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.common import EVIDENCE
from sidecritic.packs.retail.pack import RETAIL
from tests.talk import Talk, fired, sent_back, specs

TOOLS = specs(
    "find_user_id_by_email get_user_details get_order_details get_product_details",
    "cancel_pending_order modify_pending_order_items modify_pending_order_payment "
    "modify_pending_order_address modify_user_address return_delivered_order_items "
    "exchange_delivered_order_items",
)
Call = tuple[str, dict[str, JsonValue]]


def address(street: str, zip_code: str) -> dict[str, JsonValue]:
    return {
        "address1": street,
        "address2": "",
        "city": "Houston",
        "state": "TX",
        "country": "USA",
        "zip": zip_code,
    }


OLD, NEW = address("760 Elm Avenue", "77034"), address("592 Elm Avenue", "77242")
USER: JsonValue = {
    "user_id": "mia_li_1",
    "address": OLD,
    "payment_methods": {
        "gift_card_1": {"source": "gift_card", "id": "gift_card_1", "balance": 20.0},
        "paypal_1": {"source": "paypal", "id": "paypal_1"},
        "credit_card_1": {
            "source": "credit_card",
            "id": "credit_card_1",
            "brand": "visa",
            "last_four": "6791",
        },
    },
    "orders": ["#W1000001", "#W1000002", "#W1000003"],
}


def item(name: str, product: str, item_id: str, price: float, **options: str) -> JsonValue:
    return {
        "name": name,
        "product_id": product,
        "item_id": item_id,
        "price": price,
        "options": dict(options),
    }


LAMP = item("Desk Lamp", "700001", "100001", 50.0, color="white", power="battery")
TABLET = item("Tablet", "700002", "100101", 500.0, size="7-inch")
BOARD = item("Skateboard", "700003", "100201", 200.0, deck="plastic")


def order(order_id: str, status: str, *items: JsonValue, **more: JsonValue) -> JsonValue:
    return {
        "order_id": order_id,
        "user_id": "mia_li_1",
        "address": OLD,
        "items": list(items),
        "status": status,
        "payment_history": [{"amount": 750.0, "payment_method_id": "credit_card_1"}],
        **more,
    }


def variant(item_id: str, price: float, *, available: bool = True, **options: str) -> JsonValue:
    return {"item_id": item_id, "price": price, "available": available, "options": dict(options)}


LAMPS: JsonValue = {
    "name": "Desk Lamp",
    "product_id": "700001",
    "variants": {
        "100001": variant("100001", 50.0, color="white", power="battery"),
        "100002": variant("100002", 60.0, color="black", power="battery"),
        "100003": variant("100003", 95.0, color="black", power="usb"),
        "100004": variant("100004", 99.0, available=False, color="red", power="usb"),
    },
}

TALK = (
    Talk(tools=TOOLS)
    .agent("Hi! How can I help you?")
    .user("Hello, I'm mia@example.com.")
    .did("find_user_id_by_email", "mia_li_1", email="mia@example.com")
    .did("get_user_details", USER, user_id="mia_li_1")
    .did("get_order_details", order("#W1000001", "pending", LAMP, BOARD), order_id="#W1000001")
    .did("get_order_details", order("#W1000002", "delivered", LAMP, TABLET), order_id="#W1000002")
    .did("get_product_details", LAMPS, product_id="700001")
)


def wish(text: str, question: str = "Shall I proceed?", answer: str = "Yes, please.") -> Talk:
    """Return the talk in which the user asks for something and agrees to a question."""
    return TALK.user(text).agent(question).user(answer)


CANCEL: Call = ("cancel_pending_order", {"order_id": "#W1000001", "reason": "no longer needed"})
RETURN: Call = (
    "return_delivered_order_items",
    {"order_id": "#W1000002", "item_ids": ["100001"], "payment_method_id": "credit_card_1"},
)
EXCHANGE: Call = (
    "exchange_delivered_order_items",
    {
        "order_id": "#W1000002",
        "item_ids": ["100001"],
        "new_item_ids": ["100002"],
        "payment_method_id": "credit_card_1",
    },
)
MODIFY: Call = ("modify_pending_order_items", {**EXCHANGE[1], "order_id": "#W1000001"})
PAYMENT: Call = (
    "modify_pending_order_payment",
    {"order_id": "#W1000001", "payment_method_id": "paypal_1"},
)
MOVE: Call = ("modify_pending_order_address", {"order_id": "#W1000001", **NEW})


def but(call: Call, **changes: JsonValue) -> Call:
    return call[0], {**call[1], **changes}


def names(talk: Talk, call: Call) -> set[str]:
    """Return the names of the checks that speak against a call."""
    return set(fired(RETAIL, talk.calls(call[0], **call[1])))


RETURNING = wish("I want to return the desk lamp, refund to my credit card.")
LAMP_WISH = wish("I'd like the desk lamp in black, please; use my credit card.")
MOVING = wish("Please send order #W1000001 to 592 Elm Avenue, Houston, TX 77242.")
CANCELLING = wish("Cancel the whole order #W1000001, I no longer need it.")


@pytest.mark.parametrize(
    ("talk", "call"),
    [
        (CANCELLING, CANCEL),
        (RETURNING, RETURN),
        (LAMP_WISH, EXCHANGE),
        (LAMP_WISH, MODIFY),
        (wish("Let me pay order #W1000001 with PayPal instead."), PAYMENT),
        (MOVING, MOVE),
    ],
)
def test_right_calls_pass_every_check(talk: Talk, call: Call) -> None:
    assert not names(talk, call)


UNKNOWN = (
    Talk(tools=TOOLS)
    .user("Cancel the whole order #W1000001.")
    .did("get_order_details", order("#W1000001", "pending", LAMP), order_id="#W1000001")
)


@pytest.mark.parametrize(
    ("check", "talk", "call"),
    [
        ("not authenticated", UNKNOWN, CANCEL),
        ("order not looked up", CANCELLING, but(CANCEL, order_id="#W1000003")),
        ("order not pending", CANCELLING, but(CANCEL, order_id="#W1000002")),
        ("order not delivered", RETURNING, but(RETURN, order_id="#W1000001")),
        ("reason not accepted", CANCELLING, but(CANCEL, reason="too expensive")),
        ("item not in the order", RETURNING, but(RETURN, item_ids=["100201"])),
        ("same item again", LAMP_WISH, but(EXCHANGE, new_item_ids=["100001"])),
        ("another product", LAMP_WISH, but(EXCHANGE, new_item_ids=["100101"])),
        ("variant not available", LAMP_WISH, but(EXCHANGE, new_item_ids=["100004"])),
        ("payment not the user's", RETURNING, but(RETURN, payment_method_id="paypal_9")),
        ("refund route", RETURNING, but(RETURN, payment_method_id="paypal_1")),
        (
            "payment unchanged",
            wish("Change the payment."),
            but(PAYMENT, payment_method_id="credit_card_1"),
        ),
        (
            "gift card balance",
            wish("Use my gift card for the black lamp."),
            but(EXCHANGE, new_item_ids=["100003"], payment_method_id="gift_card_1"),
        ),
        ("address unchanged", MOVING, but(MOVE, **OLD)),
        ("address of two halves", MOVING, but(MOVE, zip="77034", address1="592 Elm Avenue")),
        (
            "old and new address swapped",
            wish("My new address is where the tablet was sent."),
            but(MOVE, **NEW),
        ),
        (
            "whole order cancelled",
            wish("I want to cancel just the skateboard, I no longer need it."),
            CANCEL,
        ),
        ("reason nobody gave", wish("Cancel order #W1000001, I ordered it by mistake."), CANCEL),
        ("reason not asked", wish("Cancel the order #W1000001."), CANCEL),
        (
            "not the dearest or cheapest",
            wish("I want the most expensive desk lamp, on my visa."),
            EXCHANGE,
        ),
        (
            "another variant than announced",
            wish("A black lamp, please.", "Item 100003 for your visa. Shall I proceed?"),
            EXCHANGE,
        ),
        (
            "item left out",
            wish(
                "Please return the desk lamp and the tablet.",
                "I'll return the desk lamp and tablet to your card. Shall I proceed?",
            ),
            RETURN,
        ),
        ("payment nobody spoke of", wish("I'd like the desk lamp in black."), EXCHANGE),
    ],
)
def test_what_the_policy_or_the_user_does_not_want_is_noticed(
    check: str, talk: Talk, call: Call
) -> None:
    assert check in names(talk, call)


def test_a_record_of_another_user_is_noticed() -> None:
    foreign = order("#W1000009", "pending", LAMP, user_id="ann_ho_2")
    talk = TALK.did("get_order_details", foreign, order_id="#W1000009")
    assert "another user's record" in names(talk, but(CANCEL, order_id="#W1000009"))
    assert "another user's record" in names(
        TALK, ("modify_user_address", {"user_id": "ann_ho_2", **NEW})
    )


def test_items_are_modified_once() -> None:
    modified = order("#W1000001", "pending (item modified)", LAMP)
    talk = LAMP_WISH.did("modify_pending_order_items", modified, **MODIFY[1])
    assert "order not pending" in names(talk, but(MODIFY, new_item_ids=["100003"]))


def test_the_order_that_the_new_address_is_tied_to_gives_the_address() -> None:
    there = order("#W1000003", "pending", item("Luggage Set", "7", "8", 1.0), address=NEW)
    talk = TALK.did("get_order_details", there, order_id="#W1000003")
    talk = talk.user("My new address is the one of the luggage.").agent("Proceed?").user("Yes.")
    assert "old and new address swapped" not in names(talk, MOVE)
    away = but(MOVE, order_id="#W1000003", **OLD)
    assert "old and new address swapped" in names(talk, away)


def test_an_order_that_was_disclosed_as_a_whole_may_be_cancelled() -> None:
    talk = wish(
        "I want to cancel just the skateboard, I no longer need it.",
        "I can only cancel the entire order #W1000001. Shall I proceed?",
    )
    assert "whole order cancelled" not in names(talk, CANCEL)


def test_feedback_names_the_variant_that_fits_the_wish() -> None:
    talk = wish("I want the most expensive desk lamp, on my visa.")
    found = fired(RETAIL, talk.calls(EXCHANGE[0], **EXCHANGE[1]))
    assert "100003" in found["not the dearest or cheapest"].feedback


def test_a_call_whose_arguments_are_not_an_object_breaks_nothing() -> None:
    proposal = TALK.calls("cancel_pending_order")
    call = proposal.action.calls[0].model_copy(update={"arguments": None, "raw": "{"})
    action = proposal.action.model_copy(update={"calls": (call,)})
    assert fired(RETAIL, proposal.model_copy(update={"action": action}))


def test_an_exchange_for_the_same_is_noticed_where_nothing_else_changes() -> None:
    same = but(EXCHANGE, new_item_ids=["100001"])
    assert sent_back(RETAIL, LAMP_WISH.calls(same[0], **same[1]))
    more = but(EXCHANGE, item_ids=["100001", "100101"], new_item_ids=["100001", "100102"])
    assert "same item again" not in names(LAMP_WISH, more)


def test_what_the_tool_refuses_by_itself_is_told_and_left_to_the_tool() -> None:
    pending = but(RETURN, order_id="#W1000001")
    told = fired(RETAIL, RETURNING.calls(pending[0], **pending[1]))
    assert told["order not delivered"].risk == EVIDENCE


def test_what_real_runs_and_simulated_mistakes_both_support_refuses() -> None:
    delivered = but(CANCEL, order_id="#W1000002")
    assert "order not pending" in names(CANCELLING, delivered)
    assert sent_back(RETAIL, CANCELLING.calls(delivered[0], **delivered[1]))


def test_a_whole_order_cancelled_alone_is_told_and_not_refused() -> None:
    talk = wish("I only want to cancel the skateboard, nothing else.", "Shall I proceed?")
    told = fired(RETAIL, talk.calls(CANCEL[0], **CANCEL[1]))
    assert told["whole order cancelled"].risk < 0.5
