"""Reservations, profiles and flights of the airline domain, as far as the tools showed them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.policies.facts import Facts
from sidecritic.policies.values import JsonObject, number_of, object_of, objects_of, text_of
from sidecritic.types import ToolCall

BOOK = "book_reservation"
CANCEL = "cancel_reservation"
UPDATE_FLIGHTS = "update_reservation_flights"
UPDATE_BAGS = "update_reservation_baggages"
UPDATE_PASSENGERS = "update_reservation_passengers"
CERTIFICATE = "send_certificate"

ON_RESERVATIONS = (CANCEL, UPDATE_FLIGHTS, UPDATE_BAGS, UPDATE_PASSENGERS)

NOW = datetime(2024, 5, 15, 15, 0)  # noqa: DTZ001 # the policy's clock has no zone of ours
TODAY = "2024-05-15"

_NONE: JsonObject = {}

FREE_BAGS: Mapping[str, Mapping[str, int]] = {
    "regular": {"basic_economy": 0, "economy": 1, "business": 2},
    "silver": {"basic_economy": 1, "economy": 2, "business": 3},
    "gold": {"basic_economy": 2, "economy": 3, "business": 4},
}


class Leg(NamedTuple):
    """A flight on a date."""

    number: str
    date: str


class Fare(NamedTuple):
    """What a search showed of a flight on a date."""

    origin: str
    destination: str
    departs: str
    arrives: str
    prices: Mapping[str, float]


def reservation_of(facts: Facts, call: ToolCall) -> JsonObject:
    """Return the reservation that a call is about; empty when it was never looked up."""
    return reservations(facts).get(text_of(call.arguments or {}, "reservation_id"), {})


def reservations(facts: Facts) -> Mapping[str, JsonObject]:
    return facts.records.get("reservation_id", {})


def profile_of(facts: Facts, user_id: str) -> JsonObject:
    """Return a user's profile; empty when it was never looked up."""
    profiles = facts.records.get("user_id", {})
    if user_id:
        return profiles.get(user_id, {})
    return next(iter(profiles.values()), _NONE)


def methods_of(profile: JsonObject) -> dict[str, JsonObject]:
    """Return payment methods by id."""
    found = object_of(profile, "payment_methods")
    return {key: value for key, value in found.items() if isinstance(value, dict)}


def legs_of(record: JsonObject) -> tuple[Leg, ...]:
    """Return the flights of a reservation, or of a call's arguments."""
    flights = objects_of(record, "flights")
    return tuple(Leg(text_of(f, "flight_number"), text_of(f, "date")) for f in flights)


def is_flown(leg: Leg, facts: Facts) -> bool:
    """Whether a flight has taken off, by its date or by the status that was looked up."""
    if leg.date and leg.date < TODAY:
        return True
    return status_of(leg, facts) in ("landed", "flying")


def status_of(leg: Leg, facts: Facts) -> str:
    """Return the status that was looked up; empty when it was not."""
    for done in reversed(facts.done):
        if done.call.name == "get_flight_status" and not done.is_error:
            arguments = done.arguments
            if (text_of(arguments, "flight_number"), text_of(arguments, "date")) == leg:
                return done.text.strip().lower()
    return ""


def hours_old(reservation: JsonObject) -> float | None:
    """Return the hours since the booking; `None` when unknown."""
    created = text_of(reservation, "created_at")
    try:
        return (NOW - datetime.fromisoformat(created)).total_seconds() / 3600
    except ValueError:
        return None


def fares(facts: Facts) -> Mapping[Leg, Fare]:
    """Return what the searches showed, by flight and date."""
    found: dict[Leg, Fare] = {}
    for done in facts.done:
        if not done.call.name.startswith("search_") or done.is_error:
            continue
        for flight in _flights(done.value):
            date = text_of(flight, "date") or text_of(done.arguments, "date")
            prices = object_of(flight, "prices")
            found[Leg(text_of(flight, "flight_number"), date)] = Fare(
                origin=text_of(flight, "origin"),
                destination=text_of(flight, "destination"),
                departs=text_of(flight, "scheduled_departure_time_est"),
                arrives=text_of(flight, "scheduled_arrival_time_est"),
                prices={cabin: number_of(prices, cabin) for cabin in prices},
            )
    return found


def ends_of(legs: Sequence[Leg], facts: Facts, reservation: JsonObject) -> list[tuple[str, str]]:
    """Return origin and destination of each leg; empty texts where they are unknown."""
    known = {leg: (fare.origin, fare.destination) for leg, fare in fares(facts).items()}
    by_number = {leg.number: ends for leg, ends in known.items()}
    for flight in objects_of(reservation, "flights"):
        by_number[text_of(flight, "flight_number")] = (
            text_of(flight, "origin"),
            text_of(flight, "destination"),
        )
    return [known.get(leg) or by_number.get(leg.number, ("", "")) for leg in legs]


def passengers(record: JsonObject) -> int:
    """Return the number of passengers of a reservation, or of a call's arguments."""
    return len(objects_of(record, "passengers"))


def free_bags(membership: str, cabin: str, people: int) -> int | None:
    """Return the free checked bags of a reservation; `None` when something is unknown."""
    each = FREE_BAGS.get(membership, {}).get(cabin)
    return None if each is None or not people else each * people


def _flights(value: JsonValue) -> Iterator[JsonObject]:
    """Walk over the flights in a search result: a list, or a list of pairs."""
    match value:
        case list():
            for part in value:
                yield from _flights(part)
        case dict() if "flight_number" in value:
            yield value
        case _:
            return
