"""Airline: the call against what the user wants, and against what was announced."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.facts import Facts
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.packs.airline.records import allowance
from sidecritic.types import Proposal
from tests.talk import Talk
from tests.unit.packs.airline.test_pack import (
    BOOK,
    CABIN,
    CANCEL,
    FLIGHTS,
    MIA,
    NOAH,
    PEOPLE,
    Call,
    but,
    flight,
    names,
    offer,
    reservation,
    talk,
)

ZOE: JsonValue = {"first_name": "Zoe", "last_name": "Li", "dob": "1991-04-05"}


def searched(text: str) -> Talk:
    """Return a talk with a search that shows three direct flights and one with a stop."""
    away = talk(text)
    route: dict[str, JsonValue] = {"origin": "JFK", "destination": "SEA", "date": "2024-05-20"}
    direct: list[JsonValue] = [
        offer("HAT001", "JFK-SEA", "06:00-12:00", 150),
        offer("HAT002", "JFK-SEA", "12:00-17:00", 170),
        offer("HAT008", "JFK-SEA", "15:00-22:00", 140),
    ]
    stop: JsonValue = [
        offer("HAT003", "JFK-ORD", "06:00-08:00", 60),
        offer("HAT009", "ORD-SEA", "09:00-14:00", 70),
    ]
    return away.did("search_direct_flight", direct, **route).did(
        "search_onestop_flight", [stop], **route
    )


def on(*numbers: str, call: Call = FLIGHTS) -> Call:
    flights: list[JsonValue] = [{"flight_number": n, "date": "2024-05-20"} for n in numbers]
    return but(call, flights=flights)


@pytest.mark.parametrize(
    ("check", "wrong", "right", "call"),
    [
        ("passenger nobody named", "Book it.", "Book it for Zoe Li.", but(BOOK, passengers=[ZOE])),
        ("another trip than booked", "Book a round trip.", "Book it one-way.", BOOK),
    ],
)
def test_the_call_does_what_the_user_said(check: str, wrong: str, right: str, call: Call) -> None:
    cabin = "basic_economy" if call == FLIGHTS else "economy"
    assert check in names(talk(wrong, cabin=cabin), call)
    assert check not in names(talk(right, cabin=cabin), call)


def test_a_part_is_not_upgraded_by_changing_the_whole() -> None:
    part = talk("Could you upgrade me to business class for that segment?")
    assert "cabin of a part" in names(part, CABIN)
    whole = part.agent("That changes all flights of the reservation.").user("Yes.")
    assert "cabin of a part" not in names(whole, CABIN)


def test_a_change_that_changes_nothing_is_noticed() -> None:
    assert "nothing changed" in names(talk("Change it."), on("HAT001"))
    assert "nothing changed" in names(talk("Correct a name."), PEOPLE)
    assert "nothing changed" not in names(
        talk("Correct a name."), but(PEOPLE, passengers=[NOAH, MIA])
    )


def test_a_flown_flight_is_neither_changed_nor_chosen() -> None:
    old: list[JsonValue] = [flight("HAT001", "2024-05-10", "JFK", "SEA", 150)]
    assert "flown flight changed" in names(talk("Another flight.", flights=old), on("HAT002"))
    assert "flown flight changed" not in names(talk("Another flight."), on("HAT002"))


def test_a_booking_is_to_where_its_flights_stay() -> None:
    there_and_back = searched("Book it.").did(
        "search_direct_flight",
        [offer("HAT005", "SEA-JFK", "12:00-20:00", 150)],
        origin="SEA",
        destination="JFK",
        date="2024-05-22",
    )
    flights: list[JsonValue] = [
        {"flight_number": "HAT003", "date": "2024-05-20"},
        {"flight_number": "HAT009", "date": "2024-05-20"},
        {"flight_number": "HAT005", "date": "2024-05-22"},
    ]
    booking = but(BOOK, flights=flights, flight_type="round_trip")
    assert "another trip than booked" not in names(there_and_back, booking)
    assert "another trip than booked" in names(there_and_back, but(booking, destination="ORD"))
    assert "another trip than booked" in names(there_and_back, but(booking, flight_type="one_way"))


def test_a_cabin_that_was_changed_counts_even_if_it_was_not_written_down() -> None:
    upgraded = talk("Upgrade, then cancel it.").did(CABIN[0], reservation(), **CABIN[1])
    assert "cancellation without grounds" not in names(upgraded, CANCEL)


def with_policy(proposed: Talk, call: Call, policy: str) -> Proposal:
    return proposed.calls(call[0], **call[1]).model_copy(update={"policy": policy})


SHORT = "Flights can be cancelled only if travel insurance is bought and the condition is met."


def test_a_rule_that_the_policy_of_the_run_lacks_does_not_fire() -> None:
    old: list[JsonValue] = [flight("HAT001", "2024-05-10", "JFK", "SEA", 150)]
    flown = talk("Upgrade all of us to business.", flights=old)
    rule = "Cabin cannot be changed if any flight in the reservation has already been flown."
    time = "The current time is 2024-05-15 15:00:00 EST."
    for policy, fires in ((f"{time} {rule}", True), (f"{time} {SHORT}", False)):
        found = AIRLINE.findings(with_policy(flown, CABIN, policy))
        assert ("cabin changed after take-off" in {one.check for one in found}) is fires


def test_free_bags_are_those_of_the_policy_of_the_run() -> None:
    text = " ".join(
        f"If the booking user is a {level} member, {a} free checked bag for each basic economy "
        f"passenger, {b} free checked bag for each economy passenger, and {c} free checked bags "
        "for each business passenger."
        for level, a, b, c in (("regular", 0, 1, 2), ("silver", 1, 2, 3), ("gold", 2, 3, 3))
    )
    stated = Facts.of(with_policy(talk(""), CANCEL, text))
    assert allowance(stated)["gold", "business"] == 3
    assert allowance(Facts.of(with_policy(talk(""), CANCEL, ""))) == {}
