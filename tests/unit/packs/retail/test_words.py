"""How users word what they want of items, orders and payments: wrong and right readings."""

import pytest
from pydantic import JsonValue

from sidecritic.packs.retail.clauses import named_in
from sidecritic.packs.retail.pack import RETAIL
from tests.talk import fired
from tests.unit.packs.retail.test_pack import (
    CANCEL,
    EXCHANGE,
    LAMP,
    MODIFY,
    RETURN,
    TABLET,
    TALK,
    but,
    item,
    names,
    order,
    wish,
)
from tests.unit.packs.retail.test_wishes import BOTTLE, KNOWN


@pytest.mark.parametrize(
    "words",
    [
        "Upgrade all my items to the most expensive variants.",
        "I'd like everything in my order in the most expensive version available.",
    ],
)
def test_a_superlative_for_all_items_counts_for_each(words: str) -> None:
    both = order("#W1000001", "pending", LAMP, BOTTLE)
    talk = KNOWN.did("get_order_details", both, order_id="#W1000001").user(words)
    talk = talk.agent("Shall I proceed?").user("Yes.")
    call = but(MODIFY, item_ids=["100001", "200001"])
    dear = but(call, new_item_ids=["100003", "200005"])
    assert "not the dearest or cheapest" not in names(talk, dear)
    for lamp, flask in (("100002", "200005"), ("100003", "200003")):
        lesser = but(call, new_item_ids=[lamp, flask])
        assert "not the dearest or cheapest" in names(talk, lesser)


def test_what_holds_for_everything_else_is_no_wish_for_all() -> None:
    both = order("#W1000001", "pending", LAMP, BOTTLE)
    talk = KNOWN.did("get_order_details", both, order_id="#W1000001")
    talk = talk.user("The most expensive desk lamp. Keep everything else. The water bottle green.")
    talk = talk.agent("Shall I proceed?").user("Yes.")
    call = but(MODIFY, item_ids=["100001", "200001"], new_item_ids=["100003", "200004"])
    assert "not the dearest or cheapest" not in names(talk, call)


def test_a_payment_method_is_only_a_question_where_there_is_a_choice() -> None:
    words, told = "I'd like the desk lamp in black.", "I change the desk lamp to black. Proceed?"
    talk = wish(words, told)
    assert "payment nobody spoke of" in names(talk, EXCHANGE)
    card: JsonValue = {"credit_card_1": {"source": "credit_card", "id": "credit_card_1"}}
    single: JsonValue = {"user_id": "mia_li_1", "payment_methods": card}
    alone = TALK.did("get_user_details", single, user_id="mia_li_1")
    alone = alone.user(words).agent(told).user("Yes.")
    assert "payment nobody spoke of" not in names(alone, EXCHANGE)


def test_a_payment_method_is_chosen_by_the_user_or_listed_and_agreed_to() -> None:
    words = "I'd like the desk lamp in black."
    shown = TALK.agent("It was paid by credit card.").user(words)
    assumed = shown.agent("I change it to black. Proceed?").user("Yes.")
    assert "payment nobody spoke of" in names(assumed, EXCHANGE)
    for chosen in (
        wish(words, "I change it to black, paid by credit_card_1. Proceed?"),
        wish(words, "The difference goes to the original payment method. Proceed?"),
        wish(f"{words} I pay with my visa."),
    ):
        assert "payment nobody spoke of" not in names(chosen, EXCHANGE)


def test_a_reason_belongs_to_the_order_of_the_question() -> None:
    asked = TALK.user("Cancel my order, please.").agent("Why shall #W1000003 be cancelled?")
    talk = asked.user("I ordered it by mistake.").user("Cancel the order of the skateboard too.")
    assert "reason nobody gave" not in names(talk, CANCEL)
    asked = TALK.user("Cancel my order, please.").agent("Why shall #W1000001 be cancelled?")
    talk = asked.user("I ordered it by mistake.")
    assert "reason nobody gave" in names(talk, CANCEL)


def test_the_more_expensive_of_two_is_the_one_that_costs_more() -> None:
    dear = item("Desk Lamp", "700001", "100003", 95.0, color="black", power="usb")
    other = order("#W1000003", "delivered", dear, TABLET)
    seen = TALK.did("get_order_details", other, order_id="#W1000003")
    check = "another order holds it too"
    for price, wrong in (("more expensive", True), ("cheaper", False)):
        talk = seen.user(f"I have two desk lamps and want to return the {price} one.")
        talk = talk.agent("That is 100001 of #W1000002. Shall I proceed?").user("Yes, 100001.")
        found = fired(RETAIL, talk.calls(RETURN[0], **RETURN[1])).get(check)
        assert (found is not None and found.risk is not None and found.risk >= 0.35) is wrong


def test_the_last_word_about_the_dearer_or_cheaper_one_counts() -> None:
    dear = item("Desk Lamp", "700001", "100003", 95.0, color="black", power="usb")
    other = order("#W1000003", "delivered", dear, TABLET)
    seen = TALK.did("get_order_details", other, order_id="#W1000003")
    for first, last, wrong in (("more expensive", "cheaper", False), ("cheaper", "dearer", True)):
        talk = seen.user(f"I have two desk lamps and want to return the {first} one.")
        talk = talk.user(f"No, I want to return the {last} desk lamp.")
        talk = talk.agent("That is 100001 of #W1000002. Shall I proceed?").user("Yes, 100001.")
        found = fired(RETAIL, talk.calls(RETURN[0], **RETURN[1])).get("another order holds it too")
        assert (found is not None and found.risk is not None and found.risk >= 0.35) is wrong


def test_an_order_id_is_the_users_only_if_they_said_it_first() -> None:
    twin = item("Desk Lamp", "700001", "100003", 95.0, color="black", power="usb")
    other = order("#W1000003", "delivered", twin, TABLET)
    seen = TALK.did("get_order_details", other, order_id="#W1000003")
    repeated = seen.user("Return my black desk lamp.").agent("That of #W1000002?")
    repeated = repeated.user("Yes, that of #W1000002.")
    assert "another order holds it too" in names(repeated, RETURN)
    own = seen.user("Return my black desk lamp of #W1000002.").agent("Proceed?").user("Yes.")
    assert "another order holds it too" not in names(own, RETURN)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vacuum cleaner", "return the cleaner."),
        ("jigsaw puzzle", "return the jigsaw."),
        ("bookshelf", "return both bookshelves."),
        ("smart watch", "return my smartwatch."),
        ("t-shirt", "return two tshirts."),
    ],
)
def test_products_are_known_by_the_words_that_people_use(name: str, text: str) -> None:
    assert named_in(text, name)
    assert not named_in("return the tablet.", name)


def test_what_an_item_came_with_is_not_asked_for() -> None:
    told = "I return it to your card. Proceed?"
    talk = wish("Please return the desk lamp that came with the tablet.", told)
    assert "item left out" not in names(talk, RETURN)
    talk = wish("Please return the desk lamp together with the tablet.", told)
    assert "item left out" in names(talk, RETURN)


@pytest.mark.parametrize(
    "words",
    [
        "Keep the tablet. Just return the other items, the desk lamp.",
        "Please return the tablet and the desk lamp. As for the tablet, I won’t return it.",
    ],
)
def test_an_item_to_be_kept_is_not_left_out(words: str) -> None:
    assert "item left out" not in names(wish(words), RETURN)
    assert "item left out" in names(wish("Return the tablet and the desk lamp."), RETURN)


def test_the_other_items_are_not_the_item_before() -> None:
    talk = wish("Keep the tablet as it is. Return the other items.")
    assert "item left out" not in names(talk, RETURN)
    assert "item left out" in names(wish("It is the tablet. Return that item."), RETURN)
