"""Reservations, profiles and terms of the airline domain, as far as they are known.

Known is what the conversation showed and what the critic looked up. Only whether the *agent* has
read a record is asked of the conversation alone.
"""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import Kind
from sidecritic.checks.terms import NUMBER, Unstated, now, number_in, policy_text
from sidecritic.values import JsonObject, object_of, objects_of, text_of

BOOK = "book_reservation"
CANCEL = "cancel_reservation"
UPDATE_FLIGHTS = "update_reservation_flights"
UPDATE_BAGS = "update_reservation_baggages"
UPDATE_PASSENGERS = "update_reservation_passengers"
CERTIFICATE = "send_certificate"

RESERVATION = Kind("reservation", "reservation_id", "get_reservation_details", owner="user_id")
PROFILE = Kind("profile", "user_id", "get_user_details")

ON_RESERVATIONS = (CANCEL, UPDATE_FLIGHTS, UPDATE_BAGS, UPDATE_PASSENGERS)

_NONE: JsonObject = {}
_ALLOWANCE = re.compile(rf"{NUMBER} free checked bags? for each (basic economy|economy|business)")
_LEVEL = re.compile(r"is an? (\w{1,20}) member\b")


def says(facts: Facts, *sentences: str) -> bool:
    """Whether the rules of this run hold one of the sentences; yes where they are not known."""
    text = policy_text(facts)
    return not text or any(sentence in text for sentence in sentences)


def reservations(facts: Facts) -> Mapping[str, JsonObject]:
    return facts.known.get("reservation_id", {})


def reservation_of(case: Case) -> JsonObject:
    """Return the reservation that a call is about; empty when it is not known."""
    return RESERVATION.of(case)


def cabin_of(facts: Facts, reservation: JsonObject) -> str:
    """Return the cabin that a reservation has now.

    In τ-bench a changed cabin is paid for but not written down, so the last change counts.
    """
    wanted = text_of(reservation, "reservation_id")
    for done in reversed(facts.writes):
        changed = done.call.name == UPDATE_FLIGHTS
        if changed and text_of(done.arguments, "reservation_id") == wanted:
            return text_of(done.arguments, "cabin")
    return text_of(reservation, "cabin")


def profile_of(case: Case) -> JsonObject:
    """Return the profile of the user that a call is for; empty when it is not known.

    A profile may carry no id of its own, so the argument of its look-up counts too.
    """
    profiles, owner = case.facts.known.get("user_id", {}), RESERVATION.owner_of(case)
    return profiles.get(owner, {}) if owner else next(iter(profiles.values()), _NONE)


def methods_of(case: Case) -> dict[str, JsonObject]:
    """Return the payment methods of the user that a call is for, by id."""
    found = object_of(profile_of(case), "payment_methods")
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def payments_of(arguments: JsonObject) -> list[str]:
    """Return the ids of the payment methods that a call uses."""
    chosen = [text_of(part, "payment_id") for part in objects_of(arguments, "payment_methods")]
    single = text_of(arguments, "payment_id")
    return [*chosen, single] if single else chosen


def hours_old(facts: Facts, reservation: JsonObject) -> float | None:
    """Return the hours since the booking; `None` when nobody knows when that was."""
    try:
        created = datetime.fromisoformat(text_of(reservation, "created_at"))
    except ValueError:
        return None
    return (now(facts) - created.replace(tzinfo=None)) / timedelta(hours=1)


def passengers(record: JsonObject) -> int:
    """Return the number of passengers of a reservation, or of a call's arguments."""
    return len(objects_of(record, "passengers"))


def allowance(facts: Facts) -> Mapping[tuple[str, str], float]:
    """Return the free bags of a passenger by membership and cabin, as the rules state them."""
    text = policy_text(facts)
    levels = [*_LEVEL.finditer(text)]
    stated: dict[tuple[str, str], float] = {}
    for index, level in enumerate(levels):
        end = levels[index + 1].start() if index + 1 < len(levels) else len(text)
        for count, cabin in _ALLOWANCE.findall(text[level.end() : end]):
            stated.setdefault((level[1], cabin.replace(" ", "_")), number_in(count))
    return stated


def free_bags(facts: Facts, membership: str, cabin: str, people: int) -> float | None:
    """Return the free checked bags of a reservation; `None` when a record is unknown.

    Raises:
        Unstated: the rules do not say how many there are.
    """
    if not membership or not cabin or not people:
        return None
    each = facts.once(allowance).get((membership, cabin))
    if each is None:
        raise Unstated(f"the policy states no free bags for {membership} members in {cabin}")
    return each * people


def spoken(cabin: str) -> str:
    """Return a cabin as it is spoken of."""
    return cabin.replace("_", " ")
