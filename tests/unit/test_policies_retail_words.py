"""How users word what they want of items, orders and payments: wrong and right readings."""

import pytest

from tests.unit.test_policies_retail import LAMP, MODIFY, but, names, order
from tests.unit.test_policies_retail_wishes import BOTTLE, KNOWN, asks, bottle


@pytest.mark.parametrize(
    ("words", "wrong", "right"),
    [
        ("Change the water bottle for a black one with 750ml.", "200005", "200002"),
        ("Change the water bottle: 1000ml, but it needs to be black.", "200005", "200003"),
        ("Change the water bottle to one with 1000ml and black color.", "200005", "200003"),
    ],
)
def test_a_demanded_value_counts_even_if_the_old_item_has_it(
    words: str, wrong: str, right: str
) -> None:
    assert "named option missing" in names(asks(words), bottle(wrong))
    assert "named option missing" not in names(asks(words), bottle(right))


@pytest.mark.parametrize(
    "words",
    [
        "Change the black water bottle to a green one.",
        "Change my water bottle with black color for one in green.",
        "Change the water bottle from black to green.",
        "For my black water bottle, I want green.",
    ],
)
def test_a_value_that_describes_the_old_item_is_no_wish(words: str) -> None:
    assert "named option missing" not in names(asks(words), bottle("200004"))
    assert "named option missing" in names(asks(words), bottle("200002"))


def test_the_same_as_another_item_is_not_the_same_as_before() -> None:
    other = asks("Make the water bottle the same color as the one I received.")
    assert "named option missing" not in names(other, bottle("200004"))
    before = asks("Make the water bottle 1000ml, with the same color as before.")
    assert "named option missing" in names(before, bottle("200005"))


@pytest.mark.parametrize(
    "words",
    [
        "Upgrade all my items to the most expensive variants.",
        "I'd like everything in my order in the most expensive version available.",
        "Change the desk lamp and the water bottle: each of them to the most expensive one.",
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
