"""Telecom: bills, suspensions, data and roaming, which the tools hardly check."""

import re

from sidecritic.policies.base import CallCheck, Objection, TextCheck, call_check, text_check
from sidecritic.policies.consent import consent
from sidecritic.policies.facts import Facts
from sidecritic.policies.language import amounts
from sidecritic.policies.telecom_records import (
    ON_LINES,
    REFUEL,
    REQUEST,
    RESUME,
    ROAMING_OFF,
    ROAMING_ON,
    SUSPEND,
    bills,
    contract_ended,
    customer,
    line_of,
    lines,
    plan_of,
)
from sidecritic.policies.values import number_of, text_of, texts_of
from sidecritic.types import ToolCall

MOST_GB = 2.0

_PAID = re.compile(
    r"\bpayments?\b[^!?\n]{0,40}\b(made|done|completed?|accepted|went)\b"
    r"|\b(paid|(made|completed|accepted) (the|my|that) (bill|payment))\b"
)
_REPORTS_PAID = re.compile(
    r"\b(bill|payment|balance)\b[^.!?\n]{0,40}\b(has been|have been|was|is|went)( now)?"
    r" (successfully )?(paid|received|processed|completed?|confirmed|through)\b"
)
_NOT_YET = re.compile(r"\b(once|after|when|if|until|as soon as|before|not|n't)\b")
_ABROAD = re.compile(
    r"\b(abroad|travel+\w*|trip|overseas|vacation|holiday|roaming|foreign|international\w*"
    r"|outside (of )?(my|the|our)|in (france|europe|mexico|canada|japan|spain|italy|germany))\b"
)
_PAUSE = re.compile(r"\b(suspend|pause|lost|stolen|freeze|deactivate|block)\w*")
_OFF = re.compile(r"\b(disable|turn(ed)? off|switch(ed)? off|stop|no longer|don'?t want)\b")


@call_check(
    "customer not identified",
    risk=0.8,
    policy="You must first identify the customer.",
)
def not_identified(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a write before the customer was looked up."""
    if customer(facts):
        return None
    return Objection(
        "The customer has not been identified. Look them up by phone number, by customer id, or "
        f"by full name with date of birth, before you call `{call.name}`."
    )


@call_check(
    "another customer's record",
    risk=0.95,
    policy="Apply it to the line associated with the phone number the user provided.",
)
def foreign_record(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when customer, line or bill of the call is not that of the identified customer."""
    who = customer(facts)
    arguments = call.arguments or {}
    own = {
        "customer_id": (text_of(who, "customer_id"),),
        "line_id": texts_of(who, "line_ids"),
        "bill_id": (*texts_of(who, "bill_ids"), *bills(facts)),
    }
    for key, ids in own.items():
        named = text_of(arguments, key)
        if who and named and named not in ids:
            return Objection(
                f"{named} is no record of {text_of(who, 'full_name')}, whose {key} is one of "
                f"{', '.join(ids)}. Use the right one, or deny the request.",
                evidence=named,
            )
    return None


@call_check(
    "line of another number",
    tools=ON_LINES,
    risk=0.9,
    policy="Apply it to the line associated with the phone number the user provided.",
)
def other_line(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user gave a phone number, and the line has another one."""
    number = text_of(line_of(facts, call), "phone_number")
    if not number or number in facts.said:
        return None
    held = {text_of(line, "phone_number"): key for key, line in lines(facts).items()}
    given = [text_of(customer(facts), "phone_number"), *held]
    said = next((one for one in given if one and one in facts.said), "")
    if not said:
        return None
    right = held.get(said)
    advice = f"Use {right}." if right else "Look up the customer's other lines, and use that one."
    return Objection(
        f"{text_of(call.arguments or {}, 'line_id')} has the number {number}, but the user gave "
        f"{said}. {advice}",
        evidence=f"{number} != {said}",
    )


@call_check(
    "line not looked up",
    tools=ON_LINES,
    risk=0.25,
    policy="You are not allowed to lift the suspension if the line's contract end date is in the "
    "past.",
)
def unread_line(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the line was never read; before a resumption that is the rule itself."""
    if line_of(facts, call):
        return None
    which = text_of(call.arguments or {}, "line_id") or "the line"
    return Objection(
        f"{which} was never looked up. Call get_details_by_id and check its number, status and "
        "contract end date.",
        risk=0.35 if call.name == RESUME else None,
    )


@call_check(
    "contract ended",
    tools=(RESUME,),
    risk=0.95,
    policy="You are not allowed to lift the suspension if the line's contract end date is in the "
    "past, even if the user has paid all their overdue bills.",
)
def ended_contract(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on the resumption of a line whose contract has ended."""
    line = line_of(facts, call)
    if not contract_ended(line):
        return None
    ended = text_of(line, "contract_end_date")
    return Objection(
        f"The contract of this line ended on {ended}, so the suspension cannot be lifted, paid or "
        "not. Tell the user, and transfer them to a human agent.",
        evidence=f"contract_end_date {ended}",
    )


@call_check(
    "bill not paid",
    tools=(RESUME,),
    risk=0.85,
    policy="You are allowed to lift the suspension after the user has paid all their overdue "
    "bills.",
)
def unpaid_bill(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a resumption while a bill is overdue, or its payment is not verified."""
    known = bills(facts)
    if not known:
        return Objection("Look the bills up first: all overdue ones must be paid.", risk=0.4)
    for bill in known.values():
        if bill.status not in ("overdue", "awaiting payment"):
            continue
        after = (line.lower for line in facts.user_lines if line.position > bill.seen)
        told = any(_PAID.search(words) for words in after)
        return Objection(
            f"Bill {bill.id} was last seen as '{bill.status}'. "
            + (
                "Check with get_details_by_id that it is paid now, before you resume the line."
                if told
                else "Have it paid first: send a payment request, and check that it was paid."
            ),
            evidence=f"{bill.id} {bill.status}",
            risk=0.2 if told else None,
        )
    return None


@call_check(
    "bill not overdue",
    tools=(REQUEST,),
    risk=0.9,
    policy="You should always check that the bill is overdue before sending a payment request.",
)
def not_overdue(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a payment request for a bill that is not known to be overdue."""
    known = bills(facts)
    bill_id = text_of(call.arguments or {}, "bill_id")
    bill = known.get(bill_id)
    if bill is not None and bill.status == "overdue":
        return None
    late = [one.id for one in known.values() if one.status == "overdue"]
    if bill is None:
        return Objection(f"{bill_id} was never looked up. Check that it is overdue.", risk=0.7)
    return Objection(
        f"{bill_id} is '{bill.status}', not overdue, so no payment may be requested. "
        + (f"Overdue: {', '.join(late)}." if late else "No bill of this customer is overdue."),
        evidence=f"{bill_id} {bill.status}",
    )


@call_check(
    "payment request still open",
    tools=(REQUEST,),
    risk=0.85,
    policy="A user can only have one bill in the AWAITING PAYMENT status at a time.",
)
def open_request(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a second request while another bill awaits payment."""
    asked = text_of(call.arguments or {}, "bill_id")
    for bill in bills(facts).values():
        if bill.status == "awaiting payment" and bill.id != asked:
            return Objection(
                f"{bill.id} still awaits payment, and only one bill can. Have it paid and check "
                "its status, before you send the next request.",
                evidence=bill.id,
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
    waiting = [bill.id for bill in bills(facts).values() if bill.status == "awaiting payment"]
    for match in _REPORTS_PAID.finditer(draft.lower()):
        start = max(draft.rfind(mark, 0, match.start()) for mark in ".!?\n") + 1
        if waiting and not _NOT_YET.search(draft.lower()[start : match.end()]):
            return Objection(
                f"You say that {waiting[0]} is paid, but have not checked it since the payment "
                "request. Look it up, and report what it says.",
                evidence=match[0],
            )
    return None


@call_check(
    "more than 2 GB",
    tools=(REFUEL,),
    risk=0.95,
    policy="The maximum amount of data that can be refueled is 2GB.",
)
def too_much_data(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the call, or all calls together, refuel more than is allowed."""
    amount = number_of(call.arguments or {}, "gb_amount")
    line_id = text_of(call.arguments or {}, "line_id")
    before = sum(
        number_of(done.arguments, "gb_amount")
        for done in facts.writes
        if done.call.name == REFUEL and text_of(done.arguments, "line_id") == line_id
    )
    if amount + before <= MOST_GB:
        return None
    return Objection(
        f"{amount + before:g} GB in all, but at most {MOST_GB:g} GB can be refueled. Offer "
        f"{max(0.0, MOST_GB - before):g} GB.",
        evidence=f"{before:g} + {amount:g} GB",
        # The text does not say whether the limit is one of a call or of a month.
        risk=None if amount > MOST_GB else 0.6,
    )


@call_check(
    "amount of data not asked",
    tools=(REFUEL,),
    risk=0.6,
    policy="Ask them how much data they want to refuel.",
)
def unasked_data(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when neither the user nor a plan that the user agreed to names the amount."""
    amount = number_of(call.arguments or {}, "gb_amount")
    named = re.compile(rf"(?<![\d.]){re.escape(f'{amount:g}')}(\.0+)?\b(?!\.\d)")
    agreed = consent(facts, call)
    words = facts.said + (agreed.question.lower if agreed is not None else "")
    if named.search(words) or (amount == MOST_GB and re.search(r"\btwo\b", words)):
        return None
    return Objection(
        f"Nobody has spoken of {amount:g} GB. Ask the user how much data they want to refuel "
        f"(at most {MOST_GB:g} GB), and confirm the price.",
        evidence=f"{amount:g} GB",
    )


@call_check("price not confirmed", tools=(REFUEL,), risk=0.7, policy="Confirm the price.")
def unconfirmed_price(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user agreed to no price of the refueled data, or to a wrong one."""
    agreed = consent(facts, call)
    each = number_of(plan_of(facts, line_of(facts, call)), "data_refueling_price_per_gb")
    price = each * number_of(call.arguments or {}, "gb_amount")
    right = f"{price:.2f} dollars" if each else "gb_amount times the plan's price per GB"
    if agreed is None:
        return Objection(
            f"The user has not agreed to refuel data. Name amount and price ({right}), and ask "
            "for a yes first."
        )
    named = set(amounts(agreed.question.text))
    if not named or not each:
        asked = not named
        return Objection(f"Confirm the price ({right}) first.", risk=0.3) if asked else None
    if any(abs(one - price) < 0.005 or abs(one - each) < 0.005 for one in named):
        return None
    return Objection(
        f"The price is {right}, but the user agreed to another one. State it, and ask again.",
        evidence=f"agreed to {sorted(named)}",
    )


@call_check(
    "suspension without a reason",
    tools=(SUSPEND,),
    risk=0.8,
    policy="A line can be suspended for the following reasons: the user has an overdue bill; the "
    "line's contract end date is in the past.",
)
def unfounded_suspension(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when no bill is overdue, the contract runs, and the user asked for nothing like it."""
    late = any(bill.status == "overdue" for bill in bills(facts).values())
    if late or contract_ended(line_of(facts, call)) or _PAUSE.search(facts.said):
        return None
    return Objection(
        "No bill is overdue, the contract has not ended, and the user did not ask for a "
        "suspension. Do not suspend the line."
    )


@call_check(
    "roaming for a user at home",
    tools=(ROAMING_ON,),
    risk=0.6,
    policy="If a user is traveling outside their home network, you should check if the line is "
    "roaming enabled. If it is not, you should enable it.",
)
def roaming_at_home(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user is not said to travel, or the line is roaming enabled already."""
    if line_of(facts, call).get("roaming_enabled") is True:
        return Objection("This line is roaming enabled already. Go on with the next step.")
    if _ABROAD.search(facts.said):
        return None
    return Objection(
        "The user does not say that they travel. Ask where they are; roaming is for users "
        "outside their home network."
    )


@call_check(
    "roaming off unasked",
    tools=(ROAMING_OFF,),
    risk=0.7,
    policy="If a user is traveling outside their home network, roaming should be enabled.",
)
def roaming_off(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when roaming is taken away from a user who did not ask for it."""
    if any("roaming" in words and _OFF.search(words) for words in facts.wishes):
        return None
    return Objection("The user did not ask to have roaming disabled. Leave it as it is.")


TELECOM_RULES: tuple[CallCheck, ...] = (
    not_identified,
    foreign_record,
    other_line,
    unread_line,
    ended_contract,
    unpaid_bill,
    not_overdue,
    open_request,
    too_much_data,
    unasked_data,
    unconfirmed_price,
    unfounded_suspension,
    roaming_at_home,
    roaming_off,
)
TELECOM_TEXTS: tuple[TextCheck, ...] = (unverified_payment,)
