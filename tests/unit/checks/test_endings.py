"""Checks of the end of a conversation: omissions, refusals, hand-overs."""

import pytest
from pydantic import JsonValue

from sidecritic.checks import statements
from sidecritic.checks.base import Pack
from sidecritic.checks.endings import ENDINGS
from tests.talk import Talk, fired, sent_back, specs

PACK = Pack.of(
    "ends",
    *(*ENDINGS, statements),
    generic_tools={"transfer_to_human_agents"},
    synonyms=(("default", "user"),),
)
TOOLS = specs(
    "find_user get_order",
    "cancel_pending_order modify_pending_order_items modify_pending_order_address "
    "exchange_delivered_order_items return_delivered_order_items modify_user_address",
)
ORDER: JsonValue = {
    "order_id": "#W1111111",
    "status": "pending",
    "items": [
        {"name": "Lamp", "item_id": "1000001", "price": 30.5},
        {"name": "Backpack", "item_id": "1000002", "price": 20.25},
    ],
}
USER: JsonValue = {"user_id": "ann_1", "orders": ["#W1111111", "#W2222222"]}
BYE = "You're welcome! Have a great day!"
DONE = "That is done. Is there anything else I can help you with?"


def asking(*words: str) -> Talk:
    talk = Talk(tools=TOOLS)
    for one in words:
        talk = talk.user(one)
    return talk.did("get_order", ORDER, order_id="#W1111111")


def changing(talk: Talk, item: str = "1000001") -> Talk:
    name = "modify_pending_order_items"
    return talk.did(name, ORDER, order_id="#W1111111", item_ids=[item], new_item_ids=["1000009"])


LAMP = asking("Please change the lamp in my order to the blue one.")
BOTH = asking("Please change the lamp and the backpack in my order to blue ones.")
PLAN = "I will change the lamp in order #W1111111 to 1000009. Do you confirm (yes/no)?"
AGREED = LAMP.agent(PLAN).user("Yes, go ahead.")


def names(talk: Talk, words: str = DONE) -> set[str]:
    return {finding.check for finding in PACK.findings(talk.says(words))}


def handing(talk: Talk) -> set[str]:
    return set(fired(PACK, talk.calls("transfer_to_human_agents", summary="A request.")))


# --- what was asked for, or agreed to -------------------------------------------------------


def test_requests_are_counted_against_changes() -> None:
    many = asking(
        "I want to change the lamp in my order to a blue one.",
        "Also please change the shipping address, and change my default address too.",
        "And I would like to cancel another order.",
    )
    finding = fired(PACK, changing(many).says(DONE))["fewer deeds than requests"]
    assert finding.prior is not None
    assert finding.prior > 0.5
    assert "fewer deeds than requests" not in names(changing(LAMP))


# --- refusals, hand-overs, leaving ----------------------------------------------------------


def test_a_failed_call_is_no_reason_to_hand_over() -> None:
    failed = LAMP.failed("modify_pending_order_items", "Error: no such item", order_id="#W1111111")
    assert "handed over after an error" in handing(failed)
    assert "handed over after an error" not in handing(LAMP)


def test_a_yes_is_not_asked_for_twice() -> None:
    again = "Please confirm once more that I should proceed. Let me know if you need more help."
    assert "asks again for a yes" in names(AGREED, again)
    assert "asks again for a yes" not in names(LAMP.agent(PLAN).user("No, wait."), again)


def test_money_that_is_returned_is_no_return_of_goods() -> None:
    draft = "The refund has been returned to your card. Anything else?"
    assert "claim without a write" not in names(LAMP, draft)
    assert "claim without a write" in names(LAMP, "The lamp has been returned. Anything else?")


def test_an_empty_message_is_sent_back() -> None:
    assert "nothing said" in names(LAMP, "  ")
    assert sent_back(PACK, LAMP.says(""))


# --- how much a hint counts -----------------------------------------------------------------


@pytest.mark.parametrize("words", ["Which lamp do you mean?", PLAN])
def test_a_message_that_cannot_be_the_last_is_no_end(words: str) -> None:
    assert not names(LAMP, words)


def test_what_the_supervisor_refused_is_no_omission() -> None:
    refused = LAMP.refused("modify_pending_order_items", order_id="#W1111111")
    assert not PACK.findings(refused.says(DONE))


def test_hints_keep_their_risk_for_a_learned_head_and_send_nothing_back_alone() -> None:
    talk = LAMP
    for _ in range(3):
        talk = talk.agent("Which one?").user("Please modify the desk lamp.")
    again = talk.says(BYE)
    finding = fired(PACK, again)["asked again and again"]
    assert finding.flag.risk > 0.5 > finding.risk
    assert not sent_back(PACK, again)


def test_a_hint_counts_for_more_once_the_user_has_taken_leave() -> None:
    talk = LAMP
    for _ in range(3):
        talk = talk.agent("Which one?").user("Please modify the desk lamp.")
    done = talk.user("That's all I needed, goodbye!")
    early, late = (fired(PACK, one.says(BYE))["asked again and again"] for one in (talk, done))
    assert late.risk > early.risk
    assert late.flag.risk == early.flag.risk
