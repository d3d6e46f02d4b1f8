"""Telecom: data that is refueled, and roaming."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.sources import agreed_at, shown_at
from sidecritic.english.amounts import amounts
from sidecritic.packs.telecom.records import (
    REFUEL,
    ROAMING_OFF,
    ROAMING_ON,
    line_of,
    plan_of,
    stated,
    usage_of,
)
from sidecritic.values import number_of, text_of

MOST_GB = 2.0
_ABROAD = re.compile(
    r"\b(abroad|travel+\w*|trip|overseas|vacation|holiday|roaming|foreign|international\w*"
    r"|outside (of )?(my|the|our)|in (france|europe|mexico|canada|japan|spain|italy|germany))\b"
)
_OFF = re.compile(r"\b(disable|turn(ed)? off|switch(ed)? off|stop|no longer|don'?t want)\b")


@call_check(
    "more than 2 GB",
    tools=(REFUEL,),
    risk=0.95,
    policy="The maximum amount of data that can be refueled is 2GB.",
)
def too_much_data(case: Case) -> Objection | None:
    """Fire when the call, or all calls together, refuel more than is allowed."""
    amount = number_of(case.arguments, "gb_amount")
    line_id = case.named("line_id")
    earlier = [
        done
        for done in case.facts.writes
        if done.call.name == REFUEL and text_of(done.arguments, "line_id") == line_id
    ]
    before = sum(number_of(done.arguments, "gb_amount") for done in earlier)
    if amount + before <= MOST_GB:
        return None
    return Objection(
        f"{amount + before:g} GB in all, but at most {MOST_GB:g} GB can be refueled. Offer "
        f"{max(0.0, MOST_GB - before):g} GB.",
        evidence=f"{before:g} + {amount:g} GB",
        messages=tuple(done.position for done in earlier),
        # The text does not say whether the limit is one of a call or of a month.
        risk=None if amount > MOST_GB else 0.6,
    )


@call_check(
    "amount of data not asked",
    tools=(REFUEL,),
    risk=0.6,
    policy="Ask them how much data they want to refuel.",
)
def unasked_data(case: Case) -> Objection | None:
    """Fire when neither the user nor a plan that the user agreed to names the amount."""
    amount = number_of(case.arguments, "gb_amount")
    named = re.compile(rf"(?<![\d.]){re.escape(f'{amount:g}')}(\.0+)?\b(?!\.\d)")
    agreed = case.agreed
    words = case.facts.said + (agreed.question.lower if agreed is not None else "")
    if named.search(words) or (amount == MOST_GB and re.search(r"\btwo\b", words)):
        return None
    return Objection(
        f"Nobody has spoken of {amount:g} GB. Ask the user how much data they want to refuel "
        f"(at most {MOST_GB:g} GB), and confirm the price.",
        evidence=f"{amount:g} GB",
    )


@call_check("price not confirmed", tools=(REFUEL,), risk=0.7, policy="Confirm the price.")
def unconfirmed_price(case: Case) -> Objection | None:
    """Fire when the user agreed to no price of the refueled data, or to a wrong one."""
    agreed = case.agreed
    each = number_of(plan_of(case.facts, line_of(case)), "data_refueling_price_per_gb")
    price = each * number_of(case.arguments, "gb_amount")
    right = f"{price:.2f} dollars" if each else "gb_amount times the plan's price per GB"
    if agreed is None:
        return Objection(
            f"The user has not agreed to refuel data. Name amount and price ({right}), and ask "
            "for a yes first."
        )
    named = set(amounts(agreed.question.text))
    if not named or not each:
        first = f"Confirm the price ({right}) first."
        where = agreed_at(case)
        return None if named else Objection(first, risk=0.3, messages=where)
    if any(abs(one - price) < 0.005 or abs(one - each) < 0.005 for one in named):
        return None
    return Objection(
        f"The price is {right}, but the user agreed to another one. State it, and ask again.",
        evidence=f"agreed to {sorted(named)}",
        messages=agreed_at(case),
    )


@call_check(
    "roaming for a user at home",
    tools=(ROAMING_ON,),
    risk=0.6,
    policy="If a user is traveling outside their home network, you should check if the line is "
    "roaming enabled. If it is not, you should enable it.",
)
def roaming_at_home(case: Case) -> Objection | None:
    """Fire when the user is not said to travel, or the line is roaming enabled already."""
    line = line_of(case)
    if line.get("roaming_enabled") is True:
        return Objection(
            "This line is roaming enabled already. Go on with the next step.",
            messages=shown_at(case.facts, line),
        )
    if _ABROAD.search(case.facts.said):
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
def roaming_off(case: Case) -> Objection | None:
    """Fire when roaming is taken away from a user who did not ask for it."""
    if any("roaming" in words and _OFF.search(words) for words in case.facts.wishes):
        return None
    return Objection("The user did not ask to have roaming disabled. Leave it as it is.")


@call_check(
    "data not used up",
    tools=(REFUEL,),
    risk=0.3,
    policy="If the user's data usage for a line exceeds the plan's data limit, data connectivity "
    "will be lost. You can add more data to the line by refueling data.",
)
def data_left(case: Case) -> Objection | None:
    """Fire when the line has data left."""
    line = line_of(case)
    usage = usage_of(case.facts, line)
    limit = number_of(plan_of(case.facts, line), "data_limit_gb") or stated(usage, "data_limit_gb")
    record = usage or line
    used, added = stated(record, "data_used_gb"), stated(record, "data_refueling_gb")
    if not limit or not record:
        return None
    if used >= limit + added:
        return None
    return Objection(
        f"Only {used:g} of {limit + added:g} GB are used. More data does not repair a connection; "
        "refuel only if the user wants more all the same.",
        evidence=f"{used:g} of {limit + added:g} GB",
        messages=shown_at(case.facts, record),
    )


TELECOM_DATA: tuple[CallCheck, ...] = (
    too_much_data,
    unasked_data,
    unconfirmed_price,
    data_left,
    roaming_at_home,
    roaming_off,
)
