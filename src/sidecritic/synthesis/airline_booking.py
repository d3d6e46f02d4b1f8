"""τ² airline: a new one-way trip, described such that exactly one booking is right."""

from collections.abc import Sequence
from random import Random

from pydantic import JsonValue

from sidecritic.simulation.task_record import Action
from sidecritic.synthesis.airline_moves import search
from sidecritic.synthesis.airline_records import AirlineRecords, cabin_words, full_name, segment
from sidecritic.synthesis.drafts import Wish, picked
from sidecritic.synthesis.wording import Row, clock, day, enumerated


def booking(book: AirlineRecords, user: str, rng: Random) -> Wish:
    """Return the wish to book a flight.

    Raises:
        NoWish: nothing fits or can be paid.
    """
    cabin = rng.choice(("basic_economy", "economy", "economy", "business"))
    people = _travellers(book, user, rng)
    leg, date = rng.choice(book.routes), f"2024-05-{rng.randrange(17, 31)}"
    flight = picked(rng, book.with_seats(leg, date, cabin, len(people)))
    free = book.free_bags(user, cabin, len(people))
    bags = rng.choice((0, 1, len(people), free + 1)) if free < 5 else 1
    insured = rng.random() < 0.3
    charged = max(0, bags - free)
    price = (flight.prices[cabin] + 30 * insured) * len(people) + 50 * charged
    key, way = book.payment(user, price, rng)
    call: dict[str, JsonValue] = {
        "user_id": user,
        "origin": leg[0],
        "destination": leg[1],
        "flight_type": "one_way",
        "cabin": cabin,
        "flights": [segment(flight._asdict())],
        "passengers": [dict(each) for each in people],
        "payment_methods": [{"payment_id": key, "amount": price}],
        "total_baggages": bags,
        "nonfree_baggages": charged,
        "insurance": "yes" if insured else "no",
    }
    return Wish(
        text=f"You want to book a one-way trip from {leg[0]} to {leg[1]} on {day(date)}, in "
        f"{cabin_words(cabin)}, on the direct flight that leaves at {clock(flight.departure)}, "
        f"for {_names(people)}. You need {_bags(bags)}, want {'the' if insured else 'no'} travel "
        f"insurance, and pay with {way}.",
        touches=user,
        looks=(search(leg, date),),
        writes=(Action("book_reservation", call),),
    )


def _travellers(book: AirlineRecords, user: str, rng: Random) -> list[Row]:
    row = book.user(user)
    saved = row["saved_passengers"]
    company = rng.sample(saved, min(len(saved), rng.choice((0, 0, 1))))
    return [{**row["name"], "dob": row["dob"]}, *company]


def _names(people: Sequence[Row]) -> str:
    others = [f"{full_name(each)} (born on {each['dob']})" for each in people[1:]]
    return enumerated([f"yourself (born on {people[0]['dob']})", *others])


def _bags(number: int) -> str:
    return {0: "no checked bags", 1: "one checked bag in all"}.get(
        number, f"{number} checked bags in all"
    )
