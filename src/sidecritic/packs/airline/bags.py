"""Airline: checked bags and travel insurance."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import EVIDENCE
from sidecritic.checks.records import all_words, spoken_of
from sidecritic.packs.airline.records import (
    BOOK,
    UPDATE_BAGS,
    cabin_of,
    free_bags,
    passengers,
    profile_of,
    reservation_of,
    says,
)
from sidecritic.packs.airline.sources import read_at
from sidecritic.values import number_of, text_of

BAGS = "Free checked bags go by membership and cabin; each extra baggage is paid for."
INSURANCE = "The agent should ask if the user wants to buy the travel insurance."

_BAG = re.compile(r"\b(bag|bags|baggage|baggages|luggage|suitcases?|checked)\b")
_INSURANCE = re.compile(r"\b(?:travel )?insur")


@call_check("wrong number of paid bags", tools=(BOOK, UPDATE_BAGS), risk=0.9, policy=BAGS)
def paid_bags(case: Case) -> Objection | None:
    """Fire when the paid bags do not follow from membership, cabin and passengers."""
    arguments = case.arguments
    record = arguments if case.tool == BOOK else reservation_of(case)
    membership = text_of(profile_of(case), "membership")
    cabin = text_of(arguments, "cabin") or cabin_of(case.facts, record)
    free = free_bags(case.facts, membership, cabin, passengers(record))
    if free is None:
        return None
    total, paid = number_of(arguments, "total_baggages"), number_of(arguments, "nonfree_baggages")
    due = max(0, total - free)
    if case.tool == UPDATE_BAGS:
        # Bags that were paid for once stay paid for.
        due = max(due, min(number_of(record, "nonfree_baggages"), total))
    if paid == due:
        return None
    return Objection(
        f"A {membership} member with {passengers(record)} passenger(s) in {cabin} has {free:g} "
        f"free bags; of {total:g} bags {due:g} are to be paid, not {paid:g}.",
        evidence=f"{total:g} bags, {free:g} free",
        messages=read_at(case),
    )


@call_check(
    "bags removed",
    tools=(UPDATE_BAGS,),
    risk=0.95,
    policy="The user can add but not remove checked bags.",
)
def bags_removed(case: Case) -> Objection | None:
    """Fire when a reservation would hold fewer bags than before."""
    reservation = reservation_of(case)
    before = number_of(reservation, "total_baggages")
    after = number_of(case.arguments, "total_baggages")
    if not reservation or after >= before:
        return None
    return Objection(
        f"The reservation holds {before:g} bags and the call sets {after:g}. Bags can be added but "
        "not removed: deny it.",
        evidence=f"{before:g} -> {after:g}",
        messages=read_at(case),
    )


def _added_bags(case: Case) -> str:
    before = number_of(reservation_of(case), "total_baggages")
    added = number_of(case.arguments, "total_baggages") - before
    return f"adds {added:g} checked bag(s)" if added > 0 else ""


unwanted_bags = CallCheck(
    "bags nobody wants",
    tools=(BOOK, UPDATE_BAGS),
    risk=0.6,
    policy="Do not add checked bags that the user does not need.",
    examine=spoken_of(_added_bags, _BAG, "Ask how many are needed, or add none."),
)


def _insurance(case: Case) -> str:
    chosen = case.named("insurance")
    asked = chosen and says(case.facts, INSURANCE.lower().rstrip("."))
    return f"books insurance: {chosen}" if asked else ""


insurance_not_asked = CallCheck(
    "insurance never asked about",
    tools=(BOOK,),
    risk=EVIDENCE,
    policy=INSURANCE,
    examine=spoken_of(
        _insurance,
        _INSURANCE,
        "Name the price per passenger, and ask whether the user wants it, before you book.",
        by=all_words,
    ),
)
