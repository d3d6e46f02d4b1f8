"""Each airline check, with a case that is wrong and one that is right."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.critics.base import THRESHOLD
from sidecritic.critics.policy import noisy_or
from sidecritic.packs.airline.pack import AIRLINE
from tests.talk import Talk, specs
from tests.unit.packs import rules

TOOLS = specs(
    "get_user_details get_reservation_details get_flight_status search_direct_flight",
    "book_reservation cancel_reservation update_reservation_flights "
    "update_reservation_baggages update_reservation_passengers send_certificate",
)
Call = tuple[str, dict[str, JsonValue]]

MIA: JsonValue = {"first_name": "Mia", "last_name": "Li", "dob": "1990-04-05"}
NOEL: JsonValue = {"first_name": "Noel", "last_name": "Li", "dob": "1991-04-05"}
NOAH: JsonValue = {"first_name": "Noah", "last_name": "Li", "dob": "1991-04-05"}
USER: dict[str, JsonValue] = {
    "user_id": "mia_li_3668",
    "membership": "gold",
    "payment_methods": {
        "credit_card_4421486": {"source": "credit_card", "brand": "visa", "last_four": "7447"},
        "gift_card_1111111": {"source": "gift_card", "amount": 80},
        "certificate_4856383": {"source": "certificate", "amount": 100},
        "certificate_7504069": {"source": "certificate", "amount": 250},
    },
}


def flight(number: str, date: str, origin: str, destination: str, price: int) -> JsonValue:
    return {
        "flight_number": number,
        "date": date,
        "origin": origin,
        "destination": destination,
        "price": price,
    }


def offer(number: str, ends: str, times: str, economy: int) -> JsonValue:
    (origin, destination), (departs, arrives) = ends.split("-"), times.split("-")
    return {
        "flight_number": number,
        "origin": origin,
        "destination": destination,
        "scheduled_departure_time_est": f"{departs}:00",
        "scheduled_arrival_time_est": f"{arrives}:00",
        "status": "available",
        "prices": {"basic_economy": 50, "economy": economy, "business": 300},
    }


def reservation(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "reservation_id": "ABC123",
        "user_id": "mia_li_3668",
        "origin": "JFK",
        "destination": "SEA",
        "flight_type": "one_way",
        "cabin": "economy",
        "flights": [flight("HAT001", "2024-05-20", "JFK", "SEA", 150)],
        "passengers": [MIA, NOAH],
        "payment_history": [{"payment_id": "credit_card_4421486", "amount": 300}],
        "created_at": "2024-05-10T10:00:00",
        "total_baggages": 1,
        "nonfree_baggages": 0,
        "insurance": "no",
        **changes,
    }


def talk(
    text: str, question: str = "Shall I proceed?", answer: str = "Yes.", **changes: JsonValue
) -> Talk:
    """Return a talk in which the records are read and a plan is agreed to."""
    record = reservation(**changes)
    return (
        Talk(tools=TOOLS, policy=rules.AIRLINE)
        .agent("Hi! How can I help you?")
        .user(f"I'm mia_li_3668, about ABC123. {text}")
        .did("get_user_details", USER, user_id="mia_li_3668")
        .did("get_reservation_details", record, reservation_id="ABC123")
        .did(
            "search_direct_flight",
            [
                offer("HAT001", "JFK-SEA", "06:00-09:00", 150),
                offer("HAT002", "JFK-SEA", "12:00-15:00", 170),
                offer("HAT003", "JFK-ORD", "06:00-09:00", 100),
                offer("HAT004", "ORD-SEA", "08:00-11:00", 100),
            ],
            origin="JFK",
            destination="SEA",
            date="2024-05-20",
        )
        .agent(question)
        .user(answer)
    )


CANCEL: Call = ("cancel_reservation", {"reservation_id": "ABC123"})
FLIGHTS: Call = (
    "update_reservation_flights",
    {
        "reservation_id": "ABC123",
        "cabin": "economy",
        "flights": [{"flight_number": "HAT002", "date": "2024-05-20"}],
        "payment_id": "credit_card_4421486",
    },
)
CABIN: Call = (
    "update_reservation_flights",
    {
        **FLIGHTS[1],
        "cabin": "business",
        "flights": [{"flight_number": "HAT001", "date": "2024-05-20"}],
    },
)
BAGS: Call = (
    "update_reservation_baggages",
    {
        "reservation_id": "ABC123",
        "total_baggages": 3,
        "nonfree_baggages": 0,
        "payment_id": "credit_card_4421486",
    },
)
PEOPLE: Call = (
    "update_reservation_passengers",
    {"reservation_id": "ABC123", "passengers": [MIA, NOAH]},
)
CERTIFICATE: Call = ("send_certificate", {"user_id": "mia_li_3668", "amount": 100})
BOOK: Call = (
    "book_reservation",
    {
        "user_id": "mia_li_3668",
        "origin": "JFK",
        "destination": "SEA",
        "flight_type": "one_way",
        "cabin": "economy",
        "flights": [{"flight_number": "HAT002", "date": "2024-05-20"}],
        "passengers": [MIA],
        "payment_methods": [{"payment_id": "credit_card_4421486", "amount": 170}],
        "total_baggages": 0,
        "nonfree_baggages": 0,
        "insurance": "no",
    },
)


def but(call: Call, **changes: JsonValue) -> Call:
    return call[0], {**call[1], **changes}


def pays(*parts: tuple[str, int]) -> JsonValue:
    return [{"payment_id": name, "amount": amount} for name, amount in parts]


def findings(proposed: Talk, call: Call) -> dict[str, Finding]:
    found = AIRLINE.findings(proposed.calls(call[0], **call[1]))
    return {one.check: one for one in found}


def names(proposed: Talk, call: Call) -> set[str]:
    """Return the checks that speak against a call."""
    return set(findings(proposed, call))


SICK = "I am sick and must cancel."
PLANS = "My plans changed, cancel it please."
DELAY = "My flight was delayed, I want a compensation and another flight."
BOOKING = "Book HAT002 on May 20 in economy for me, no insurance, $170 by credit card."
ADULTS: list[JsonValue] = [MIA, NOAH, MIA, NOAH, MIA, NOAH]


@pytest.mark.parametrize(
    ("proposed", "call"),
    [
        (talk(SICK, insurance="yes"), CANCEL),
        (talk(PLANS, cabin="business"), CANCEL),
        (talk(PLANS, created_at="2024-05-15T01:00:00"), CANCEL),
        (talk("The airline cancelled my flight, cancel the rest."), CANCEL),
        (talk("Please put me on HAT002."), FLIGHTS),
        (talk("Upgrade all of us to business."), CABIN),
        (talk("Upgrade all of us to business.", cabin="basic_economy"), CABIN),
        (talk("Two more bags, please."), BAGS),
        (talk("Noah's name is Noel, please correct it."), but(PEOPLE, passengers=[MIA, NOEL])),
        (talk(DELAY), CERTIFICATE),
        (talk(BOOKING), BOOK),
        (
            talk(f"{BOOKING} With insurance, and $100 from my certificate."),
            but(
                BOOK,
                insurance="yes",
                payment_methods=pays(("certificate_4856383", 100), ("credit_card_4421486", 100)),
            ),
        ),
    ],
)
def test_right_calls_pass(proposed: Talk, call: Call) -> None:
    against = findings(proposed, call).values()
    assert noisy_or(one.risk for one in against) < THRESHOLD, [one.check for one in against]


@pytest.mark.parametrize(
    ("check", "proposed", "call"),
    [
        ("reservation not looked up", talk(PLANS), but(CANCEL, reservation_id="XYZ987")),
        ("cancelled already", talk(PLANS, status="cancelled", cabin="business"), CANCEL),
        ("cancellation without grounds", talk(PLANS), CANCEL),
        ("cancellation without grounds", talk(SICK), CANCEL),
        (
            "flown already",
            talk(SICK, insurance="yes", flights=[flight("HAT001", "2024-05-09", "A", "B", 1)]),
            CANCEL,
        ),
        (
            "cabin changed after take-off",
            talk("Upgrade us.", flights=[flight("HAT001", "2024-05-09", "JFK", "SEA", 150)]),
            CABIN,
        ),
        (
            "basic economy changed",
            talk("Another flight.", cabin="basic_economy"),
            but(FLIGHTS, cabin="basic_economy"),
        ),
        ("cabin of a part", talk("Upgrade Noah.", "Upgrade just Noah? Shall I proceed?"), CABIN),
        (
            "another journey",
            talk("To Chicago instead."),
            but(FLIGHTS, flights=[{"flight_number": "HAT003", "date": "2024-05-20"}]),
        ),
        (
            "impossible connection",
            talk("With a stop."),
            but(
                FLIGHTS,
                flights=[
                    {"flight_number": "HAT003", "date": "2024-05-20"},
                    {"flight_number": "HAT004", "date": "2024-05-20"},
                ],
            ),
        ),
        ("number of passengers", talk("Remove Noah."), but(PEOPLE, passengers=[MIA])),
        ("wrong number of paid bags", talk("Two more bags."), but(BAGS, nonfree_baggages=2)),
        (
            "wrong number of paid bags",
            talk("Book with 4 bags."),
            but(BOOK, total_baggages=4, nonfree_baggages=0),
        ),
        ("bags removed", talk("No bags, please."), but(BAGS, total_baggages=0)),
        ("bags nobody wants", talk("Book HAT002."), but(BOOK, total_baggages=2)),
        ("insurance never asked about", talk("Book HAT002."), but(BOOK, insurance="yes")),
        ("too many passengers", talk("Book for six."), but(BOOK, passengers=ADULTS)),
        (
            "payment not in the profile",
            talk("Another flight."),
            but(FLIGHTS, payment_id="credit_card_9999999"),
        ),
        (
            "payment by certificate",
            talk("Use my certificate."),
            but(FLIGHTS, payment_id="certificate_4856383"),
        ),
        (
            "too many payment methods",
            talk("Use both certificates."),
            but(
                BOOK,
                payment_methods=pays(("certificate_4856383", 100), ("certificate_7504069", 70)),
            ),
        ),
        (
            "price does not add up",
            talk("Book HAT002."),
            but(BOOK, payment_methods=pays(("credit_card_4421486", 150))),
        ),
        (
            "another price than announced",
            talk("Another flight.", "The total difference is $35. Shall I proceed?"),
            FLIGHTS,
        ),
        ("compensation not due", talk("Book HAT002."), CERTIFICATE),
        ("wrong compensation", talk(DELAY), but(CERTIFICATE, amount=80)),
    ],
)
def test_what_the_policy_forbids_is_noticed(check: str, proposed: Talk, call: Call) -> None:
    assert check in names(proposed, call)


def test_the_price_for_one_passenger_may_be_told_instead_of_the_total() -> None:
    told = talk("Another flight.", "The total difference is $20. Shall I proceed?")
    assert "another price than announced" not in names(told, FLIGHTS)


def test_a_flight_that_was_looked_up_as_landed_counts_as_flown() -> None:
    proposed = talk(SICK, insurance="yes").did(
        "get_flight_status", "landed", flight_number="HAT001", date="2024-05-20"
    )
    assert "flown already" in names(proposed, CANCEL)


def test_a_regular_member_in_economy_without_insurance_is_not_compensated() -> None:
    profile = {**USER, "membership": "regular"}
    proposed = talk(DELAY).did("get_user_details", profile, user_id="mia_li_3668")
    assert "compensation not due" in names(proposed, CERTIFICATE)


def test_no_compensation_when_the_flight_was_looked_up_and_is_on_time() -> None:
    proposed = talk(DELAY).did(
        "get_flight_status", "on time", flight_number="HAT001", date="2024-05-20"
    )
    assert "compensation not due" in names(proposed, CERTIFICATE)
