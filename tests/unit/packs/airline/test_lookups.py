"""What the airline pack looks up by itself, and what that makes it know."""

import json
from collections.abc import Mapping

from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.types import ToolResult
from tests.talk import Talk
from tests.unit.packs import rules
from tests.unit.packs.airline.test_pack import (
    CANCEL,
    CERTIFICATE,
    FLIGHTS,
    TOOLS,
    USER,
    Call,
    but,
    flight,
    offer,
    reservation,
)

Answers = Mapping[tuple[str, str], JsonValue]


class Desk:
    """Answers look-ups by tool and first argument, and remembers which were made."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str]] = []

    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        key = (name, "-".join(str(value) for value in arguments.values()))
        self.asked.append(key)
        found = self.answers.get(key)
        text = found if isinstance(found, str) else json.dumps(found)
        return ToolResult(call_id="look", name=name, text=text, is_error=found is None)


async def judged(talk: Talk, call: Call, answers: Answers) -> tuple[dict[str, Finding], Desk]:
    desk = Desk(answers)
    proposal = talk.calls(call[0], **call[1])
    looking = proposal.model_copy(update={"look": desk})
    found = await AIRLINE.examined(looking)
    return {one.check: one for one in found}, desk


def asked(text: str) -> Talk:
    """Return a talk in which the agent has read nothing."""
    return (
        Talk(tools=TOOLS, policy=rules.AIRLINE)
        .user(f"I'm mia_li_3668. {text}")
        .agent("Shall I proceed?")
        .user("Yes.")
    )


READ = ("get_reservation_details", "ABC123")


async def test_a_reservation_that_nobody_read_is_looked_up_and_judged_by_the_rules() -> None:
    talk = asked("My plans changed, cancel ABC123.")
    found, desk = await judged(talk, CANCEL, {READ: reservation()})
    assert READ in desk.asked
    assert "cancellation without grounds" in found
    found, _ = await judged(talk, CANCEL, {READ: reservation(cabin="business")})
    assert "cancellation without grounds" not in found
    assert found["reservation not looked up"].risk < 0.5


async def test_whether_the_airline_cancelled_a_flight_is_looked_up() -> None:
    talk = asked("You cancelled my flight, so cancel ABC123.")
    status = ("get_flight_status", "HAT001-2024-05-20")
    found, _ = await judged(talk, CANCEL, {READ: reservation(), status: "available"})
    assert "cancellation without grounds" in found
    found, _ = await judged(talk, CANCEL, {READ: reservation(), status: "cancelled"})
    assert "cancellation without grounds" not in found


async def test_a_flight_of_the_past_that_was_cancelled_was_not_flown() -> None:
    old = reservation(flights=[flight("HAT001", "2024-05-10", "JFK", "SEA", 1)])
    status = ("get_flight_status", "HAT001-2024-05-10")
    talk = asked("Cancel ABC123, you cancelled the flight.")
    found, _ = await judged(talk, CANCEL, {READ: old, status: "cancelled"})
    assert "flown already" not in found
    found, _ = await judged(talk, CANCEL, {READ: old, status: "landed"})
    assert "flown already" in found


ROUND = reservation(
    flight_type="round_trip",
    flights=[
        flight("HAT001", "2024-05-20", "JFK", "SEA", 150),
        flight("HAT005", "2024-05-22", "SEA", "JFK", 150),
    ],
)
EARLY_BACK: Call = but(
    FLIGHTS,
    flights=[
        {"flight_number": "HAT001", "date": "2024-05-20"},
        {"flight_number": "HAT006", "date": "2024-05-20"},
    ],
)
BACK = [
    offer("HAT006", "SEA-JFK", "08:00-14:00", 90),
    offer("HAT007", "SEA-JFK", "15:00-20:00", 99),
]
SKIES: Answers = {
    READ: ROUND,
    ("get_user_details", "mia_li_3668"): USER,
    ("search_direct_flight", "JFK-SEA-2024-05-20"): [
        offer("HAT001", "JFK-SEA", "06:00-09:00", 150)
    ],
    ("search_direct_flight", "SEA-JFK-2024-05-20"): BACK,
    ("search_onestop_flight", "SEA-JFK-2024-05-20"): [],
}


async def test_a_return_before_the_arrival_is_noticed_by_the_times_of_kept_flights() -> None:
    talk = asked("Move my return on ABC123 to May 20, HAT006 in economy, by credit card.")
    found, desk = await judged(talk, EARLY_BACK, SKIES)
    assert "impossible connection" in found
    assert len(desk.asked) <= 8
    later = but(
        EARLY_BACK,
        flights=[
            {"flight_number": "HAT001", "date": "2024-05-20"},
            {"flight_number": "HAT007", "date": "2024-05-20"},
        ],
    )
    found, _ = await judged(talk, later, SKIES)
    assert "impossible connection" not in found


async def test_the_facts_of_a_complaint_are_looked_up() -> None:
    talk = asked("HAT001 of reservation ABC123 was cancelled, I want a compensation.")
    mine: dict[str, JsonValue] = {**USER, "reservations": ["ABC123"]}
    today = reservation(flights=[flight("HAT001", "2024-05-15", "JFK", "SEA", 1)])
    known: Answers = {READ: today, ("get_user_details", "mia_li_3668"): mine}
    status = ("get_flight_status", "HAT001-2024-05-15")
    found, _ = await judged(talk, CERTIFICATE, {**known, status: "on time"})
    assert "compensation not due" in found
    right = but(CERTIFICATE, amount=200)
    found, _ = await judged(talk, right, {**known, status: "cancelled"})
    assert not {"compensation not due", "wrong compensation"} & set(found)
    found, _ = await judged(talk, CERTIFICATE, {**known, status: "cancelled"})
    assert "wrong compensation" in found


async def test_a_finding_names_the_messages_that_it_rests_on_and_no_look_up() -> None:
    read = asked("My plans changed, cancel ABC123.").did(
        "get_reservation_details", reservation(), reservation_id="ABC123"
    )
    found, _ = await judged(read, CANCEL, {})
    assert found["cancellation without grounds"].messages == (len(read.history) - 1,)
    found, _ = await judged(asked("Cancel ABC123."), CANCEL, {READ: reservation()})
    assert found["cancellation without grounds"].messages == ()


async def test_balances_are_read_again_once_money_has_moved() -> None:
    talk = (
        Talk(tools=TOOLS, policy=rules.AIRLINE)
        .user("Move me to HAT002 and then to HAT001, from my gift card with the smallest balance.")
        .did("get_user_details", USER, user_id="mia_li_3668")
        .did("get_reservation_details", reservation(), reservation_id="ABC123")
    )
    _, desk = await judged(talk, FLIGHTS, SKIES)
    assert ("get_user_details", "mia_li_3668") not in desk.asked
    paid = talk.did(FLIGHTS[0], reservation(), **FLIGHTS[1])
    _, desk = await judged(paid, FLIGHTS, SKIES)
    assert ("get_user_details", "mia_li_3668") in desk.asked
