"""Airline: cancellations and changes, which the tools carry out without checking the rules."""

import re
from itertools import pairwise

from sidecritic.policies.airline_records import (
    BOOK,
    CANCEL,
    ON_RESERVATIONS,
    UPDATE_FLIGHTS,
    UPDATE_PASSENGERS,
    Leg,
    ends_of,
    fares,
    hours_old,
    is_flown,
    legs_of,
    passengers,
    reservation_of,
    status_of,
)
from sidecritic.policies.base import CallCheck, Objection, call_check
from sidecritic.policies.consent import consent
from sidecritic.policies.facts import Facts
from sidecritic.policies.language import mentions
from sidecritic.policies.values import JsonObject, objects_of, text_of
from sidecritic.types import ToolCall

_COVERED = re.compile(
    r"\b(sick\w*|ill(ness)?|health|medical|doctor|hospital|surgery|injur\w*|unwell|fever|flu|covid"
    r"|weather|storm\w*|snow\w*|hurricane|flood\w*|thunder\w*)\b"
)
_PART = re.compile(
    r"\b(only|just)\b[^.\n]{0,30}"
    r"\b(outbound|return|leg|segment|(first|second|last|one) (flight|leg|passenger))\b"
    r"|\b(outbound|return|leg|segment)\b[^.\n]{0,12}\bonly\b"
)
_AIRLINE_CANCELLED = re.compile(
    r"\b(airline|you|they)\b[^.!?]{0,20}\bcancel+ed\b|\bflight (was|is|has been|got) cancel+ed\b"
    r"|\bcancel+ed (by|flight)"
)


@call_check(
    "reservation not looked up",
    tools=ON_RESERVATIONS,
    risk=0.75,
    policy="The API does not check these for the agent, so the agent must make sure the rules "
    "apply before calling the API!",
)
def unread_reservation(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the reservation of the call was never read."""
    if reservation_of(facts, call):
        return None
    which = text_of(call.arguments or {}, "reservation_id") or "the reservation"
    return Objection(
        f"{which} was never looked up. Call get_reservation_details and make sure that the rules "
        "allow this."
    )


@call_check(
    "cancelled already",
    tools=ON_RESERVATIONS,
    risk=0.85,
    policy="The agent must make sure the rules apply before calling the API!",
)
def already_cancelled(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a change of a cancelled reservation."""
    if text_of(reservation_of(facts, call), "status") != "cancelled":
        return None
    return Objection("This reservation is cancelled already. Tell the user so.")


@call_check(
    "cancellation without grounds",
    tools=(CANCEL,),
    risk=0.85,
    policy="Flight can be cancelled if any of the following is true: the booking was made within "
    "the last 24 hrs; the flight is cancelled by airline; it is a business flight; the user has "
    "travel insurance and the reason for cancellation is covered by insurance.",
)
def no_grounds(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when none of the four grounds can be seen."""
    reservation = reservation_of(facts, call)
    if not reservation or _has_grounds(facts, reservation):
        return None
    insured = text_of(reservation, "insurance") == "yes"
    cabin = text_of(reservation, "cabin").replace("_", " ")
    return Objection(
        f"No ground for cancelling: booked {text_of(reservation, 'created_at')}, more than 24 "
        f"hours ago; {cabin}; not cancelled by the airline; "
        + ("insured, but for health or weather reasons only." if insured else "no insurance.")
        + " Deny the cancellation.",
        evidence=f"{cabin}, insurance {text_of(reservation, 'insurance')}",
    )


@call_check(
    "flown already",
    tools=(CANCEL,),
    risk=0.95,
    policy="If any portion of the flight has already been flown, the agent cannot help and "
    "transfer is needed.",
)
def flown(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on the cancellation of a reservation of which a part was flown."""
    leg = _flown_leg(facts, reservation_of(facts, call))
    if leg is None:
        return None
    return Objection(
        f"{leg.number} of {leg.date} has been flown already, so this reservation cannot be "
        "cancelled here. Transfer the user to a human agent.",
        evidence=f"{leg.number} {leg.date}",
    )


@call_check(
    "cabin changed after take-off",
    tools=(UPDATE_FLIGHTS,),
    risk=0.95,
    policy="Cabin cannot be changed if any flight in the reservation has already been flown.",
)
def cabin_after_flown(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a change of cabin when a part of the reservation was flown."""
    reservation = reservation_of(facts, call)
    leg = _flown_leg(facts, reservation)
    if leg is None or text_of(call.arguments or {}, "cabin") == text_of(reservation, "cabin"):
        return None
    return Objection(
        f"{leg.number} of {leg.date} has been flown already, so the cabin cannot change. Deny it.",
        evidence=f"{leg.number} {leg.date}",
    )


@call_check(
    "basic economy changed",
    tools=(UPDATE_FLIGHTS,),
    risk=0.75,
    policy="Basic economy flights cannot be modified.",
)
def basic_economy(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the flights of a basic economy reservation change."""
    reservation = reservation_of(facts, call)
    if text_of(reservation, "cabin") != "basic_economy":
        return None
    if set(legs_of(reservation)) == set(legs_of(call.arguments or {})):
        return None
    return Objection(
        "This is a basic economy reservation: its flights cannot be changed, only its cabin (with "
        "the same flights). Deny the change of flights.",
        evidence="basic_economy",
        # A cabin may change first and the flights after it; references do both in one call.
        risk=None if text_of(call.arguments or {}, "cabin") == "basic_economy" else 0.3,
    )


@call_check(
    "cabin of a part",
    tools=(UPDATE_FLIGHTS,),
    risk=0.65,
    policy="Cabin class must remain the same across all the flights in the same reservation; "
    "changing cabin for just one flight segment is not possible.",
)
def partial_cabin(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when another cabin was agreed to for one passenger or flight, and the call takes all."""
    reservation = reservation_of(facts, call)
    agreed = consent(facts, call)
    cabin = text_of(call.arguments or {}, "cabin")
    if agreed is None or not reservation or cabin == text_of(reservation, "cabin"):
        return None
    words = f"{agreed.question.lower} {agreed.answer.lower}"
    names = [text_of(p, "first_name").lower() for p in objects_of(reservation, "passengers")]
    named = [name for name in names if mentions(words, name)]
    part = _PART.search(words)
    if part is None and (not named or len(named) == len(names)):
        return None
    return Objection(
        f"The call changes the cabin of the whole reservation ({len(names)} passenger(s), every "
        f"flight), but only {part[0] if part else ', '.join(named)} was agreed to. A part cannot "
        "change: say so, and state the price for all.",
        evidence=part[0] if part else ", ".join(named),
    )


@call_check(
    "another journey",
    tools=(UPDATE_FLIGHTS,),
    risk=0.85,
    policy="Other reservations can be modified without changing the origin, destination, and "
    "trip type.",
)
def other_journey(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the new flights begin or end elsewhere, or one way of a round trip is gone."""
    reservation = reservation_of(facts, call)
    ends = ends_of(legs_of(call.arguments or {}), facts, reservation)
    if not reservation or not ends or any(not all(pair) for pair in ends):
        return None
    origin, destination = text_of(reservation, "origin"), text_of(reservation, "destination")
    final = origin if text_of(reservation, "flight_type") == "round_trip" else destination
    visited = {place for pair in ends for place in pair}
    if ends[0][0] == origin and ends[-1][1] == final and destination in visited:
        return None
    return Objection(
        f"The reservation goes from {origin} to {destination} "
        f"({text_of(reservation, 'flight_type').replace('_', ' ')}), the call lists "
        f"{' '.join(f'{a}-{b}' for a, b in ends)}. List every flight of the whole trip, kept ones "
        "included; origin, destination and trip type cannot change.",
        evidence=str(ends),
    )


@call_check(
    "impossible connection",
    tools=(UPDATE_FLIGHTS, BOOK),
    risk=0.8,
    policy="All passengers must fly the same flights in the same cabin.",
)
def impossible_connection(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when a flight departs before the one before it has arrived, or the route breaks."""
    legs = legs_of(call.arguments or {})
    known = fares(facts)
    for first, second in pairwise(legs):
        if first not in known or second not in known:
            continue
        arrival, departure = (
            _arrival(first, known[first].arrives),
            f"{second.date}T{known[second].departs}",
        )
        if arrival and departure < arrival:
            return Objection(
                f"{second.number} departs {departure}, before {first.number} arrives {arrival}. "
                "Choose flights that can be flown one after the other.",
                evidence=f"{departure} < {arrival}",
            )
    return None


@call_check(
    "number of passengers",
    tools=(UPDATE_PASSENGERS,),
    risk=0.95,
    policy="The user can modify passengers but cannot modify the number of passengers.",
)
def passenger_number(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when passengers are added or removed."""
    before = passengers(reservation_of(facts, call))
    after = passengers(call.arguments or {})
    if not before or before == after:
        return None
    return Objection(
        f"The reservation has {before} passengers, the call lists {after}. The number cannot "
        "change, not even by a human agent: deny it.",
        evidence=f"{before} -> {after}",
    )


AIRLINE_RULES: tuple[CallCheck, ...] = (
    unread_reservation,
    already_cancelled,
    no_grounds,
    flown,
    cabin_after_flown,
    basic_economy,
    partial_cabin,
    other_journey,
    impossible_connection,
    passenger_number,
)


def _has_grounds(facts: Facts, reservation: JsonObject) -> bool:
    age = hours_old(reservation)
    if text_of(reservation, "cabin") == "business" or (age is not None and age <= 24):
        return True
    if any(status_of(leg, facts) == "cancelled" for leg in legs_of(reservation)):
        return True
    if text_of(reservation, "insurance") == "yes" and _COVERED.search(facts.said):
        return True
    unchecked = not any(status_of(leg, facts) for leg in legs_of(reservation))
    return unchecked and bool(_AIRLINE_CANCELLED.search(facts.said))


def _flown_leg(facts: Facts, reservation: JsonObject) -> Leg | None:
    return next((leg for leg in legs_of(reservation) if is_flown(leg, facts)), None)


def _arrival(leg: Leg, time: str) -> str:
    """Return the arrival as date and time; empty when the date changes or is unknown."""
    return "" if "+" in time or not time else f"{leg.date}T{time}"
