"""Retail: the payment method of a call against the one that the user wants."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.payments import undecided
from sidecritic.english.amounts import limits
from sidecritic.packs.retail.records import (
    EXCHANGE,
    MODIFY_ITEMS,
    PAYING,
    RETURN,
    items,
    order_of,
    payment_methods,
    price_difference,
    swaps,
)
from sidecritic.values import number_of, text_of

ONCE = (
    "This action can only be called once, and will change the order status to 'pending (items "
    "modifed)'. So you must confirm all the details are correct and be cautious."
)
PROVIDE = "The user must provide a payment method to pay or receive refund of the price difference."


unchosen = CallCheck(
    "payment nobody spoke of",
    tools=(MODIFY_ITEMS, EXCHANGE, RETURN),
    risk=0.5,
    policy=PROVIDE,
    examine=undecided(
        lambda case: (case.named("payment_method_id"),), lambda case: payment_methods(case.facts)
    ),
)


@call_check("payment taken for another", tools=PAYING, risk=0.75, policy=PROVIDE)
def mistaken_payment(case: Case) -> Objection | None:
    """Fire when the agent told the user of the method as of a card that is another one."""
    methods = payment_methods(case.facts)
    chosen = case.named("payment_method_id")
    mine = text_of(methods.get(chosen, {}), "last_four")
    others = {text_of(m, "last_four"): key for key, m in methods.items() if key != chosen}
    pattern = re.compile(rf"{re.escape(chosen.lower())}[^.;\n]{{0,40}}?\b(\d{{4}})\b")
    for line in reversed(case.facts.agent_lines if chosen else ()):
        for found in pattern.finditer(line.lower):
            if found[1] in others and found[1] != mine:
                return Objection(
                    f"The card ending in {found[1]} is {others[found[1]]}, not {chosen}. The user "
                    "agreed to the card: use its id.",
                    evidence=found[0],
                    messages=(line.position,),
                )
    return None


@call_check("over the user's limit", tools=(MODIFY_ITEMS,), risk=0.45, policy=ONCE)
def over_limit(case: Case) -> Objection | None:
    """Fire when the order stays above what the user said they can pay: it is the only change."""
    order = order_of(case)
    change = price_difference(tuple(swaps(case)))
    before = sum(number_of(item, "price") for item in items(order))
    if change is None or not before:
        return None
    total = before + change
    for line in case.facts.user_lines:
        for limit in limits(line.lower):
            # An amount far from the total is about something else.
            if before / 2 < limit < total:
                return Objection(
                    f"The user can pay ${limit:.2f}; after this change the order costs "
                    f"${total:.2f}, and its items cannot be changed again. Tell the user.",
                    evidence=f"{total:.2f} > {limit:.2f}",
                    messages=(line.position,),
                )
    return None
