"""Airline: cancellations, which the tool carries out without checking the rules."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.terms import term
from sidecritic.packs.airline.flights import Leg, is_flown, legs_of, status_of
from sidecritic.packs.airline.records import (
    CANCEL,
    cabin_of,
    hours_old,
    reservation_of,
    spoken,
)
from sidecritic.packs.airline.sources import read_at, status_read_at
from sidecritic.values import JsonObject, text_of

_GROUNDS = (
    "Flight can be cancelled if any of the following is true: the booking is as new as the "
    "policy demands; the flight is cancelled by airline; it is a business flight; the user has "
    "travel insurance and the reason for cancellation is covered by insurance."
)
FRESH = term(
    "how new a booking can be cancelled",
    r"\b(?:booked|booking was made) within the last # ?(?:hrs?|hours?)\b",
    r"\bcancell?ed within # ?(?:hrs?|hours?) of booking\b",
)
_AIRLINE_CANCELLED = re.compile(
    r"\b(airline|you|they)\b[^.!?]{0,20}\bcancel+ed\b|\bflight (was|is|has been|got) cancel+ed\b"
    r"|\bcancel+ed (by|flight)"
)


@call_check("cancellation without grounds", tools=(CANCEL,), risk=0.85, policy=_GROUNDS)
def no_grounds(case: Case) -> Objection | None:
    """Fire when none of the grounds can be seen, and there is no insurance."""
    reservation = reservation_of(case)
    if not _is_groundless(case.facts, reservation):
        return None
    cabin = spoken(cabin_of(case.facts, reservation))
    return Objection(
        f"No ground for cancelling: booked {text_of(reservation, 'created_at')}, more than "
        f"{FRESH.of(case.facts):g} hours ago; {cabin}; not cancelled by the airline; no insurance. "
        "Deny the cancellation.",
        evidence=f"{cabin}, no insurance",
        messages=read_at(case),
    )


@call_check(
    "flown already",
    tools=(CANCEL,),
    risk=0.95,
    policy="If any portion of the flight has already been flown, the agent cannot help and "
    "transfer is needed.",
)
def flown(case: Case) -> Objection | None:
    """Fire on the cancellation of a reservation of which a part was flown."""
    leg = flown_leg(case.facts, reservation_of(case))
    if leg is None:
        return None
    return Objection(
        f"{leg.number} of {leg.date} has been flown already, so this reservation cannot be "
        "cancelled here. Transfer the user to a human agent.",
        evidence=f"{leg.number} {leg.date}",
        messages=(*read_at(case), *status_read_at(case.facts, [leg])),
    )


def _is_groundless(facts: Facts, reservation: JsonObject) -> bool:
    """Whether a reservation without insurance shows no ground for its cancellation.

    Where the user says that the airline cancelled it, and nobody looked, there may be one.
    """
    if not reservation or text_of(reservation, "insurance") == "yes":
        return False
    statuses = {status_of(leg, facts) for leg in legs_of(reservation)} - {""}
    return not (
        cabin_of(facts, reservation) == "business"
        or "cancelled" in statuses
        or (not statuses and _AIRLINE_CANCELLED.search(facts.said))
        or is_fresh(facts, reservation)
    )


def is_fresh(facts: Facts, reservation: JsonObject) -> bool:
    """Whether a booking is so new that it can be cancelled whatever it is.

    Raises:
        Unstated: the rules state neither how new that is nor the current time.
    """
    age = hours_old(facts, reservation)
    return age is not None and age <= FRESH.of(facts)


def flown_leg(facts: Facts, reservation: JsonObject) -> Leg | None:
    """Return a flight of a reservation that has taken off."""
    return next((leg for leg in legs_of(reservation) if is_flown(leg, facts)), None)
