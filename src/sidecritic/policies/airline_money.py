"""Airline: bags, payments, prices, insurance and compensation."""

import re
from collections import Counter

from sidecritic.policies.airline_records import (
    BOOK,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    fares,
    free_bags,
    legs_of,
    methods_of,
    passengers,
    profile_of,
    reservation_of,
)
from sidecritic.policies.base import CallCheck, Objection, call_check
from sidecritic.policies.consent import consent
from sidecritic.policies.facts import Facts
from sidecritic.policies.language import amounts
from sidecritic.policies.payments import wanted_methods
from sidecritic.policies.values import JsonObject, number_of, objects_of, text_of
from sidecritic.types import ToolCall

BAGS = "Each extra baggage is 50 dollars."
SINGLE = (
    "If the flights are changed, the user needs to provide a single gift card or credit card for "
    "payment or refund method."
)
PROFILE = "All payment methods must already be in user profile for safety reasons."

_TOTAL = re.compile(
    r"\b(?:total|additional|difference|refund(?:ed)?|extra|cost|charged?|fee)\b[^$\n]{0,60}\$[\d,.]*\d"
)
_BAG = re.compile(r"\b(bag|bags|baggage|baggages|luggage|suitcases?|checked)\b")
_INSURANCE = re.compile(r"\binsur")


@call_check("wrong number of paid bags", tools=(BOOK, UPDATE_BAGS), risk=0.9, policy=BAGS)
def paid_bags(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the paid bags do not follow from membership, cabin and passengers."""
    arguments = call.arguments or {}
    record = arguments if call.name == BOOK else reservation_of(facts, call)
    membership = text_of(profile_of(facts, text_of(record, "user_id")), "membership")
    cabin = text_of(record, "cabin")
    free = free_bags(membership, cabin, passengers(record))
    if free is None:
        return None
    total, paid = number_of(arguments, "total_baggages"), number_of(arguments, "nonfree_baggages")
    due = max(0, total - free)
    if call.name == UPDATE_BAGS:
        # Bags that were paid for once stay paid for.
        due = max(due, min(number_of(record, "nonfree_baggages"), total))
    if paid == due:
        return None
    return Objection(
        f"A {membership} member with {passengers(record)} passenger(s) in {cabin} has {free} free "
        f"bags; of {total:g} bags {due:g} are to be paid, not {paid:g}.",
        evidence=f"{total:g} bags, {free} free",
    )


@call_check("membership not looked up", tools=(BOOK, UPDATE_BAGS), risk=0.4, policy=BAGS)
def unread_profile(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when bags are counted without knowing the user's membership."""
    arguments = call.arguments or {}
    record = arguments if call.name == BOOK else reservation_of(facts, call)
    owner = text_of(record, "user_id")
    if not owner or not number_of(arguments, "total_baggages") or profile_of(facts, owner):
        return None
    return Objection(
        f"The profile of {owner} was never looked up, and free bags depend on the membership. "
        "Call get_user_details first.",
        evidence=owner,
    )


@call_check(
    "bags removed",
    tools=(UPDATE_BAGS,),
    risk=0.95,
    policy="The user can add but not remove checked bags.",
)
def bags_removed(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a reservation would hold fewer bags than before."""
    reservation = reservation_of(facts, call)
    before = number_of(reservation, "total_baggages")
    after = number_of(call.arguments or {}, "total_baggages")
    if not reservation or after >= before:
        return None
    return Objection(
        f"The reservation holds {before:g} bags and the call sets {after:g}. Bags can be added but "
        "not removed: deny it.",
        evidence=f"{before:g} -> {after:g}",
    )


@call_check(
    "bags nobody wants",
    tools=(BOOK, UPDATE_BAGS),
    risk=0.6,
    policy="Do not add checked bags that the user does not need.",
)
def unwanted_bags(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when bags are added and the user never spoke of any."""
    before = number_of(reservation_of(facts, call), "total_baggages")
    added = number_of(call.arguments or {}, "total_baggages") - before
    if added <= 0 or _BAG.search(facts.said):
        return None
    agreed = consent(facts, call)
    if agreed is not None and _BAG.search(agreed.question.lower):
        return None
    return Objection(
        f"The call adds {added:g} checked bag(s), and the user asked for none. Ask how many are "
        "needed, or add none.",
        evidence=f"{added:g} bags",
    )


@call_check(
    "insurance nobody wants",
    tools=(BOOK,),
    risk=0.6,
    policy="The agent should ask if the user wants to buy the travel insurance.",
)
def insurance_unasked(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when insurance is booked that was never spoken of."""
    wanted = text_of(call.arguments or {}, "insurance") == "yes"
    if not wanted or _INSURANCE.search(facts.said) or _INSURANCE.search(facts.told):
        return None
    return Objection("Insurance was never spoken of. Ask whether the user wants it.")


@call_check(
    "too many passengers",
    tools=(BOOK,),
    risk=0.95,
    policy="Each reservation can have at most five passengers.",
)
def too_many(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on more than five passengers."""
    del facts
    count = passengers(call.arguments or {})
    if count <= 5:
        return None
    return Objection(f"{count} passengers; a reservation can have at most five.")


@call_check("payment not in the profile", risk=0.95, policy=PROFILE)
def foreign_payment(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a payment method that the user's profile does not hold."""
    arguments = call.arguments or {}
    owner = text_of(arguments, "user_id") or text_of(reservation_of(facts, call), "user_id")
    methods = methods_of(profile_of(facts, owner))
    for chosen in _payments(arguments):
        if methods and chosen not in methods:
            return Objection(
                f"{chosen} is not in the user's profile, which holds {', '.join(methods)}. Ask "
                "which of these to use.",
                evidence=chosen,
            )
    return None


@call_check(
    "another payment than wanted", tools=(UPDATE_FLIGHTS, UPDATE_BAGS), risk=0.6, policy=SINGLE
)
def other_payment(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user's latest words about payment fit another method than the call's."""
    reservation = reservation_of(facts, call)
    methods = methods_of(profile_of(facts, text_of(reservation, "user_id")))
    chosen = text_of(call.arguments or {}, "payment_id")
    paid = objects_of(reservation, "payment_history")
    original = text_of(paid[0], "payment_id") if paid else ""
    wanted = wanted_methods(facts, call, methods, original=original)
    if not wanted or chosen in wanted or (methods and chosen not in methods):
        return None
    return Objection(
        f"The call uses {chosen}, but the user wants {' or '.join(sorted(wanted))}. Use that, or "
        "list the other method and ask for a yes.",
        evidence=f"{sorted(wanted)} vs {chosen}",
    )


@call_check(
    "payment by certificate",
    tools=(UPDATE_FLIGHTS, UPDATE_BAGS),
    risk=0.9,
    policy=SINGLE,
)
def certificate_for_update(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a change is paid with a travel certificate."""
    del facts
    chosen = text_of(call.arguments or {}, "payment_id")
    if not chosen.startswith("certificate"):
        return None
    return Objection(f"{chosen} cannot pay for a change. Ask for one gift card or credit card.")


@call_check(
    "too many payment methods",
    tools=(BOOK,),
    risk=0.95,
    policy="Each reservation can use at most one travel certificate, at most one credit card, and "
    "at most three gift cards.",
)
def payment_mix(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a mix of payment methods that is not allowed."""
    del facts
    kinds = Counter(chosen.rpartition("_")[0] for chosen in _payments(call.arguments or {}))
    limits = {"certificate": 1, "credit_card": 1, "gift_card": 3}
    for kind, limit in limits.items():
        if kinds[kind] > limit:
            return Objection(
                f"{kinds[kind]} payments by {kind.replace('_', ' ')}, at most {limit} allowed. "
                "Spread the price over other methods of the profile.",
                evidence=f"{kinds[kind]} {kind}",
            )
    return None


@call_check(
    "price does not add up",
    tools=(BOOK,),
    risk=0.9,
    policy="The travel insurance is 30 dollars per passenger. Each extra baggage is 50 dollars.",
)
def wrong_price(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the payments are not the sum of fares, insurance and bags."""
    arguments = call.arguments or {}
    known, cabin = fares(facts), text_of(arguments, "cabin")
    legs, people = legs_of(arguments), passengers(arguments)
    if not legs or any(leg not in known or cabin not in known[leg].prices for leg in legs):
        return None
    price = sum(known[leg].prices[cabin] for leg in legs) * people
    price += 30 * people if text_of(arguments, "insurance") == "yes" else 0
    price += 50 * number_of(arguments, "nonfree_baggages")
    paid = sum(number_of(part, "amount") for part in objects_of(arguments, "payment_methods"))
    if paid == price:
        return None
    return Objection(
        f"The payments sum up to ${paid:g}, but fares, insurance and bags cost ${price:g}.",
        evidence=f"{paid:g} != {price:g}",
    )


@call_check(
    "another price than announced",
    tools=(UPDATE_FLIGHTS,),
    risk=0.7,
    policy="If the price after cabin change is higher than the original price, the user is "
    "required to pay for the difference.",
)
def announced_price(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the user agreed to an amount that the change does not cost."""
    difference = _difference(facts, call)
    agreed = consent(facts, call)
    if difference is None or agreed is None:
        return None
    people = passengers(reservation_of(facts, call)) or 1
    told = [amount for part in _TOTAL.findall(agreed.question.lower) for amount in amounts(part)]
    right = {abs(difference), abs(difference) / people}
    if not told or any(amount in right for amount in told):
        return None
    heard = list(amounts(facts.told))
    if abs(difference) in heard:
        return None
    way = "costs" if difference > 0 else "refunds"
    return Objection(
        f"The change {way} ${abs(difference):g} in all (all flights, {people} passenger(s)), but "
        f"the user was told {', '.join(f'${amount:g}' for amount in told[:3])}. The cabin applies "
        "to every flight and passenger: state the right amount and ask again.",
        evidence=f"{told[:4]} vs {difference:g}",
    )


AIRLINE_MONEY: tuple[CallCheck, ...] = (
    paid_bags,
    unread_profile,
    bags_removed,
    unwanted_bags,
    insurance_unasked,
    too_many,
    foreign_payment,
    other_payment,
    certificate_for_update,
    payment_mix,
    wrong_price,
    announced_price,
)


def _payments(arguments: JsonObject) -> list[str]:
    chosen = [text_of(part, "payment_id") for part in objects_of(arguments, "payment_methods")]
    single = text_of(arguments, "payment_id")
    return [*chosen, single] if single else chosen


def _difference(facts: Facts, call: ToolCall) -> float | None:
    """Return what a change of flights costs (positive) or refunds; `None` when unknown."""
    reservation = reservation_of(facts, call)
    arguments = call.arguments or {}
    cabin, known = text_of(arguments, "cabin"), fares(facts)
    paid = {
        (text_of(f, "flight_number"), text_of(f, "date")): number_of(f, "price")
        for f in objects_of(reservation, "flights")
    }
    total = 0.0
    for leg in legs_of(arguments):
        if leg in paid and cabin == text_of(reservation, "cabin"):
            total += paid[leg]
        elif leg in known and cabin in known[leg].prices:
            total += known[leg].prices[cabin]
        else:
            return None
    return (total - sum(paid.values())) * passengers(reservation) if reservation else None
