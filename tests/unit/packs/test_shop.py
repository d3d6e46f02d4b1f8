"""The shop's pack: each check with a wrong and a right case, and the documentation of it."""

from inspect import getsource
from pathlib import Path

import pytest
from pydantic import JsonValue

from sidecritic.envs.shop.benchmark import SPECS
from sidecritic.envs.shop.data import POLICY
from sidecritic.packs import pack_for, shop
from sidecritic.packs.shop import SHOP
from tests.talk import Talk, fired, sent_back

GUIDE = Path(__file__).parents[3] / "docs" / "policy-packs.md"
OMAR: dict[str, JsonValue] = {
    "customer_id": "C101",
    "email": "omar@example.com",
    "payment_methods": {"credit_card_5127": {}, "gift_card_3308": {}, "paypal_1122": {}},
    "orders": ["A1003"],
}
ORDER: dict[str, JsonValue] = {
    "order_id": "A1003",
    "customer_id": "C101",
    "status": "delivered",
    "delivered_on": "2025-06-05",
    "payment_method_id": "credit_card_5127",
    "items": [
        {"item_id": "20041", "name": "rain jacket", "price": 89.0, "final_sale": True},
        {"item_id": "20042", "name": "wool hat", "price": 24.0, "final_sale": False},
    ],
}
REFUND: dict[str, JsonValue] = {
    "order_id": "A1003",
    "item_ids": ["20042"],
    "payment_method_id": "credit_card_5127",
}


def talk(**order: JsonValue) -> Talk:
    """Return a talk in which the order is read and the refund of the hat is agreed to."""
    return (
        Talk(tools=SPECS, policy=POLICY)
        .agent("How can I help you?")
        .user("I am omar@example.com and want my money back for the wool hat in A1003.")
        .did("find_customer", OMAR, email="omar@example.com")
        .did("get_order", {**ORDER, **order}, order_id="A1003")
        .agent("I will refund 20042 of A1003 to credit_card_5127. Shall I go ahead?")
        .user("Yes, or to paypal_1122 or gift_card_3308, and 20041 too.")
    )


def test_a_refund_by_the_rules_passes_every_check() -> None:
    assert not fired(SHOP, talk().calls("refund_items", **REFUND))


@pytest.mark.parametrize(
    ("check", "order", "changes", "advice"),
    [
        ("not this customer's order", {"customer_id": "C103"}, {}, "C103"),
        ("not this customer's order", {}, {"order_id": "A1006"}, "look the order up"),
        ("final sale", {}, {"item_ids": ["20041"]}, "rain jacket"),
        ("too late", {"delivered_on": "2025-05-15"}, {}, "2025-05-15"),
        ("refund route", {}, {"payment_method_id": "paypal_1122"}, "credit_card_5127"),
    ],
)
def test_what_the_policy_forbids_is_sent_back_with_what_is_right(
    check: str, order: dict[str, JsonValue], changes: dict[str, JsonValue], advice: str
) -> None:
    findings = fired(SHOP, talk(**order).calls("refund_items", **{**REFUND, **changes}))
    assert advice in findings[check].feedback
    assert findings[check].risk >= 0.5


@pytest.mark.parametrize(
    ("check", "order", "changes"),
    [
        ("too late", {"delivered_on": "2025-05-16"}, {}),
        ("too late", {"delivered_on": None}, {}),
        ("refund route", {}, {"payment_method_id": "gift_card_3308"}),
        (
            "refund route",
            {"payment_method_id": "paypal_1122"},
            {"payment_method_id": "paypal_1122"},
        ),
    ],
)
def test_what_is_just_allowed_passes(
    check: str, order: dict[str, JsonValue], changes: dict[str, JsonValue]
) -> None:
    call = talk(**order).calls("refund_items", **{**REFUND, **changes})
    assert check not in fired(SHOP, call)


def test_a_refund_that_was_never_tried_is_no_reason_to_transfer() -> None:
    findings = fired(SHOP, talk().calls("transfer_to_human", summary="A request."))
    assert {"premature transfer", "transfer of what can be served"} <= set(findings)


def test_what_no_tool_can_do_is_transferred() -> None:
    asked = Talk(tools=SPECS, policy=POLICY).user(
        "I need an invoice in my company's name for order A1003."
    )
    found = asked.did("find_customer", OMAR, email="omar@example.com")
    assert not sent_back(SHOP, found.calls("transfer_to_human", summary="Needs an invoice."))


def test_the_pack_is_registered() -> None:
    assert pack_for("shop") is SHOP


def test_the_guide_shows_the_pack_as_it_is_and_in_less_than_fifty_lines() -> None:
    code = getsource(shop).split('"""\n\n', 1)[1]
    assert code in GUIDE.read_text(encoding="utf-8")
    assert len([line for line in code.splitlines() if line.strip()]) < 50
