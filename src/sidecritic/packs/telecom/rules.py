"""Telecom: bills, suspensions, data and roaming, which the tools hardly check."""

import re
from collections.abc import Mapping

from sidecritic.checks.base import (
    CallCheck,
    Objection,
    TextCheck,
    call_check,
    text_check,
)
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.sources import shown_at
from sidecritic.english.scope import ahead
from sidecritic.packs.telecom.records import (
    ON_LINES,
    REQUEST,
    RESUME,
    SUSPEND,
    Bill,
    bills,
    contract_ended,
    customer,
    line_of,
    lines,
    read_bills,
    read_lines,
)
from sidecritic.values import text_of, texts_of

_PAID = re.compile(
    r"\bpayments?\b[^!?\n]{0,40}\b(made|done|completed?|accepted|went)\b"
    r"|\b(paid|(made|completed|accepted) (the|my|that) (bill|payment))\b"
)
_REPORTS_PAID = re.compile(
    r"\b(bill|payment|balance)\b[^.!?\n]{0,40}\b(has been|have been|was|is|went)( now)?"
    r" (successfully )?(paid|received|processed|completed?|confirmed|through)\b"
)
_PAUSE = re.compile(r"\b(suspend|pause|lost|stolen|freeze|deactivate|block)\w*")


@call_check(
    "customer not identified",
    risk=0.8,
    policy="You must first identify the customer.",
)
def not_identified(case: Case) -> Objection | None:
    """Fire on a write before the customer was looked up."""
    if customer(case.facts):
        return None
    return Objection(
        "The customer has not been identified. Look them up by phone number, by customer id, or "
        f"by full name with date of birth, before you call `{case.tool}`."
    )


@call_check(
    "another customer's record",
    risk=0.95,
    policy="Apply it to the line associated with the phone number the user provided.",
)
def foreign_record(case: Case) -> Objection | None:
    """Fire when customer, line or bill of the call is not that of the identified customer."""
    who = customer(case.facts)
    arguments = case.arguments
    own = {
        "customer_id": (text_of(who, "customer_id"),),
        "line_id": texts_of(who, "line_ids"),
        "bill_id": (*texts_of(who, "bill_ids"), *bills(case.facts)),
    }
    for key, ids in own.items():
        named = text_of(arguments, key)
        if who and named and named not in ids:
            return Objection(
                f"{named} is no record of {text_of(who, 'full_name')}, whose {key} is one of "
                f"{', '.join(ids)}. Use the right one, or deny the request.",
                evidence=named,
                messages=shown_at(case.facts, who),
            )
    return None


@call_check(
    "line of another number",
    tools=ON_LINES,
    risk=0.9,
    policy="Apply it to the line associated with the phone number the user provided.",
)
def other_line(case: Case) -> Objection | None:
    """Fire when the user gave a phone number, and the line has another one."""
    number = text_of(line_of(case), "phone_number")
    if not number or number in case.facts.said:
        return None
    held = {text_of(line, "phone_number"): key for key, line in lines(case.facts).items()}
    given = [text_of(customer(case.facts), "phone_number"), *held]
    said = next((one for one in given if one and one in case.facts.said), "")
    if not said:
        return None
    right = held.get(said)
    advice = f"Use {right}." if right else "Look up the customer's other lines, and use that one."
    return Objection(
        f"{text_of(case.arguments, 'line_id')} has the number {number}, but the user gave "
        f"{said}. {advice}",
        evidence=f"{number} != {said}",
        messages=shown_at(case.facts, line_of(case)),
    )


@call_check(
    "line not looked up",
    tools=ON_LINES,
    risk=0.25,
    policy="You are not allowed to lift the suspension if the line's contract end date is in the "
    "past.",
)
def unread_line(case: Case) -> Objection | None:
    """Fire when the agent never read the line; before a resumption that is the rule itself."""
    which = case.named("line_id") or "the line"
    if which in read_lines(case.facts):
        return None
    return Objection(
        f"{which} was never looked up. Call get_details_by_id and check its number, status and "
        "contract end date.",
        risk=_unread_risk(case),
    )


@call_check(
    "contract ended",
    tools=(RESUME,),
    risk=0.95,
    policy="You are not allowed to lift the suspension if the line's contract end date is in the "
    "past, even if the user has paid all their overdue bills.",
)
def ended_contract(case: Case) -> Objection | None:
    """Fire on the resumption of a line whose contract has ended."""
    line = line_of(case)
    if not contract_ended(line):
        return None
    ended = text_of(line, "contract_end_date")
    return Objection(
        f"The contract of this line ended on {ended}, so the suspension cannot be lifted, paid or "
        "not. Tell the user, and transfer them to a human agent.",
        evidence=f"contract_end_date {ended}",
        messages=shown_at(case.facts, line),
    )


@call_check(
    "bill not paid",
    tools=(RESUME,),
    risk=0.85,
    policy="You are allowed to lift the suspension after the user has paid all their overdue "
    "bills.",
)
def unpaid_bill(case: Case) -> Objection | None:
    """Fire on a resumption while a bill is overdue, or its payment is not verified."""
    known = bills(case.facts)
    if not read_bills(case.facts) and not _is_late(known):
        if known:
            return Objection("Look the bills up first: all overdue ones must be paid.", risk=0.2)
        return Objection("Look the bills up first: all overdue ones must be paid.", risk=0.4)
    for bill in known.values():
        if bill.status not in ("overdue", "awaiting payment"):
            continue
        after = (line.lower for line in case.facts.user_lines if line.position > bill.seen)
        told = not bill.looked and any(_PAID.search(words) for words in after)
        return Objection(
            f"Bill {bill.id} was last seen as '{bill.status}'. "
            + (
                "Check with get_details_by_id that it is paid now, before you resume the line."
                if told
                else "Have it paid first: send a payment request, and check that it was paid."
            ),
            evidence=f"{bill.id} {bill.status}",
            risk=0.2 if told else None,
            messages=bill.shown,
        )
    return None


@call_check(
    "bill not overdue",
    tools=(REQUEST,),
    risk=0.9,
    policy="You should always check that the bill is overdue before sending a payment request.",
)
def not_overdue(case: Case) -> Objection | None:
    """Fire on a payment request for a bill that is not overdue, or that the agent never read."""
    known = bills(case.facts)
    bill_id = case.named("bill_id")
    bill = known.get(bill_id)
    if bill is not None and bill.status == "overdue":
        if bill_id in read_bills(case.facts):
            return None
        return Objection(f"{bill_id} was never looked up. Check that it is overdue.", risk=0.3)
    late = [one.id for one in known.values() if one.status == "overdue"]
    if bill is None:
        return Objection(f"{bill_id} was never looked up. Check that it is overdue.", risk=0.7)
    return Objection(
        f"{bill_id} is '{bill.status}', not overdue, so no payment may be requested. "
        + (f"Overdue: {', '.join(late)}." if late else "No bill of this customer is overdue."),
        evidence=f"{bill_id} {bill.status}",
        messages=bill.shown,
    )


@call_check(
    "payment request still open",
    tools=(REQUEST,),
    risk=0.85,
    policy="A user can only have one bill in the AWAITING PAYMENT status at a time.",
)
def open_request(case: Case) -> Objection | None:
    """Fire on a second request while another bill awaits payment."""
    asked = case.named("bill_id")
    for bill in bills(case.facts).values():
        if bill.status == "awaiting payment" and bill.id != asked:
            return Objection(
                f"{bill.id} still awaits payment, and only one bill can. Have it paid and check "
                "its status, before you send the next request.",
                evidence=bill.id,
                messages=bill.shown,
            )
    return None


@text_check(
    "payment not verified",
    risk=0.6,
    policy="Always check that the bill status is updated to PAID before informing the user that "
    "the bill has been paid.",
)
def unverified_payment(facts: Facts, draft: str) -> Objection | None:
    """Fire when a bill is said to be paid that was not read again since the request."""
    waiting = [bill for bill in bills(facts).values() if bill.status == "awaiting payment"]
    for match in _REPORTS_PAID.finditer(draft.lower()):
        if waiting and not ahead(draft.lower(), match.end()):
            return Objection(
                f"You say that {waiting[0].id} is paid, but have not checked it since the payment "
                "request. Look it up, and report what it says.",
                evidence=match[0],
                messages=waiting[0].shown,
            )
    return None


@call_check(
    "suspension without a reason",
    tools=(SUSPEND,),
    risk=0.8,
    policy="A line can be suspended for the following reasons: the user has an overdue bill; the "
    "line's contract end date is in the past.",
)
def unfounded_suspension(case: Case) -> Objection | None:
    """Fire when no bill is overdue, the contract runs, and the user asked for nothing like it."""
    late = any(bill.status == "overdue" for bill in bills(case.facts).values())
    if late or contract_ended(line_of(case)) or _PAUSE.search(case.facts.said):
        return None
    return Objection(
        "No bill is overdue, the contract has not ended, and the user did not ask for a "
        "suspension. Do not suspend the line."
    )


TELECOM_RULES: tuple[CallCheck, ...] = (
    not_identified,
    foreign_record,
    other_line,
    unread_line,
    ended_contract,
    unpaid_bill,
    not_overdue,
    open_request,
    unfounded_suspension,
)
TELECOM_TEXTS: tuple[TextCheck, ...] = (unverified_payment,)


def _unread_risk(case: Case) -> float | None:
    if line_of(case):
        return 0.15
    return 0.35 if case.tool == RESUME else None


def _is_late(known: Mapping[str, Bill]) -> bool:
    return any(bill.status in ("overdue", "awaiting payment") for bill in known.values())
