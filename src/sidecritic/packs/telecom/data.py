"""Telecom: data that is refueled, and roaming."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.records import changed, users_words
from sidecritic.checks.sources import agreed_at
from sidecritic.checks.terms import spellings, term
from sidecritic.english.amounts import amounts
from sidecritic.packs.telecom.records import (
    LINE,
    REFUEL,
    ROAMING_ON,
    plan_of,
)
from sidecritic.values import number_of, text_of

_MOST_GB = term(
    "how much data can be refueled", r"maximum amount of data that can be refuell?ed is # ?gb\b"
)


@call_check(
    "more data than allowed",
    tools=(REFUEL,),
    risk=0.95,
    policy="The amount of data that can be refueled is limited.",
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
    most = _MOST_GB.of(case.facts)
    if amount + before <= most:
        return None
    return Objection(
        f"{amount + before:g} GB in all, but at most {most:g} GB can be refueled. Offer "
        f"{max(0.0, most - before):g} GB.",
        evidence=f"{before:g} + {amount:g} GB",
        messages=tuple(done.position for done in earlier),
        # The text does not say whether the limit is one of a call or of a month.
        risk=None if amount > most else 0.6,
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
    ways = "|".join(map(re.escape, spellings(amount)))
    if re.search(rf"(?<![\w.])(?:{ways})(?:\.0{{1,9}})?(?: ?gb)?\b(?!\.\d)", users_words(case)):
        return None
    return Objection(
        f"Nobody has spoken of {amount:g} GB. Ask the user how much data they want to refuel, and "
        "confirm the price.",
        evidence=f"{amount:g} GB",
    )


@call_check("price not confirmed", tools=(REFUEL,), risk=0.7, policy="Confirm the price.")
def unconfirmed_price(case: Case) -> Objection | None:
    """Fire when the user agreed to no price of the refueled data, or to a wrong one."""
    agreed = case.agreed
    each = number_of(plan_of(case.facts, LINE.of(case)), "data_refueling_price_per_gb")
    price = each * number_of(case.arguments, "gb_amount")
    right = f"{price:.2f} dollars" if each else "gb_amount times the plan's price per GB"
    if agreed is None:
        return Objection(
            f"The user has not agreed to refuel data. Name amount and price ({right}), and ask "
            "for a yes first."
        )
    named = sorted(amounts(agreed.question.text))
    fits = any(abs(one - due) < 0.005 for one in named for due in (price, each))
    if fits or (named and not each):
        return None
    return Objection(
        f"The price is {right}, but the user agreed to {'another' if named else 'none'}. State "
        "it, and ask again.",
        evidence=f"agreed to {named}",
        risk=None if named else 0.3,
        messages=agreed_at(case),
    )


roaming_already = CallCheck(
    "roaming enabled already",
    tools=(ROAMING_ON,),
    risk=0.6,
    policy="If a user is traveling outside their home network, you should check if the line is "
    "roaming enabled. If it is not, you should enable it.",
    examine=changed(
        lambda case: "roaming is enabled" if LINE.of(case).get("roaming_enabled") is True else "",
        LINE.of,
        "Continue with the next step.",
    ),
)
