"""Reservations, profiles and terms of the airline domain, as far as they are known.

Known is what the conversation showed and what the critic looked up. Only whether the *agent* has
read a record is asked of the conversation alone.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.records import Kind
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
_CABINS = ("basic_economy", "economy", "business")
_NOW = re.compile(r"current time is (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
_DEFAULT_NOW = "2024-05-15 15:00:00"
_ALLOWANCE = re.compile(r"(\d) free checked bags? for each (basic economy|economy|business)")
_LEVEL = re.compile(r"is an? (regular|silver|gold) member\b")

FREE_BAGS: Mapping[str, Mapping[str, int]] = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 4},
}
"""What τ² allows; τ-bench allows a gold member one bag less in business, see `allowance`."""


def says(facts: Facts, *sentences: str) -> bool:
    """Whether the rules of this run hold one of the sentences; yes where they are not known."""
    text = " ".join(facts.policy.lower().split())
    return not text or any(sentence in text for sentence in sentences)


def now(facts: Facts) -> datetime:
    """Return the time of the run, as its rules state it."""
    stated = _NOW.search(facts.policy)
    return datetime.fromisoformat(stated[1] if stated else _DEFAULT_NOW)


def today(facts: Facts) -> str:
    return now(facts).date().isoformat()


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
    """Return the hours since the booking; `None` when unknown."""
    created = text_of(reservation, "created_at")
    try:
        return (now(facts) - datetime.fromisoformat(created)).total_seconds() / 3600
    except (ValueError, TypeError):
        return None


def passengers(record: JsonObject) -> int:
    """Return the number of passengers of a reservation, or of a call's arguments."""
    return len(objects_of(record, "passengers"))


def allowance(facts: Facts) -> Mapping[str, Mapping[str, int]]:
    """Return the free bags of a passenger by membership and cabin, as the rules state them."""
    text = " ".join(facts.policy.lower().split())
    levels = [*_LEVEL.finditer(text)]
    stated: dict[str, Mapping[str, int]] = {}
    for index, level in enumerate(levels):
        end = levels[index + 1].start() if index + 1 < len(levels) else len(text)
        each = _ALLOWANCE.findall(text[level.end() : end])
        stated[level[1]] = {cabin.replace(" ", "_"): int(count) for count, cabin in each[:3]}
    complete = all(set(stated.get(level, ())) == set(_CABINS) for level in FREE_BAGS)
    return stated if complete else FREE_BAGS


def free_bags(facts: Facts, membership: str, cabin: str, people: int) -> int | None:
    """Return the free checked bags of a reservation; `None` when something is unknown."""
    each = allowance(facts).get(membership, {}).get(cabin)
    return None if each is None or not people else each * people


def spoken(cabin: str) -> str:
    """Return a cabin as it is spoken of."""
    return cabin.replace("_", " ")
