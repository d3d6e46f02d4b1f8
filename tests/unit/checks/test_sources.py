"""Which messages a finding rests on: those that show the record, or hold the words."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Pack
from sidecritic.packs.retail.pack import RETAIL
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.types import Assistant, Proposal
from tests.talk import fired
from tests.unit.packs import rules
from tests.unit.packs.airline.test_pack import Call, but
from tests.unit.packs.retail import test_pack as retail
from tests.unit.packs.telecom import test_pack as telecom

RETURN_TO_PAYPAL = but(retail.RETURN, payment_method_id="paypal_1")
DEAREST = retail.wish("I want the most expensive desk lamp, on my visa.")
REFUELED = telecom.refueling().did("refuel_data", "done", **telecom.REFUEL)
OVER = "Refueling 1.5 GB costs $9.00. Shall I go ahead?"


def made(talk: retail.Talk, call: Call) -> Proposal:
    return talk.calls(call[0], **call[1])


def read(proposal: Proposal, positions: tuple[int, ...]) -> list[str]:
    """Return what stands in some messages of a proposal's history."""
    shown = (proposal.history[position] for position in positions)
    return [one.text for one in shown if one.text or not isinstance(one, Assistant)]


@pytest.mark.parametrize(
    ("pack", "check", "proposal", "words"),
    [
        (
            RETAIL,
            "order not pending",
            made(retail.TALK, but(retail.CANCEL, order_id="#W1000002")),
            ('"order_id": "#W1000002"',),
        ),
        (
            RETAIL,
            "order not delivered",
            made(retail.TALK, but(retail.RETURN, order_id="#W1000001")),
            ('"order_id": "#W1000001"',),
        ),
        (
            RETAIL,
            "item not in the order",
            made(retail.TALK, but(retail.RETURN, item_ids=["100201"])),
            ('"order_id": "#W1000002"',),
        ),
        (RETAIL, "refund route", made(retail.TALK, RETURN_TO_PAYPAL), ('"#W1000002"',)),
        (
            RETAIL,
            "payment not the user's",
            made(retail.TALK, but(retail.RETURN, payment_method_id="credit_card_9")),
            ('"payment_methods"',),
        ),
        (
            RETAIL,
            "repeated write",
            made(
                retail.wish("Cancel it.").did(retail.CANCEL[0], "ok", **retail.CANCEL[1]),
                retail.CANCEL,
            ),
            ("ok",),
        ),
        (
            RETAIL,
            "premature transfer",
            retail.wish("Cancel it.", "I will cancel #W1000001. Shall I proceed?").calls(
                "transfer_to_human_agents", summary="Wants to cancel."
            ),
            ("I will cancel",),
        ),
        (
            TELECOM,
            "contract ended",
            telecom.talk(contract_end_date="2025-01-31").calls("resume_line", **telecom.ON_LINE),
            ('"contract_end_date": "2025-01-31"',),
        ),
        (
            TELECOM,
            "another customer's record",
            telecom.talk().calls("resume_line", customer_id="C1001", line_id="L1999"),
            ('"line_ids"',),
        ),
        (
            TELECOM,
            "price not confirmed",
            telecom.refueling(OVER).calls("refuel_data", **telecom.REFUEL),
            ("costs $9.00", "Yes."),
        ),
        (
            TELECOM,
            "more data than allowed",
            REFUELED.calls("refuel_data", **telecom.REFUEL),
            ("done",),
        ),
        (
            TELECOM,
            "payment not verified",
            telecom.REQUESTED.says("The bill has been paid."),
            ("Payment request sent",),
        ),
    ],
)
def test_a_finding_names_the_messages_that_it_rests_on(
    pack: Pack, check: str, proposal: Proposal, words: tuple[str, ...]
) -> None:
    finding = fired(pack, proposal)[check]
    texts = read(proposal, finding.messages)
    assert len(texts) == len(words), texts
    assert all(part in text for part, text in zip(words, texts, strict=True)), texts
    assert finding.flag.messages == finding.messages


async def test_a_record_that_only_the_critic_has_read_is_in_no_message() -> None:
    start = telecom.Talk(tools=telecom.TOOLS, policy=rules.TELECOM).user(
        "No service on 555-123-2002."
    )
    known = start.did("get_customer_by_phone", telecom.ANA, phone_number="555-123-2002")
    resume = known.calls("resume_line", **telecom.ON_LINE)
    desk = telecom.Desk(telecom.line(contract_end_date="2025-01-31"))
    found = await TELECOM.examined(resume.model_copy(update={"look": desk}))
    assert [one.messages for one in found if one.check == "contract ended"] == [()]


def test_a_record_that_is_read_again_counts_where_it_is_as_it_is_now() -> None:
    cancelled: JsonValue = retail.order("#W1000001", "cancelled", retail.LAMP)
    again = retail.TALK.did("get_order_details", cancelled, order_id="#W1000001")
    proposal = made(again, retail.CANCEL)
    assert fired(RETAIL, proposal)["order not pending"].messages == (len(again.history) - 1,)
