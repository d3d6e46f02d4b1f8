"""Airline: the call against what the user wants, and against what was announced."""

import pytest
from pydantic import JsonValue
from sidecritic.packs.airline.places import routes

from sidecritic.checks.facts import Facts
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.packs.airline.records import allowance
from sidecritic.types import Proposal
from tests.talk import Talk
from tests.unit.packs.airline.test_pack import (
    BAGS,
    BOOK,
    CABIN,
    CANCEL,
    CERTIFICATE,
    FLIGHTS,
    MIA,
    NOAH,
    PEOPLE,
    Call,
    but,
    flight,
    names,
    offer,
    pays,
    reservation,
    supports,
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
    ("wish", "right", "wrong"),
    [
        ("Change me to the cheapest flight.", ("HAT003", "HAT009"), ("HAT002",)),
        ("The second cheapest flight instead.", ("HAT008",), ("HAT002",)),
        ("The fastest flight, please.", ("HAT002",), ("HAT008",)),
        ("The earliest departure after 11am.", ("HAT002",), ("HAT008",)),
        ("The latest departure.", ("HAT008",), ("HAT002",)),
    ],
)
def test_the_best_way_for_the_wish_is_taken(
    wish: str, right: tuple[str, ...], wrong: tuple[str, ...]
) -> None:
    check = "not the flights wanted"
    assert check in names(searched(wish), on(*wrong))
    assert check not in names(searched(wish), on(*right))
    assert check in supports(searched(wish), on(*right))


def test_the_cheapest_way_keeps_the_other_limits_of_the_user() -> None:
    wish = searched("The cheapest direct flight that leaves after 11:00 am.")
    assert "not the flights wanted" not in names(wish, on("HAT008"))
    assert "not the flights wanted" in names(wish, on("HAT002"))


def test_a_wish_weighs_less_once_the_user_has_picked_an_option() -> None:
    picked = (
        searched("The cheapest, please.").agent("Option 1 or 2?").user("I take option 2, HAT002.")
    )
    found = AIRLINE.findings(picked.calls(*on("HAT002")[:1], **on("HAT002")[1]))
    assert [one.risk for one in found if one.check == "not the flights wanted"] == [0.4]


def test_stops_and_times_are_as_wanted() -> None:
    direct = searched("I want a direct flight.")
    assert "stops against the wish" in names(direct, on("HAT003", "HAT009"))
    assert "stops against the wish" not in names(direct, on("HAT002"))
    either = searched("I don't care whether it is direct.")
    assert "stops against the wish" not in names(either, on("HAT003", "HAT009"))
    late = searched("I cannot leave before 11am.")
    assert "time against the wish" in names(late, on("HAT003", "HAT009"))
    assert "time against the wish" not in names(late, on("HAT002"))


def test_the_user_pays_no_more_than_they_said() -> None:
    dear = searched("Upgrade all flights to business, if it is less than $200.")
    assert "more than the user's limit" in names(dear, CABIN)
    fine = searched("Upgrade all flights to business, if it is less than $400.")
    assert "more than the user's limit" not in names(fine, CABIN)


def test_the_card_with_the_smallest_balance_that_suffices_is_used() -> None:
    wish = searched("HAT002, from my gift card with the smallest balance.")
    assert "another balance than wanted" in names(wish, on("HAT002"))
    card = but(on("HAT002"), payment_id="gift_card_1111111")
    assert "another balance than wanted" not in names(wish, card)


def test_certificates_are_used_up_first_where_the_user_wants_it() -> None:
    wish = searched("Book it: certificates as much as possible, the rest by credit card.")
    check = "balance left unused"
    assert check in names(wish, BOOK)
    right = but(
        BOOK, payment_methods=pays(("certificate_7504069", 170), ("credit_card_4421486", 0))
    )
    assert check not in names(wish, right)


@pytest.mark.parametrize(
    ("check", "wrong", "right", "call"),
    [
        (
            "another number of bags than wanted",
            "Add five bags, please.",
            "Add two bags, please.",
            BAGS,
        ),
        ("insurance against the wish", "Book it with insurance.", "Book it, no insurance.", BOOK),
        ("cabin nobody spoke of", "Upgrade us to business.", "Economy, please.", FLIGHTS),
        ("deed nobody asked for", "How many bags do I have?", "Cancel it.", CANCEL),
        ("passenger nobody named", "Book it.", "Book it for Zoe Li.", but(BOOK, passengers=[ZOE])),
        ("another trip than booked", "Book a round trip.", "Book it one-way.", BOOK),
        ("payment nobody spoke of", "Book it.", "Book it, pay by credit card.", BOOK),
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


def test_flights_payment_and_cabin_are_those_that_were_announced() -> None:
    told = talk("Another flight.", "I will take HAT008, paid with gift_card_1111111. Proceed?")
    assert {"not as announced", "payment not as announced"} <= names(told, FLIGHTS)
    right = talk("Another flight.", "I will take HAT002, paid with credit_card_4421486. Proceed?")
    assert not {"not as announced", "payment not as announced"} & names(right, FLIGHTS)
    assert {"not as announced", "payment not as announced"} <= supports(right, FLIGHTS)
    business = talk("Upgrade.", "I change it to economy. Proceed?", cabin="basic_economy")
    assert "cabin not as announced" in names(business, CABIN)
    assert "cabin not as announced" not in names(business, but(CABIN, cabin="economy"))


def test_one_of_several_agreed_methods_is_not_the_payment_as_announced() -> None:
    told = "I will take HAT002, paid with certificate_4856383 and credit_card_4421486. Proceed?"
    both = talk("Another flight.", told)
    assert "payment not as announced" not in names(both, FLIGHTS) | supports(both, FLIGHTS)
    kinds = talk("Another flight.", "HAT002: a $100 certificate, the rest on Visa 7447. Proceed?")
    assert "payment not as announced" not in names(kinds, FLIGHTS) | supports(kinds, FLIGHTS)
    booked = talk("Book it.", told)
    call = but(
        BOOK, payment_methods=pays(("certificate_4856383", 100), ("credit_card_4421486", 70))
    )
    assert "payment not as announced" in supports(booked, call)
    one = but(BOOK, payment_methods=pays(("certificate_4856383", 100)))
    assert "payment not as announced" not in supports(booked, one)


def test_a_narrow_space_in_a_cabin_is_a_space() -> None:
    down = talk("Downgrade us to Basic\u202fEconomy.", "To **Basic\u2011Economy**. Proceed?")
    basic = but(CABIN, cabin="basic_economy")
    assert not {"cabin nobody spoke of", "cabin not as announced"} & names(down, basic)


def test_a_date_is_one_that_was_spoken_of() -> None:
    other = but(FLIGHTS, flights=[{"flight_number": "HAT002", "date": "2024-05-25"}])
    assert "date nobody spoke of" in names(talk("HAT002 on May 23."), other)
    for words in ("HAT002 on May 25.", "HAT002 on 5/25.", "On the 25th.", "on 2024-05-25"):
        assert "date nobody spoke of" not in names(talk(words), other)
    late = but(FLIGHTS, flights=[{"flight_number": "HAT002", "date": "2034-05-25"}])
    assert "date nobody spoke of" in names(talk("HAT002 on May 25."), late)


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


def test_the_reservation_is_the_one_that_the_user_describes() -> None:
    other: JsonValue = {
        "reservation_id": "XYZ987",
        "origin": "BOS",
        "destination": "MIA",
        "flights": [flight("HAT050", "2024-05-21", "BOS", "MIA", 1)],
    }
    trip = (
        Talk(tools=talk("").tools)
        .user("Cancel my trip from Boston to Miami.")
        .did("get_reservation_details", other, reservation_id="XYZ987")
    )
    away = Talk(trip.tools, (*trip.history, *talk("").history[2:]))
    assert "another trip than described" in names(away, CANCEL)
    assert "another trip than described" not in names(away, but(CANCEL, reservation_id="XYZ987"))


def test_only_the_direction_that_was_meant_changes() -> None:
    flights: list[JsonValue] = [
        flight("HAT001", "2024-05-20", "JFK", "SEA", 150),
        flight("HAT005", "2024-05-22", "SEA", "JFK", 150),
    ]
    back = talk("Change my return flight.", flights=flights, flight_type="round_trip")
    out = talk("Change my outbound flight.", flights=flights, flight_type="round_trip")
    there = but(
        FLIGHTS,
        flights=[
            {"flight_number": "HAT002", "date": "2024-05-20"},
            {"flight_number": "HAT005", "date": "2024-05-22"},
        ],
    )
    check = "other direction changed"
    assert check in names(back, there)
    assert check not in names(out, there)


def test_one_certificate_is_enough() -> None:
    delayed = talk("My flight was delayed, I want a compensation.")
    assert "second certificate" not in names(delayed, CERTIFICATE)
    sent = delayed.did("send_certificate", "sent", user_id="mia_li_3668", amount=50)
    assert "second certificate" in names(sent, CERTIFICATE)


def test_a_delay_is_compensated_after_the_change() -> None:
    late = talk("My flight is delayed, I want a compensation and another flight.").did(
        "get_flight_status", "delayed", flight_number="HAT001", date="2024-05-20"
    )
    assert "compensation before the change" in names(late, CERTIFICATE)
    changed = late.did(FLIGHTS[0], reservation(), **FLIGHTS[1])
    assert "compensation before the change" not in names(changed, CERTIFICATE)


def test_a_cabin_that_was_changed_counts_even_if_it_was_not_written_down() -> None:
    upgraded = talk("Upgrade, then cancel it.").did(CABIN[0], reservation(), **CABIN[1])
    assert "cancellation without grounds" not in names(upgraded, CANCEL)
    assert "cancellation without grounds" in supports(upgraded, CANCEL)


def with_policy(proposed: Talk, call: Call, policy: str) -> Proposal:
    return proposed.calls(call[0], **call[1]).model_copy(update={"policy": policy})


SHORT = "Flights can be cancelled only if travel insurance is bought and the condition is met."


def test_a_rule_weighs_what_the_policy_of_the_run_says_of_it() -> None:
    insured = talk("My plans changed, cancel it.", insurance="yes")
    strict = with_policy(insured, CANCEL, "the reason for cancellation is covered by insurance")
    [clear] = [f for f in AIRLINE.findings(strict) if f.check == "reason not insured"]
    [vague] = [f for f in AIRLINE.findings(with_policy(insured, CANCEL, SHORT)) if f.sign > 0]
    assert vague.risk < 0.5 < clear.risk


def test_a_rule_that_the_policy_of_the_run_lacks_does_not_fire() -> None:
    old: list[JsonValue] = [flight("HAT001", "2024-05-10", "JFK", "SEA", 150)]
    flown = talk("Upgrade all of us to business.", flights=old)
    rule = "Cabin cannot be changed if any flight in the reservation has already been flown."
    for policy, fires in ((rule, True), (SHORT, False)):
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
    assert allowance(stated)["gold"]["business"] == 3
    assert allowance(Facts.of(with_policy(talk(""), CANCEL, "")))["gold"]["business"] == 4


def test_routes_are_read_by_code_and_by_city() -> None:
    [(here, there)] = routes("my flight from las vegas (las) to denver on may 19")
    assert (here, there) == ({"LAS"}, {"DEN"})
    assert next(routes("jfk to sfo"))[0] == {"JFK"}


def test_a_user_without_a_reservation_id_is_helped_to_find_it() -> None:
    start = Talk(talk("").tools).user("Change my flight.").agent("What is your reservation ID?")
    lost = start.user("I don't have the reservation ID right now.")
    leave = "You're welcome! Reach out whenever you have the reservation ID."
    transfer: Call = ("transfer_to_human_agents", {"summary": "No id."})
    check = "reservation not located"
    assert check in {one.check for one in AIRLINE.findings(lost.says(leave))}
    assert "transfer without locating" in names(lost, transfer)
    found = lost.did("get_reservation_details", reservation(), reservation_id="ABC123")
    assert check not in {one.check for one in AIRLINE.findings(found.says(leave))}
    assert "transfer without locating" not in names(start.user("It is ABC123."), transfer)
