"""Each telecom check, with a case that is wrong and one that is right."""

import json

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.critics.policy import noisy_or
from sidecritic.packs import pack_for
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.types import Proposal, ToolResult
from tests.talk import Talk, fired, specs
from tests.unit.packs import rules

TOOLS = specs(
    "get_customer_by_phone get_details_by_id get_bills_for_customer get_data_usage",
    "suspend_line resume_line send_payment_request enable_roaming disable_roaming refuel_data",
)
ANA: dict[str, JsonValue] = {
    "customer_id": "C1001",
    "full_name": "Ana Ruiz",
    "phone_number": "555-123-2002",
    "line_ids": ["L1001", "L1002"],
    "bill_ids": ["B1001", "B1002"],
}
PLAN: dict[str, JsonValue] = {
    "plan_id": "P1002",
    "name": "Premium",
    "data_limit_gb": 15.0,
    "data_refueling_price_per_gb": 2.0,
}
ON_LINE: dict[str, JsonValue] = {"customer_id": "C1001", "line_id": "L1002"}
REFUEL: dict[str, JsonValue] = {**ON_LINE, "gb_amount": 1.5}
REQUEST: dict[str, JsonValue] = {"customer_id": "C1001", "bill_id": "B1001"}


def line(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "line_id": "L1002",
        "phone_number": "555-123-2002",
        "status": "Suspended",
        "plan_id": "P1002",
        "data_used_gb": 8.0,
        "data_refueling_gb": 0.0,
        "roaming_enabled": False,
        "contract_end_date": "2026-12-31",
        **changes,
    }


def bill(status: str, bill_id: str = "B1001") -> dict[str, JsonValue]:
    return {"bill_id": bill_id, "customer_id": "C1001", "total_due": 65.0, "status": status}


def talk(text: str = "I have no service on 555-123-2002.", **changes: JsonValue) -> Talk:
    """Return a talk in which customer, line and plan were looked up."""
    return (
        Talk(tools=TOOLS, policy=rules.TELECOM)
        .user(text)
        .did("get_customer_by_phone", ANA, phone_number="555-123-2002")
        .did("get_details_by_id", line(**changes), id="L1002")
        .did("get_details_by_id", PLAN, id="P1002")
    )


def billed(*states: JsonValue, base: Talk | None = None) -> Talk:
    return (base or talk()).did("get_bills_for_customer", list(states), customer_id="C1001")


OVERDUE = billed(bill("Overdue"), bill("Paid", "B1002"))
REQUESTED = OVERDUE.did("send_payment_request", "Payment request sent", **REQUEST)
PAID = REQUESTED.did("get_details_by_id", bill("Paid"), id="B1001")
ABROAD = talk("I am in France, 555-123-2002, and my mobile data is slow.")
OFFER = "Refueling 1.5 GB costs $3.00. Shall I go ahead?"


def refueling(offer: str = OFFER) -> Talk:
    empty = talk("My data is used up on 555-123-2002.", data_used_gb=15.1)
    asked = empty.agent("How much?").user("1.5 GB, please.")
    return asked.agent(offer).user("Yes.")


RIGHT = {
    "resume": PAID.calls("resume_line", **ON_LINE),
    "request": OVERDUE.calls("send_payment_request", **REQUEST),
    "refuel": refueling().calls("refuel_data", **REFUEL),
    "roaming": ABROAD.calls("enable_roaming", **ON_LINE),
    "no roaming": talk("Please turn off roaming on 555-123-2002.").calls(
        "disable_roaming", **ON_LINE
    ),
    "suspension": talk("I lost my phone, 555-123-2002.").calls("suspend_line", **ON_LINE),
    "verified": PAID.says("The bill has been paid. Shall I resume the line?"),
    "announced": REQUESTED.says("Once the payment has been received, I will resume the line."),
    "person": talk("I have no service and want to talk to a human.").calls(
        "transfer_to_human_agents", summary="Wants a person."
    ),
    "locked SIM": talk()
    .agent("Please check your SIM card.")
    .user("It is locked with a PIN.")
    .calls("transfer_to_human_agents", summary="SIM locked."),
    "ended": billed(bill("Paid"), base=talk(contract_end_date="2025-01-31")).calls(
        "transfer_to_human_agents", summary="The contract has ended."
    ),
}


@pytest.mark.parametrize("case", RIGHT)
def test_what_the_policy_allows_passes_every_check(case: str) -> None:
    assert not TELECOM.findings(RIGHT[case])


ELSEWHERE = talk("I have no service on 555-123-2002.").did(
    "get_details_by_id", line(line_id="L1001", phone_number="555-123-2001"), id="L1001"
)
WRONG = {
    "customer not identified": (
        Talk(tools=TOOLS, policy=rules.TELECOM)
        .user("I am abroad.")
        .calls("enable_roaming", **ON_LINE),
        "Look them up by phone number",
    ),
    "another customer's record": (
        ABROAD.calls("enable_roaming", customer_id="C1001", line_id="L1999"),
        "L1001, L1002",
    ),
    "line of another number": (
        ELSEWHERE.calls("enable_roaming", customer_id="C1001", line_id="L1001"),
        "Use L1002",
    ),
    "contract ended": (
        billed(bill("Paid"), base=talk(contract_end_date="2025-01-31")).calls(
            "resume_line", **ON_LINE
        ),
        "transfer them",
    ),
    "bill not paid": (OVERDUE.calls("resume_line", **ON_LINE), "send a payment request"),
    "bill not overdue": (
        OVERDUE.calls("send_payment_request", customer_id="C1001", bill_id="B1002"),
        "Overdue: B1001",
    ),
    "payment request still open": (
        billed(bill("Overdue", "B1002"), base=REQUESTED).calls(
            "send_payment_request", customer_id="C1001", bill_id="B1002"
        ),
        "B1001 still awaits payment",
    ),
    "payment not verified": (REQUESTED.says("Great, the bill has been paid!"), "Look it up"),
    "more data than allowed": (
        refueling().calls("refuel_data", **{**ON_LINE, "gb_amount": 2.5}),
        "Offer 2 GB",
    ),
    "amount of data not asked": (
        refueling().calls("refuel_data", **{**ON_LINE, "gb_amount": 1.0}),
        "how much data",
    ),
    "price not confirmed": (
        refueling("Refueling 1.5 GB costs $5.00. Shall I go ahead?").calls("refuel_data", **REFUEL),
        "3.00 dollars",
    ),
    "suspension without a reason": (
        talk().calls("suspend_line", **ON_LINE),
        "Do not suspend",
    ),
    "transfer of an unknown customer": (
        Talk(tools=TOOLS, policy=rules.TELECOM)
        .user("I have no service.")
        .calls("transfer_to_human_agents", summary="?"),
        "solve their problem",
    ),
    "transfer with remedies left": (
        ABROAD.calls("transfer_to_human_agents", summary="No data."),
        "is not roaming enabled: enable it",
    ),
}


@pytest.mark.parametrize("check", WRONG)
def test_what_the_policy_forbids_is_sent_back_with_what_is_right(check: str) -> None:
    proposal, advice = WRONG[check]
    finding = fired(TELECOM, proposal)[check]
    assert advice in finding.feedback
    assert finding.risk >= 0.5


def test_a_payment_that_only_the_user_reports_is_a_hint() -> None:
    talk = REQUESTED.user("I have made the payment.")
    assert fired(TELECOM, talk.calls("resume_line", **ON_LINE))["bill not paid"].risk < 0.5


def test_a_line_is_read_before_it_is_resumed_and_paid_bills_alone_do_not_do() -> None:
    unread = (
        Talk(tools=TOOLS, policy=rules.TELECOM)
        .user("No service on 555-123-2002.")
        .did("get_customer_by_phone", ANA, phone_number="555-123-2002")
    )
    hint = fired(TELECOM, billed(bill("Paid"), base=unread).calls("resume_line", **ON_LINE))
    assert list(hint) == ["line not looked up"]
    assert hint["line not looked up"].risk < 0.5
    both = fired(TELECOM, unread.calls("resume_line", **ON_LINE))
    assert noisy_or(finding.risk for finding in both.values()) >= 0.5


def test_a_bill_that_nobody_looked_up_is_not_known_to_be_overdue() -> None:
    finding = fired(TELECOM, talk().calls("send_payment_request", **REQUEST))["bill not overdue"]
    assert "never looked up" in finding.feedback
    assert finding.risk >= 0.5


def test_refueling_twice_counts_together() -> None:
    done = refueling().did("refuel_data", {"charge": "3.0"}, **REFUEL)
    finding = fired(TELECOM, done.calls("refuel_data", **{**ON_LINE, "gb_amount": 1.0}))
    assert "Offer 0.5 GB" in finding["more data than allowed"].feedback


def test_data_without_a_yes_is_not_refueled() -> None:
    asked = talk("My data is used up on 555-123-2002. I would take 1.5 GB.")
    finding = fired(TELECOM, asked.calls("refuel_data", **REFUEL))["price not confirmed"]
    assert (finding.risk, "3.00 dollars" in finding.feedback) == (0.7, True)


def test_a_line_that_roams_already_is_left_alone() -> None:
    roams = talk("I am abroad, 555-123-2002, without data.", roaming_enabled=True)
    found = fired(TELECOM, roams.calls("enable_roaming", **ON_LINE))
    assert "Nothing would change" in found["roaming enabled already"].feedback


def test_an_overdue_bill_is_settled_before_a_transfer_once_the_sim_card_was_seen() -> None:
    unseen = OVERDUE.calls("transfer_to_human_agents", summary="No service.")
    seen = OVERDUE.agent("Please check your SIM card and airplane mode.").user("All is well.")
    sure = seen.calls("transfer_to_human_agents", summary="No service.")
    check = "transfer with remedies left"
    assert fired(TELECOM, unseen)[check].risk < 0.5 < fired(TELECOM, sure)[check].risk
    assert "B1001" in fired(TELECOM, sure)[check].feedback


ALL_TRIED = (
    "Please check airplane mode, the mobile data switch, data saver, the VPN and the network "
    "mode, and that data roaming is on."
)


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({"roaming_enabled": True}, ""),
        ({"roaming_enabled": False}, "enable it"),
        ({"roaming_enabled": True, "data_used_gb": 15.1}, "refuel"),
        ({"roaming_enabled": True, "phone_number": "555-123-2999"}, "look up the user's line"),
    ],
)
def test_a_transfer_comes_after_the_last_remedy(changes: dict[str, JsonValue], left: str) -> None:
    tried = talk("I am abroad, 555-123-2002: no mobile data.", **changes).agent(ALL_TRIED)
    proposal = tried.user("Done.").calls("transfer_to_human_agents", summary="No data.")
    finding = fired(TELECOM, proposal).get("transfer with remedies left")
    assert (finding is None) == (not left)
    assert finding is None or left in finding.feedback


def test_the_data_limit_is_read_off_the_usage_too() -> None:
    usage: JsonValue = {"line_id": "L1002", "data_used_gb": "15.1", "data_limit_gb": "15.0"}
    asked = (
        Talk(tools=TOOLS, policy=rules.TELECOM)
        .user("My mobile data on 555-123-2002 is slow.")
        .did("get_customer_by_phone", ANA, phone_number="555-123-2002")
        .did("get_details_by_id", line(data_used_gb=15.1), id="L1002")
        .did("get_data_usage", usage, customer_id="C1001", line_id="L1002")
        .agent(ALL_TRIED)
        .user("Done.")
    )
    finding = fired(TELECOM, asked.calls("transfer_to_human_agents", summary="No data."))
    assert "15.1 of 15 GB" in finding["transfer with remedies left"].feedback


def test_mms_has_remedies_of_its_own() -> None:
    mms = talk("I cannot send picture messages from 555-123-2002.")
    finding = fired(TELECOM, mms.calls("transfer_to_human_agents", summary="No MMS."))
    assert "storage permission" in finding["transfer with remedies left"].feedback


def test_the_pack_is_registered() -> None:
    assert pack_for("tau2:telecom") is TELECOM


class Desk:
    """Answers look-ups by the id that is asked for."""

    def __init__(self, *records: JsonValue) -> None:
        self.records = {
            str(next(iter(one.values()))): one for one in records if isinstance(one, dict)
        }

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        found = [self.records[i] for i in map(str, arguments.values()) if i in self.records]
        bills = [one for key, one in self.records.items() if key.startswith("B")]
        value = bills if name == "get_bills_for_customer" else found[0] if found else None
        text = json.dumps(value)
        return ToolResult(call_id="look", name=name, text=text, is_error=value is None)


async def looked(proposal: Proposal, *records: JsonValue) -> dict[str, Finding]:
    """Return what speaks against an action once the pack could look records up."""
    proposal = proposal.model_copy(update={"look": Desk(*records)})
    return {one.check: one for one in await TELECOM.examined(proposal)}


async def test_a_bill_that_the_agent_never_read_is_looked_up() -> None:
    request = talk().calls("send_payment_request", **REQUEST)
    unread = await looked(request, bill("Overdue"))
    assert unread["bill not overdue"].risk < 0.5
    paid = await looked(request, bill("Paid"))
    assert paid["bill not overdue"].risk > 0.5


async def test_whether_the_bills_are_paid_is_looked_up_before_a_line_is_resumed() -> None:
    resume = REQUESTED.user("I made the payment.").calls("resume_line", **ON_LINE)
    assert (await looked(resume, bill("Overdue")))["bill not paid"].risk > 0.5
    assert "bill not paid" not in await looked(resume, bill("Paid"))


async def test_the_line_and_its_contract_are_looked_up_before_it_is_resumed() -> None:
    start = Talk(tools=TOOLS, policy=rules.TELECOM).user("No service on 555-123-2002.")
    known = start.did("get_customer_by_phone", ANA, phone_number="555-123-2002")
    resume = known.calls("resume_line", **ON_LINE)
    assert "contract ended" in await looked(resume, line(contract_end_date="2025-01-31"))
    assert "contract ended" not in await looked(resume, line())
