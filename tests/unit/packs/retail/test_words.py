"""How users word what they want of items, orders and payments: wrong and right readings."""

import pytest

from sidecritic.packs.retail.clauses import named_in
from sidecritic.packs.retail.pack import RETAIL
from tests.talk import fired
from tests.unit.packs.retail.test_pack import (
    RETURN,
    TABLET,
    TALK,
    item,
    names,
    order,
)


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
