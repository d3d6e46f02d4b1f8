"""Checks that hold in every domain: consent, consistency, grounding, endings, statements."""

import pytest
from pydantic import JsonValue

from sidecritic.checks import common, statements
from sidecritic.checks.base import Pack
from sidecritic.checks.endings import ENDINGS
from tests.talk import Talk, fired, sent_back, specs

PACK = Pack.of("common", common, *ENDINGS, statements, generic_tools={"transfer_to_human_agents"})
TOOLS = specs("get_order_details", "cancel_pending_order return_items send_certificate")
ORDER: JsonValue = {
    "order_id": "#W1111111",
    "status": "pending",
    "items": [{"item_id": "1000001", "price": 46.5}, {"item_id": "1000002", "price": 20.25}],
}
ASKED = (
    Talk(tools=TOOLS)
    .agent("Hi! How can I help you?")
    .user("I want to cancel order #W1111111, I no longer need it.")
    .did("get_order_details", ORDER, order_id="#W1111111")
)
LISTED = ASKED.agent(
    "This is what I am going to do: cancel pending order.\n- order id: #W1111111\n"
    "- reason: no longer needed\nShall I go ahead? Please answer yes or no."
)
AGREED = LISTED.user("Yes, please go ahead.")
CANCEL: dict[str, JsonValue] = {"order_id": "#W1111111", "reason": "no longer needed"}
CANCELLED = AGREED.did(
    "cancel_pending_order", {"order_id": "#W1111111", "status": "cancelled"}, **CANCEL
)


def test_what_was_listed_and_agreed_to_passes_every_check() -> None:
    assert not fired(PACK, AGREED.calls("cancel_pending_order", **CANCEL))


def test_a_write_that_nobody_agreed_to_is_sent_back_with_its_listing() -> None:
    finding = fired(PACK, ASKED.calls("cancel_pending_order", **CANCEL))["unconfirmed write"]
    assert "#W1111111" in finding.feedback
    assert "ask for a yes" in finding.feedback


@pytest.mark.parametrize(
    "answer", ["No, please don't do that.", "No, do not cancel it.", "Hm, I have to think."]
)
def test_a_no_is_no_consent(answer: str) -> None:
    talk = LISTED.user(answer)
    assert sent_back(PACK, talk.calls("cancel_pending_order", **CANCEL))


def test_a_user_who_asks_for_what_was_spoken_of_is_not_made_to_ask_again() -> None:
    talk = ASKED.agent("You are Ana Ruiz. The order came to $66.75.").user("Cancel it at once!")
    silent = talk.calls("cancel_pending_order", **CANCEL)
    assert sent_back(PACK, silent)
    spoken = ASKED.agent("The first of them is 1111111.").user("A pity. Cancel what I ordered!")
    told = fired(PACK, spoken.calls("cancel_pending_order", order_id="#1111111"))
    assert told["unconfirmed write"].risk == common.EVIDENCE


def test_a_claim_refuses_where_nothing_was_written_and_is_evidence_elsewhere() -> None:
    claim = "Your items have been returned."
    assert sent_back(PACK, ASKED.says(claim))
    after = fired(PACK, CANCELLED.says(claim))["claim without a write"]
    assert after.risk == common.EVIDENCE


def test_asking_for_the_deed_with_the_record_in_view_is_consent() -> None:
    talk = ASKED.agent("I found order #W1111111 with two items.").user("Great, cancel it then.")
    assert "unconfirmed write" not in fired(PACK, talk.calls("cancel_pending_order", **CANCEL))


def test_a_listing_is_used_up_when_its_call_has_run() -> None:
    proposal = CANCELLED.calls("return_items", order_id="#W1111111", item_ids=["1000001"])
    assert "unconfirmed write" in fired(PACK, proposal)


def test_a_listing_does_not_cover_another_tool() -> None:
    proposal = AGREED.calls("return_items", order_id="#W1111111")
    assert "unconfirmed write" in fired(PACK, proposal)


def test_a_plan_in_prose_covers_all_its_calls() -> None:
    talk = ASKED.agent(
        "I will cancel order #W1111111 and return item 1000001. Would you like me to proceed?"
    ).user("Yes.")
    done = talk.did("cancel_pending_order", {"order_id": "#W1111111"}, **CANCEL)
    assert "unconfirmed write" not in fired(PACK, done.calls("return_items", item_ids=["1000001"]))


def test_a_value_that_differs_from_the_listing_is_named_with_the_right_one() -> None:
    proposal = AGREED.calls("cancel_pending_order", **{**CANCEL, "reason": "ordered by mistake"})
    finding = fired(PACK, proposal)["not as listed"]
    assert "no longer needed" in finding.feedback
    assert finding.call_id == proposal.action.calls[0].id


def test_an_id_from_nowhere_is_noticed_and_one_of_a_tool_is_not() -> None:
    made_up = AGREED.calls("return_items", order_id="#W1111111", item_ids=["9999999"])
    shown = AGREED.calls("return_items", order_id="#W1111111", item_ids=["1000001"])
    assert "made-up id" in fired(PACK, made_up)
    assert "made-up id" not in fired(PACK, shown)


def test_a_number_is_no_id() -> None:
    assert "made-up id" not in fired(PACK, AGREED.calls("send_certificate", amount=12345))


def test_a_call_that_ran_before_is_not_repeated() -> None:
    assert "repeated write" in fired(PACK, CANCELLED.calls("cancel_pending_order", **CANCEL))
    assert "repeated write" not in fired(PACK, AGREED.calls("cancel_pending_order", **CANCEL))


def test_a_goodbye_after_a_yes_without_a_deed_is_an_omission() -> None:
    goodbye = "Is there anything else I can help you with?"
    assert "plan not carried out" in fired(PACK, AGREED.says(goodbye))
    assert "plan not carried out" not in fired(PACK, CANCELLED.says(goodbye))


def test_what_the_supervisor_refused_is_not_held_against_the_goodbye() -> None:
    talk = AGREED.refused("cancel_pending_order", **CANCEL)
    assert not fired(PACK, talk.says("Is there anything else I can help you with?"))


def test_saying_that_it_cannot_be_done_is_no_omission() -> None:
    draft = "Unfortunately that is not possible. Is there anything else I can help you with?"
    assert "plan not carried out" not in fired(PACK, AGREED.says(draft))
    assert not sent_back(PACK, AGREED.says(draft))


@pytest.mark.parametrize(
    "draft",
    [
        "Your order #W1111111 has been cancelled.",
        "I've successfully cancelled it for you.",
        "I have also added a voucher of $50 to your account.",
    ],
)
def test_a_deed_that_nobody_did_may_not_be_claimed(draft: str) -> None:
    assert "claim without a write" in fired(PACK, ASKED.says(draft))


@pytest.mark.parametrize(
    "draft",
    [
        "Your order #W1111111 has been cancelled.",
        "The status has been updated to cancelled.",
    ],
)
def test_a_deed_that_was_done_may_be_claimed(draft: str) -> None:
    assert "claim without a write" not in fired(PACK, CANCELLED.says(draft))


@pytest.mark.parametrize(
    "draft",
    [
        "Once it has been cancelled, you get a refund.",
        "Your order has not been cancelled.",
        "It will be refunded after it has been cancelled.",
    ],
)
def test_speaking_of_a_deed_is_not_claiming_it(draft: str) -> None:
    assert "claim without a write" not in fired(PACK, ASKED.says(draft))


def test_a_claim_about_another_record_than_the_one_changed_is_false() -> None:
    talk = CANCELLED.did("get_order_details", {"order_id": "#W2222222"}, order_id="#W2222222")
    assert "claim without a write" in fired(PACK, talk.says("Order #W2222222 has been cancelled."))


def test_a_transfer_of_what_was_never_tried_is_premature() -> None:
    proposal = ASKED.calls("transfer_to_human_agents", summary="A request.")
    assert "transfer of what can be served" in fired(PACK, proposal)


@pytest.mark.parametrize(
    "talk",
    [
        ASKED.user("I want to talk to a human."),
        ASKED.agent("I'm sorry, I cannot do that.").user("Then what?"),
        CANCELLED,
    ],
)
def test_a_transfer_with_a_reason_passes(talk: Talk) -> None:
    assert not sent_back(PACK, talk.calls("transfer_to_human_agents", summary="A request."))


def test_a_transfer_after_a_yes_breaks_the_promise() -> None:
    proposal = AGREED.calls("transfer_to_human_agents", summary="A request.")
    assert "premature transfer" in fired(PACK, proposal)


BOOKER = Talk(tools=specs("get_user get_reservation", "book_reservation cancel_reservation"))
SILVA: JsonValue = {"first_name": "Sophia", "last_name": "Silva", "dob": "1957-10-05"}
SMITH: JsonValue = {"first_name": "Kevin", "last_name": "Smith", "dob": "2001-04-12"}
MOORE: JsonValue = {"first_name": "Sophia", "last_name": "Moore", "dob": "1957-10-05"}
YOUNGER: JsonValue = {"first_name": "Kevin", "last_name": "Smith", "dob": "2001-04-13"}
PAID: JsonValue = {"payment_id": "gift_card_7359776", "amount": 348}
LABELLED = "first name Sophia, last name Silva, dob 1957-10-05; first name Kevin, last name Smith, "


@pytest.mark.parametrize(
    ("label", "listed", "right", "wrong"),
    [
        ("passengers", LABELLED + "dob 2001-04-12", [SILVA, SMITH], [MOORE, SMITH]),
        ("passengers", LABELLED + "dob 2001-04-12", [SMITH, SILVA], [SILVA, YOUNGER]),
        ("passengers", "Sophia Silva (born 1957-10-05)", [SILVA], [MOORE]),
        ("passengers", "Sophia Silva and Kevin Smith", [SILVA, YOUNGER], [MOORE, SMITH]),
        ("passengers", "Kevin, 2001-04-12", [SMITH], [YOUNGER]),
        ("passengers", "Sophia and her friend Kevin", [MOORE, SMITH], None),
        ("passengers", "two", [MOORE, YOUNGER], None),
        ("passengers", "last name Silva for both", [MOORE, SMITH], None),
        (
            "flights",
            "HAT271 on 2024-05-26",
            [{"flight_number": "HAT271", "date": "2024-05-26"}],
            [{"flight_number": "HAT271", "date": "2024-05-27"}],
        ),
        (
            "payment methods",
            "payment id gift_card_7359776, amount $348.00",
            [PAID],
            [{"payment_id": "gift_card_7359776", "amount": 384}],
        ),
    ],
)
def test_the_parts_of_a_list_are_compared_as_far_as_the_listing_gives_them(
    label: str, listed: str, right: JsonValue, wrong: JsonValue
) -> None:
    agreed = BOOKER.user("Book it.").agent(f"Book:\n- {label}: {listed}\nShall I proceed?")
    argument = label.replace(" ", "_")
    for value, fires in ((right, False), (wrong, True)):
        if value is not None:
            proposal = agreed.user("Yes.").calls("book_reservation", **{argument: value})
            assert ("not as listed" in fired(PACK, proposal)) == fires


@pytest.mark.parametrize(
    ("wish", "tool"),
    [
        ("I want to book a table for my friend.", "book_table"),
        ("Please add two more checked bags.", "update_reservation_baggages"),
        ("Can you correct the name of a passenger?", "update_reservation_passengers"),
        ("I want my money back for the toaster.", "refund_items"),
        ("I'd like to return all of it.", "return_delivered_order_items"),
    ],
)
def test_a_wish_that_a_tool_serves_is_no_reason_to_transfer(wish: str, tool: str) -> None:
    check = "transfer of what can be served"
    able, unable = (Talk(tools=specs("get_it", name)).user(wish) for name in (tool, "do_other"))
    assert check in fired(PACK, able.calls("transfer_to_human_agents", summary="A request."))
    assert check not in fired(PACK, unable.calls("transfer_to_human_agents", summary="A request."))


def test_only_a_failure_that_lasts_is_a_reason_to_transfer() -> None:
    tools = specs("find_user_id_by_name_zip find_user_id_by_email", "cancel_pending_order")
    asked = Talk(tools=tools).user("Please cancel my order.")
    lost = asked.failed("find_user_id_by_name_zip", "Error: not found", zip="1")
    found = lost.did("find_user_id_by_email", "mia_li_1", email="m@x.org")
    check = "transfer of what can be served"
    assert check not in fired(PACK, lost.calls("transfer_to_human_agents", summary="A request."))
    assert check in fired(PACK, found.calls("transfer_to_human_agents", summary="A request."))


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("I absolutely do not want to be transferred to a human agent.", False),
        ("Please don't transfer me to a real person.", False),
        ("I don't know. Let me speak to a human.", True),
        ("This doesn't help me, get me a supervisor.", True),
    ],
)
def test_asking_to_be_spared_a_person_is_not_asking_for_one(words: str, wanted: bool) -> None:
    proposal = ASKED.user(words).calls("transfer_to_human_agents", summary="A request.")
    assert ("transfer of what can be served" in fired(PACK, proposal)) != wanted
