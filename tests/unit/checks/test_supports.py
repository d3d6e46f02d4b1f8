"""What speaks for a call, and what is silent about it because something is not known."""

import pytest

from sidecritic.packs.retail.pack import RETAIL
from sidecritic.packs.telecom.pack import TELECOM
from tests.talk import Talk, fired
from tests.unit.packs.airline.test_pack import (
    BAGS,
    BOOK,
    BOOKING,
    CANCEL,
    CERTIFICATE,
    DELAY,
    FLIGHTS,
    PLANS,
    TOOLS,
    Call,
    but,
    findings,
    pays,
    supports,
    talk,
)
from tests.unit.packs.retail import test_pack as retail
from tests.unit.packs.telecom import test_pack as telecom

LATE = talk(DELAY).did("get_flight_status", "delayed", flight_number="HAT001", date="2024-05-20")
STRANGER: Call = but(BOOK, user_id="ann_ho_1", total_baggages=2)
BY_GIFT_CARD: Call = but(
    BOOK, payment_methods=pays(("gift_card_1111111", 80), ("credit_card_4421486", 90))
)
UNKNOWN = Talk(tools=TOOLS).user("Two more bags, please.").agent("Shall I proceed?").user("Yes.")
SEEN = talk("The latest departure, please.")
NOT_SEEN = Talk(tools=TOOLS).user("The latest departure.").agent("Shall I proceed?").user("Yes.")
PRICED = talk("Another flight.", "The total difference is $40. Shall I proceed?")


@pytest.mark.parametrize(
    ("check", "known", "call", "unknown", "other"),
    [
        ("another number of bags than wanted", talk("Two more bags."), BAGS, UNKNOWN, BAGS),
        ("wrong number of paid bags", talk("Two more bags."), BAGS, talk("2 bags."), STRANGER),
        ("another price than announced", PRICED, FLIGHTS, NOT_SEEN, FLIGHTS),
        ("price does not add up", talk(BOOKING), BOOK, NOT_SEEN, BOOK),
        (
            "balance left unused",
            talk("Book HAT002, use up my gift card first."),
            BY_GIFT_CARD,
            talk("Book HAT002."),
            BY_GIFT_CARD,
        ),
        (
            "insurance against the wish",
            talk("Book HAT002, I don't want insurance."),
            BOOK,
            talk("Book HAT002. What does insurance cost?"),
            BOOK,
        ),
        (
            "more than the user's limit",
            talk("Book HAT002 if it costs at most $200."),
            BOOK,
            talk("Book HAT002."),
            BOOK,
        ),
        ("cancellation without grounds", talk(PLANS, cabin="business"), CANCEL, UNKNOWN, CANCEL),
        ("wrong compensation", LATE, CERTIFICATE, talk(DELAY), CERTIFICATE),
        (
            "payment not as announced",
            talk("Book it.", "HAT002 by credit_card_4421486. Shall I proceed?"),
            BOOK,
            talk("Book it."),
            BOOK,
        ),
        ("not the flights wanted", SEEN, FLIGHTS, NOT_SEEN, FLIGHTS),
    ],
)
def test_airline_what_is_known_to_be_right_counts_for_it_and_what_is_not_known_does_not(
    check: str, known: Talk, call: Call, unknown: Talk, other: Call
) -> None:
    assert check in supports(known, call)
    assert check not in findings(known, call)
    assert check not in supports(unknown, other)
    assert check not in findings(unknown, other)


EMPTY = telecom.talk("My data is used up on 555-123-2002.", data_used_gb=15.1)
UNREAD = Talk(tools=telecom.TOOLS).user("My data is used up.")


def test_telecom_a_request_for_a_bill_that_was_read_as_overdue_is_supported() -> None:
    read = telecom.OVERDUE.calls("send_payment_request", **telecom.REQUEST)
    assert fired(TELECOM, read)["bill not overdue"].sign < 0
    unread = telecom.talk().calls("send_payment_request", **telecom.REQUEST)
    assert fired(TELECOM, unread)["bill not overdue"].sign > 0


def test_telecom_data_for_a_line_that_has_used_its_own_up_are_supported() -> None:
    empty = EMPTY.calls("refuel_data", **telecom.REFUEL)
    assert fired(TELECOM, empty)["data not used up"].sign < 0
    unread = UNREAD.calls("refuel_data", **telecom.REFUEL)
    assert "data not used up" not in fired(TELECOM, unread)


async def test_telecom_only_bills_that_were_just_looked_up_speak_for_a_resumption() -> None:
    resume = telecom.PAID.calls("resume_line", **telecom.ON_LINE)
    assert "bill not paid" not in fired(TELECOM, resume)
    desk = telecom.Desk(telecom.bill("Paid"))
    found = await TELECOM.examined(resume.model_copy(update={"look": desk}))
    assert [one.sign for one in found if one.check == "bill not paid"] == [-1]


NAMED = "Cancel order #W1000001, I no longer need it."


@pytest.mark.parametrize(
    ("check", "known", "unknown"),
    [
        ("reason as given", retail.wish(NAMED), retail.wish("Cancel it, I no longer need it.")),
        (
            "listed and agreed to",
            retail.wish("Cancel it.", "Cancel #W1000001 as no longer needed. Shall I proceed?"),
            retail.wish("Cancel it."),
        ),
        ("the user's own words", retail.wish(NAMED), retail.wish("Cancel it.")),
    ],
)
def test_retail_what_the_user_named_or_agreed_to_counts_for_the_call(
    check: str, known: Talk, unknown: Talk
) -> None:
    name, arguments = retail.CANCEL
    assert fired(RETAIL, known.calls(name, **arguments))[check].sign < 0
    assert check not in fired(RETAIL, unknown.calls(name, **arguments))
