"""Sentences that retail checks once misread: what they fire on, and what they leave alone."""

import pytest

from sidecritic.english.text import sentences
from sidecritic.packs.retail.pack import RETAIL
from tests.talk import fired
from tests.unit.packs.retail.test_pack import (
    CANCEL,
    MOVE,
    NEW,
    OLD,
    RETURN,
    TABLET,
    TALK,
    USER,
    Call,
    but,
    item,
    names,
    order,
)

DEAR = item("Desk Lamp", "700001", "100003", 95.0, color="black", power="usb")
PROFILE: Call = ("modify_user_address", {"user_id": "mia_li_1", **NEW})


def test_a_quotation_mark_behind_a_full_stop_ends_a_sentence_too() -> None:
    text = 'Cancel it with the reason "no longer needed." After that, do the rest.'
    assert len(sentences(text)) == 2
    assert len(sentences('The reason "no longer needed" is mine. So is "mistake".')) == 2
    assert len(sentences('Cancel it as "no longer needed" after that.')) == 1


def test_a_quoted_reason_belongs_to_the_order_before_it() -> None:
    other = order("#W1000003", "pending", TABLET)
    talk = TALK.did("get_order_details", other, order_id="#W1000003").user(
        'Yes, cancel #W1000003 with the reason "no longer needed." '
        "After that, cancel #W1000001, which I ordered by mistake."
    )
    assert "reason nobody gave" in names(talk, CANCEL)
    assert "reason nobody gave" not in names(talk, but(CANCEL, reason="ordered by mistake"))


@pytest.mark.parametrize(
    ("words", "wrong"),
    [
        ("Instead of the cheaper desk lamp, return the more expensive one.", True),
        ("Not the cheaper desk lamp: the more expensive one goes back.", True),
        ("Return the cheaper desk lamp instead of the more expensive one.", False),
    ],
)
def test_the_one_that_is_set_aside_is_not_the_one_that_is_meant(words: str, wrong: bool) -> None:
    other = order("#W1000003", "delivered", DEAR, TABLET)
    talk = TALK.did("get_order_details", other, order_id="#W1000003").user(words)
    talk = talk.agent("That is 100001 of #W1000002. Shall I proceed?").user("Yes, 100001.")
    found = fired(RETAIL, talk.calls(RETURN[0], **RETURN[1])).get("another order holds it too")
    assert (found is not None and (found.risk or 0) >= 0.35) is wrong


def test_a_listing_in_prose_is_used_up_by_the_call_that_carried_it_out() -> None:
    told = "\n".join(f"- {key}: {value}" for key, value in NEW.items() if value)
    asked = TALK.user("Change my default address.").agent(f"The new one:\n{told}\nShall I?")
    agreed = asked.user("Yes, please.")
    wrong = but(PROFILE, **OLD)
    assert "not as listed" in names(agreed, wrong)
    assert not {"not as listed", "unconfirmed write"} & names(agreed, PROFILE)
    ran = agreed.did(PROFILE[0], USER, **PROFILE[1]).agent("It is changed. Anything else?")
    back = ran.user("Then the original one again, it was right.")
    assert "not as listed" not in names(back, wrong)
    assert "unconfirmed write" in names(back, wrong)
    again = ran.user("The same for order #W1000001, please.")
    assert "unconfirmed write" not in names(again, MOVE)


def test_one_listing_may_cover_several_calls_of_a_tool() -> None:
    plan = "I cancel both.\n- Reason: no longer needed\nShall I proceed?"
    talk = TALK.user("Cancel #W1000001 and #W1000003.").agent(plan).user("Yes.")
    ran = talk.did(CANCEL[0], order("#W1000001", "cancelled"), **CANCEL[1])
    assert "unconfirmed write" not in names(ran, but(CANCEL, order_id="#W1000003"))


def test_an_id_alone_tells_nobody_what_is_in_an_order() -> None:
    other = order("#W1000003", "delivered", DEAR, TABLET)
    talk = TALK.did("get_order_details", other, order_id="#W1000003").user("Return my lamp.")
    for told, silent in (
        ("Your orders are #W1000001, #W1000002 and #W1000003. Which one?", False),
        ("#W1000003 holds a desk lamp too. Which one?", True),
        ("There is a desk lamp in #W1000003 too. Which one?", True),
        ("- #W1000002:\n  - Desk Lamp\n- #W1000003:\n  - Desk Lamp, black\nWhich one?", True),
        ("- #W1000002:\n  - Desk Lamp\n- #W1000003:\n  - Tablet\nWhich one?", False),
    ):
        asked = talk.agent(told).user("The first.").agent("Shall I proceed?").user("Yes.")
        assert ("another order holds it too" not in names(asked, RETURN)) is silent
