"""τ² airline: a new one-way trip, described such that exactly one booking is right."""

from random import Random
from typing import Any

from pydantic import JsonValue

from sidecritic.simulation.plans import Action
from sidecritic.synthesis.airline_records import AirlineRecords, Flight, cabin_words
from sidecritic.synthesis.drafts import Wish
from sidecritic.synthesis.wording import clock, day, enumerated, method


def booking(book: AirlineRecords, user: str, rng: Random) -> Wish | None:
    """Return the wish to book a flight; `None` where nothing fits or can be paid."""
    cabin = rng.choice(("basic_economy", "economy", "economy", "business"))
    people = _travellers(book, user, rng)
    flight_on = _flight(book, rng, cabin, len(people))
    if flight_on is None:
        return None
    origin, destination, flight = flight_on
    free = book.free_bags(user, cabin, len(people))
    bags = rng.choice((0, 1, len(people), free + 1)) if free < 5 else 1
    insured = rng.random() < 0.3
    charged = max(0, bags - free)
    price = (flight.prices[cabin] + 30 * insured) * len(people) + 50 * charged
    ways = book.able(user, price)
    if not ways:
        return None
    key = rng.choice(ways)
    call: dict[str, JsonValue] = {
        "user_id": user,
        "origin": origin,
        "destination": destination,
        "flight_type": "one_way",
        "cabin": cabin,
        "flights": [flight.segment],
        "passengers": [*people],
        "payment_methods": [{"payment_id": key, "amount": price}],
        "total_baggages": bags,
        "nonfree_baggages": charged,
        "insurance": "yes" if insured else "no",
    }
    places = {"origin": origin, "destination": destination}
    way = method(book.methods(user)[key], book.methods(user))
    return Wish(
        kind="book",
        text=f"You want to book a one-way trip from {origin} to {destination} on "
        f"{day(flight.date)}, in {cabin_words(cabin)}, on the direct flight that leaves at "
        f"{clock(flight.departure)}, for {_names(people)}. You need {_bags(bags)}, want "
        f"{'the' if insured else 'no'} travel insurance, and pay with {way}.",
        touches=user,
        looks=(Action("search_direct_flight", {**places, "date": flight.date}),),
        writes=(Action("book_reservation", call),),
    )


def _travellers(book: AirlineRecords, user: str, rng: Random) -> list[dict[str, Any]]:
    row = book.user(user)
    own = {**row["name"], "dob": row["dob"]}
    saved = [dict(each) for each in row["saved_passengers"]]
    company = rng.sample(saved, min(len(saved), rng.choice((0, 0, 1))))
    return [own, *company]


def _names(people: list[dict[str, Any]]) -> str:
    others = [
        f"{each['first_name']} {each['last_name']} (born on {each['dob']})" for each in people[1:]
    ]
    return enumerated([f"yourself (born on {people[0]['dob']})", *others])


def _bags(number: int) -> str:
    return {0: "no checked bags", 1: "one checked bag in all"}.get(
        number, f"{number} checked bags in all"
    )


def _flight(
    book: AirlineRecords, rng: Random, cabin: str, seats: int
) -> tuple[str, str, Flight] | None:
    origin, destination = rng.choice(book.routes)
    flights = book.direct(origin, destination, f"2024-05-{rng.randrange(17, 31)}")
    times = [flight.departure for flight in flights]
    able = [f for f in flights if f.seats[cabin] >= seats and times.count(f.departure) == 1]
    return (origin, destination, rng.choice(able)) if able else None
