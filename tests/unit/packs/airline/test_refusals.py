"""What a user asked for and did not get is held against the rules, as if it were proposed."""

import pytest
from pydantic import JsonValue

from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.types import Proposal
from tests.talk import Talk, fired
from tests.unit.packs.airline.test_lookups import Desk
from tests.unit.packs.airline.test_pack import TOOLS, USER, flight, reservation

ALLOWED, FORBIDDEN = "allowed and not done", "not allowed, and not done"
BYE = "You're welcome. Goodbye!"


def refused(text: str, **changes: JsonValue) -> Proposal:
    """Return the farewell of an agent that read the records and refused what was asked for."""
    return (
        Talk(tools=TOOLS)
        .user(f"I'm mia_li_3668. {text}")
        .did("get_user_details", USER, user_id="mia_li_3668")
        .did("get_reservation_details", reservation(**changes), reservation_id="ABC123")
        .agent("I'm sorry, I cannot do that.")
        .user("OK, thank you, that's all. Bye.")
        .says(BYE)
    )


@pytest.mark.parametrize(
    ("text", "changes", "allowed"),
    [
        ("Please cancel ABC123.", {}, False),
        ("Please cancel ABC123.", {"cabin": "business"}, True),
        ("Please cancel ABC123.", {"created_at": "2024-05-15T10:00:00"}, True),
        ("Please cancel ABC123, I am ill.", {"insurance": "yes"}, True),
        ("Please cancel my trip from New York to Seattle.", {"cabin": "business"}, True),
        ("Please cancel my trip.", {"cabin": "business"}, True),
        (
            "Please cancel ABC123.",
            {"cabin": "business", "flights": [flight("HAT001", "2024-05-01", "JFK", "SEA", 1)]},
            False,
        ),
    ],
)
def test_a_refused_cancellation_is_held_against_its_grounds(
    text: str, changes: dict[str, JsonValue], allowed: bool
) -> None:
    found = fired(AIRLINE, refused(text, **changes))
    assert (ALLOWED in found) is allowed
    assert (FORBIDDEN in found) is not allowed


def test_what_was_left_open_because_the_rules_forbid_it_is_no_omission() -> None:
    wrongly = fired(AIRLINE, refused("Please cancel ABC123.", cabin="business"))
    rightly = fired(AIRLINE, refused("Please cancel ABC123."))
    assert {"nothing done", "requests open"} <= wrongly.keys()
    assert not {"nothing done", "requests open"} & rightly.keys()


def test_a_passenger_who_is_to_be_cancelled_is_no_cancellation() -> None:
    found = fired(AIRLINE, refused("Please cancel one passenger of ABC123.", cabin="business"))
    assert ALLOWED not in found
    assert "number of passengers" in found[FORBIDDEN].evidence


@pytest.mark.parametrize(
    ("text", "cabin", "forbidden"),
    [
        ("Please change the flight of ABC123 to May 21.", "basic_economy", True),
        ("Please change the flight of ABC123 to May 21.", "economy", False),
        ("Please change ABC123 and upgrade it to business.", "basic_economy", False),
    ],
)
def test_a_refused_change_is_right_where_the_fare_forbids_it(
    text: str, cabin: str, forbidden: bool
) -> None:
    found = fired(AIRLINE, refused(text, cabin=cabin))
    assert (FORBIDDEN in found) is forbidden
    assert ALLOWED not in found  # what else stands against a change cannot be tested


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Can I add travel insurance to ABC123?", "insurance cannot be added"),
        ("Please remove one checked bag from ABC123.", "bags cannot be removed"),
    ],
)
def test_what_no_tool_does_is_rightly_refused(text: str, why: str) -> None:
    assert why in fired(AIRLINE, refused(text))[FORBIDDEN].evidence


@pytest.mark.parametrize(
    ("status", "member", "name"),
    [
        ("cancelled", "gold", ALLOWED),
        ("cancelled", "regular", FORBIDDEN),
        ("on time", "gold", FORBIDDEN),
    ],
)
def test_a_claim_is_held_against_status_and_membership(status: str, member: str, name: str) -> None:
    said = "My flight HAT001 of ABC123 was cancelled, I want a compensation."
    proposal = (
        Talk(tools=TOOLS)
        .user(f"I'm mia_li_3668. {said}")
        .did("get_user_details", {**USER, "membership": member}, user_id="mia_li_3668")
        .did("get_reservation_details", reservation(), reservation_id="ABC123")
        .did("get_flight_status", status, flight_number="HAT001", date="2024-05-20")
        .agent("I'm sorry, I cannot do that.")
        .user("OK, bye.")
        .says(BYE)
    )
    assert name in fired(AIRLINE, proposal)


async def test_the_status_that_decides_is_looked_up_when_the_conversation_closes() -> None:
    desk = Desk({("get_flight_status", "HAT001-2024-05-20"): "cancelled"})
    proposal = refused("My flight was cancelled by you, please cancel ABC123.")
    found = await AIRLINE.examined(proposal.model_copy(update={"look": desk}))
    assert ("get_flight_status", "HAT001-2024-05-20") in desk.asked
    assert ALLOWED in {one.check for one in found}
    assert ALLOWED not in fired(AIRLINE, proposal)  # nobody has looked, so nothing is known
