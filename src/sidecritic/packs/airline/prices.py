"""Airline: with what is paid, and how much."""

import re
from collections import Counter
from collections.abc import Mapping

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.records import among
from sidecritic.checks.terms import Term, term
from sidecritic.english.amounts import amounts
from sidecritic.packs.airline.flights import (
    difference,
    fares,
    legs_of,
    price_of,
)
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_BAGS,
    UPDATE_FLIGHTS,
    methods_of,
    passengers,
    payments_of,
    reservation_of,
)
from sidecritic.packs.airline.sources import read, searched_at
from sidecritic.values import number_of, objects_of, text_of

SINGLE = (
    "If the flights are changed, the user needs to provide a single gift card or credit card for "
    "payment or refund method."
)
PROFILE = "All payment methods must already be in user profile for safety reasons."
DIFFERENCE = (
    "If the price after cabin change is higher than the original price, the user is required to "
    "pay for the difference."
)

_LIMITS: Mapping[str, Term] = {
    "certificate": term("how many certificates can pay", r"at most # travel certificates?\b"),
    "credit_card": term("how many credit cards can pay", r"at most # credit cards?\b"),
    "gift_card": term("how many gift cards can pay", r"at most # gift cards?\b"),
}
_INSURANCE = term(
    "the price of the insurance",
    r"\binsurance\b[^.]{0,120}?\b(?:is|costs) \$?# ?(?:dollars?|usd)? ?(?:per|for each) passenger",
)
_BAG = term("the price of a bag", r"\bextra (?:baggage|bag|checked bag)s? (?:is|costs) \$?#")

_TOTAL = re.compile(
    r"\b(?:total|additional|difference|refund(?:ed)?|extra|cost|charged?|fee)\b[^$\n]{0,60}\$[\d,.]*\d"
)


foreign_payment = CallCheck(
    "payment not in the profile",
    risk=0.95,
    policy=PROFILE,
    examine=among(
        lambda case: payments_of(case.arguments),
        methods_of,
        read,
        what="the payment methods in the user's profile",
        advice="Ask which of these to use.",
    ),
)


@call_check(
    "payment by certificate",
    tools=(UPDATE_FLIGHTS, UPDATE_BAGS),
    risk=0.9,
    policy=SINGLE,
)
def certificate_for_update(case: Case) -> Objection | None:
    """Fire when a change is paid with a travel certificate."""
    chosen = case.named("payment_id")
    if not chosen.startswith("certificate"):
        return None
    return Objection(f"{chosen} cannot pay for a change. Ask for one gift card or credit card.")


@call_check(
    "too many payment methods",
    tools=(BOOK,),
    risk=0.95,
    policy="The number of travel certificates, credit cards and gift cards of a reservation is "
    "limited.",
)
def payment_mix(case: Case) -> Objection | None:
    """Fire on a mix of payment methods that is not allowed."""
    kinds = Counter(chosen.rpartition("_")[0] for chosen in payments_of(case.arguments))
    for kind, most in _LIMITS.items():
        # One of a kind is allowed by whatever limit there is.
        if kinds[kind] > 1 and kinds[kind] > (limit := most.of(case.facts)):
            return Objection(
                f"{kinds[kind]} payments by {kind.replace('_', ' ')}, at most {limit:g} allowed. "
                "Spread the price over other methods of the profile.",
                evidence=f"{kinds[kind]} {kind}",
            )
    return None


@call_check(
    "price does not add up",
    tools=(BOOK,),
    risk=0.9,
    policy="Fares, the travel insurance of each passenger and each extra baggage are paid for.",
)
def wrong_price(case: Case) -> Objection | None:
    """Fire when the payments are not the sum of fares, insurance and bags."""
    arguments = case.arguments
    legs, people = legs_of(arguments), passengers(arguments)
    fare = price_of(legs, text_of(arguments, "cabin"), fares(case.facts)) if legs else None
    if fare is None:
        return None
    price, bags = fare * people, number_of(arguments, "nonfree_baggages")
    price += _INSURANCE.of(case.facts) * people if case.named("insurance") == "yes" else 0
    price += _BAG.of(case.facts) * bags if bags else 0
    paid = sum(number_of(part, "amount") for part in objects_of(arguments, "payment_methods"))
    if paid == price:
        return None
    return Objection(
        f"The payments sum up to ${paid:g}, but fares, insurance and bags cost ${price:g}.",
        evidence=f"{paid:g} != {price:g}",
        messages=searched_at(case.facts),
    )


@call_check("another price than announced", tools=(UPDATE_FLIGHTS,), risk=0.65, policy=DIFFERENCE)
def announced_price(case: Case) -> Objection | None:
    """Fire when the user was told another amount than the change costs, or none at all.

    The amounts of a message may be those of all passengers or of one, of the difference or of
    the new flights.
    """
    costs = difference(case)
    agreed = case.agreed
    people = passengers(reservation_of(case)) or 1
    if not costs or agreed is None:
        return None
    if _was_told(case, costs, costs / people, *_new_fares(case, people)):
        return None
    told = [amount for part in _TOTAL.findall(agreed.question.lower) for amount in amounts(part)]
    way = "costs" if costs > 0 else "refunds"
    named = f"told {', '.join(f'${amount:g}' for amount in told[:3])}" if told else "told no price"
    return Objection(
        f"The change {way} ${abs(costs):g} in all (all flights, {people} passenger(s)), but the "
        f"user was {named}. The cabin applies to every flight and passenger: state the right "
        "amount and ask again.",
        evidence=f"{told[:4]} vs {costs:g}",
        messages=(agreed.question.position,),
        risk=None if told and costs > 0 else 0.3,
    )


def _was_told(case: Case, *right: float) -> bool:
    """Whether the agent named one of the amounts, whatever their signs."""
    heard = set(amounts(case.facts.told))
    return any(abs(one - abs(amount)) < 0.5 for one in heard for amount in right)


def _new_fares(case: Case, people: int) -> set[float]:
    """Return what the new flights cost, for one passenger and for all."""
    arguments, known = case.arguments, fares(case.facts)
    cabin = text_of(arguments, "cabin")
    kept = set(legs_of(reservation_of(case)))
    new = [leg for leg in legs_of(arguments) if leg not in kept]
    prices = (price_of(legs, cabin, known) for legs in (new, legs_of(arguments)) if legs)
    return {price * n for price in prices if price for n in (1, people)}
