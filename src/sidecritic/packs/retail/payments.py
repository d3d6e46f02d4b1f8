"""Retail: the payment method of a call against the one that the user wants."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts, Line
from sidecritic.checks.payments import means_original, named_methods, wanted_methods
from sidecritic.english.acts import affirms
from sidecritic.english.amounts import limits
from sidecritic.english.text import sentences
from sidecritic.packs.retail.records import (
    EXCHANGE,
    MODIFY_ITEMS,
    PAYING,
    RETURN,
    items,
    order_of,
    original_payment,
    payment_methods,
    price_difference,
    swaps,
)
from sidecritic.values import JsonObject, number_of, text_of

_PAST = re.compile(
    r"\b((is|was|were|been|originally) (\w+ )?paid|payment history|(was|were|been) used"
    r"|used (for|to))\b|^\W*paid\b"
)
_PAID = re.compile(rf"{_PAST.pattern}|^\W*(\w+ )?payment( method)?\W*:")
_AHEAD = re.compile(r"\b(refund\w*|difference|charg\w*|credited|will|shall|i'll)\b")
ONCE = (
    "This action can only be called once, and will change the order status to 'pending (items "
    "modifed)'. So you must confirm all the details are correct and be cautious."
)
PROVIDE = "The user must provide a payment method to pay or receive refund of the price difference."


@call_check("another payment than wanted", tools=PAYING, risk=0.65, policy=PROVIDE)
def other_payment(case: Case) -> Objection | None:
    """Fire when the user's latest words about payment fit another method than the call's."""
    methods = payment_methods(case.facts)
    chosen = case.named("payment_method_id")
    original = original_payment(order_of(case))
    wanted = wanted_methods(case, methods, original=original)
    if not wanted or chosen in wanted or chosen not in methods:
        return None
    return Objection(
        f"The call uses {chosen}, but the user wants {' or '.join(sorted(wanted))}. Use that, or "
        "list the other method and ask for a yes.",
        evidence=f"{sorted(wanted)} vs {chosen}",
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


@call_check(
    "payment nobody spoke of", tools=(MODIFY_ITEMS, EXCHANGE, RETURN), risk=0.4, policy=PROVIDE
)
def unspoken_payment(case: Case) -> Objection | None:
    """Fire when there is a choice of methods that the user did not make, nor agree to."""
    chosen = case.named("payment_method_id")
    methods = payment_methods(case.facts)
    if not chosen or len(methods) == 1 or _is_chosen(case.facts, methods, chosen):
        return None
    spoken = f"{case.facts.said}\n{case.facts.told}"
    subject = any(word in spoken for word in ("payment", "refund", "card", "paypal"))
    if subject and not methods:
        return None
    return Objection(
        f"The user chose no payment method; {chosen} is your own choice. Ask which one to use for "
        "the difference or the refund.",
        evidence=chosen,
        # It may have been agreed to in other words.
        risk=0.2 if subject else None,
    )


def _is_chosen(facts: Facts, methods: dict[str, JsonObject], chosen: str) -> bool:
    """Whether the user named a method, or agreed to a message that named the one of the call."""
    if named_methods(facts.said, methods) or means_original(facts.said):
        return True
    return any(
        _is_put(one.question, methods, chosen) and affirms(one.answer.lower)
        for one in facts.exchanges
    )


def _is_put(question: Line, methods: dict[str, JsonObject], chosen: str) -> bool:
    """Whether a message says that a method is the one to be used."""
    # How the order was paid is no answer to how a change is.
    record = any(label.endswith("status") for label in question.listed)
    paid = _PAID if record and not _AHEAD.search(question.lower) else _PAST
    told = [one for one in sentences(question.lower) if _AHEAD.search(one) or not paid.search(one)]
    text = "\n".join(told)
    named = named_methods(text, methods)
    if len(named) == len(methods) and len({text_of(m, "source") for m in methods.values()}) > 1:
        # All of them at once are an offer, unless one is said to be it.
        return any(_AHEAD.search(s) and named_methods(s, methods) == {chosen} for s in told)
    return chosen.lower() in text or chosen in named or means_original(text)


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
