"""Telecom: bills, suspensions, data and roaming, which the tools hardly check."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check, text_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import among, identified, looked_up, spoken_of
from sidecritic.checks.sources import shown_at
from sidecritic.english.scope import ahead
from sidecritic.packs.telecom.records import (
    LINE,
    ON_LINES,
    REQUEST,
    RESUME,
    SUSPEND,
    bills,
    contract_ended,
    customer,
    is_late,
    lines,
    read_bills,
)
from sidecritic.values import JsonObject, text_of, texts_of

_PAID = re.compile(
    r"\bpayments?\b[^!?\n]{0,40}\b(made|done|completed?|accepted|went)\b"
    r"|\b(paid|(made|completed|accepted) (the|my|that) (bill|payment))\b"
)
_REPORTS_PAID = re.compile(
    r"\b(bill|payment|balance)\b[^.!?\n]{0,40}\b(has been|have been|was|is|went)( now)?"
    r" (successfully )?(paid|received|processed|completed?|confirmed|through)\b"
)


def _ids_of(case: Case) -> dict[str, JsonObject]:
    """Return the ids of what is the customer's own; none where nobody was identified."""
    who = customer(case.facts)
    own = (*texts_of(who, "line_ids"), *texts_of(who, "bill_ids"), *bills(case.facts))
    return {one: {} for one in (text_of(who, "customer_id"), *own)} if who else {}


not_identified = CallCheck(
    "customer not identified",
    risk=0.8,
    policy="You must first identify the customer.",
    examine=identified(
        customer,
        "Look them up by phone number, by customer id, or by full name with date of birth,",
    ),
)
foreign_record = CallCheck(
    "another customer's record",
    risk=0.95,
    policy="Apply it to the line associated with the phone number the user provided.",
    examine=among(
        lambda case: filter(None, map(case.named, ("customer_id", "line_id", "bill_id"))),
        _ids_of,
        lambda case: customer(case.facts),
        what="the records of this customer",
        advice="Use the right one, or deny the request.",
    ),
)


@call_check(
    "line of another number",
    tools=ON_LINES,
    risk=0.9,
    policy="Apply it to the line associated with the phone number the user provided.",
)
def other_line(case: Case) -> Objection | None:
    """Fire when the user gave a phone number, and the line has another one."""
    number = text_of(LINE.of(case), "phone_number")
    held = {text_of(line, "phone_number"): key for key, line in lines(case.facts).items()}
    given = (text_of(customer(case.facts), "phone_number"), *held)
    said = next((one for one in given if one and one in case.facts.said), "")
    if not number or not said or number in case.facts.said:
        return None
    right = held.get(said)
    advice = f"Use {right}." if right else "Look up the customer's other lines, and use that one."
    return Objection(
        f"{case.named('line_id')} has the number {number}, but the user gave {said}. {advice}",
        evidence=f"{number} != {said}",
        messages=shown_at(case.facts, LINE.of(case)),
    )


unread_line = CallCheck(
    "line not looked up",
    tools=ON_LINES,
    risk=0.25,
    policy="You are not allowed to lift the suspension if the line's contract end date is in the "
    "past.",
    examine=looked_up(
        LINE,
        "check its number, status and contract end date",
        risk=lambda case: 0.15 if LINE.of(case) else None,
    ),
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
    line = LINE.of(case)
    if not contract_ended(case.facts, line):
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
    if read_bills(case.facts):
        return None
    unread = "Look the bills up first: all overdue ones must be paid."
    return Objection(unread, risk=0.2 if known else 0.4)


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
    if bill is None or bill.status == "overdue":
        if bill_id in read_bills(case.facts):
            return None
        unread = f"{bill_id} was never looked up. Check that it is overdue."
        return Objection(unread, risk=0.7 if bill is None else 0.3)
    late = [one.id for one in known.values() if one.status == "overdue"]
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
    asked, known = case.named("bill_id"), bills(case.facts).values()
    waits = next((b for b in known if b.status == "awaiting payment" and b.id != asked), None)
    if waits is None:
        return None
    return Objection(
        f"{waits.id} still awaits payment, and only one bill can. Have it paid and check its "
        "status, before you send the next request.",
        evidence=waits.id,
        messages=waits.shown,
    )


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


unfounded_suspension = CallCheck(
    "suspension without a reason",
    tools=(SUSPEND,),
    risk=0.8,
    policy="A line can be suspended for the following reasons: the user has an overdue bill; the "
    "line's contract end date is in the past.",
    examine=spoken_of(
        lambda case: (
            ""
            if is_late(case.facts) or contract_ended(case.facts, LINE.of(case))
            else "suspends a line without an overdue bill or an ended contract"
        ),
        re.compile(r"\b(suspend|pause|lost|stolen|freeze|deactivate|block)\w*"),
        "Do not suspend the line.",
    ),
)
