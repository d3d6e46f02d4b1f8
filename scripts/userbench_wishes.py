"""What travellers of the fixture prefer, and how options come to satisfy it or not.

Every name, text and number is ours. `meets` decides; `grant` and `deny` make an option meet a
wish or miss it; `price` is what the wish adds to the cost of an option.
"""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

Option = dict[str, Any]
Meets = Callable[[Any], bool]
Change = Callable[[Option, Random], None]
Price = Callable[[Option], float]


def _free(option: Option) -> float:
    return 0


class Wish(NamedTuple):
    subcategory: str
    text: str
    hint: str
    rule: str
    meets: Meets
    grant: Change
    deny: Change
    price: Price = _free


def _tag(key: str, tag: str) -> tuple[Meets, Change, Change]:
    def meets(option: Any) -> bool:
        return tag in option[key]

    def grant(option: Option, rng: Random) -> None:
        if tag not in option[key]:
            option[key].append(tag)

    def deny(option: Option, rng: Random) -> None:
        option[key] = [each for each in option[key] if each != tag]

    return meets, grant, deny


def _service(name: str, low: int, high: int) -> tuple[Meets, Change, Change, Price]:
    def meets(option: Any) -> bool:
        return option["service"][name] is not None

    def price(option: Option) -> float:
        return option["service"][name] or 0

    def grant(option: Option, rng: Random) -> None:
        option["service"][name] = rng.randrange(low, high)

    def deny(option: Option, rng: Random) -> None:
        option["service"][name] = None

    return meets, grant, deny, price


def _field(
    key: str,
    good: Callable[[Random], Any],
    bad: Callable[[Random], Any],
    fits: Callable[[Any], bool],
) -> tuple[Meets, Change, Change]:
    def meets(option: Any) -> bool:
        return fits(option[key])

    def grant(option: Option, rng: Random) -> None:
        option[key] = good(rng)

    def deny(option: Option, rng: Random) -> None:
        option[key] = bad(rng)

    return meets, grant, deny


def _direct(option: Option, rng: Random) -> None:
    option["path"] = [option["path"][0], option["path"][-1]]
    option["time"] = [option["time"][0]]
    option["company"] = option["company"][:1]
    option["flight_number"] = option["flight_number"][:1]


def _via(option: Option, rng: Random) -> None:
    _direct(option, rng)
    first = option["time"][0] / 2
    option["path"].insert(1, rng.choice(("Fellhaven", "Morrow Bay", "Quillport")))
    option["time"] = [round(first, 1), 0.5, round(first, 1)]
    option["company"] *= 2
    option["flight_number"] = [*option["flight_number"], f"{option['flight_number'][0]}1"]


def _faster(option: Option, rng: Random) -> None:
    share = rng.uniform(3.0, 5.6) / sum(option["time"])
    option["time"] = [round(hours * share, 1) for hours in option["time"]]


def _slower(option: Option, rng: Random) -> None:
    share = rng.uniform(7.0, 11.0) / sum(option["time"])
    option["time"] = [round(hours * share, 1) for hours in option["time"]]


def _airline(good: bool) -> Change:
    def change(option: Option, rng: Random) -> None:
        names = ("Tarn Air", "Skerry Wings", "Borealis") if good else ("Norvia",)
        option["company"] = [rng.choice(names)] * len(option["company"])

    return change


def _rooms(good: bool) -> Change:
    def change(option: Option, rng: Random) -> None:
        kinds = [{"type": "single", "capacity": 1}, {"type": "twin", "capacity": 2}]
        option["room"] = kinds if good else kinds[:1]
        base = rng.randrange(80, 240)
        option["cost"] = [base + 20 * at for at in range(len(option["room"]))]

    return change


def _waiver(good: bool) -> Change:
    def change(option: Option, rng: Random) -> None:
        option["insurance"]["theft_waiver"] = rng.randrange(5, 25) if good else None

    return change


def _stars(good: bool) -> Change:
    def change(option: Option, rng: Random) -> None:
        many, few = rng.randrange(120, 300), rng.randrange(5, 40)
        option["reviews"]["5_star"] = many if good else few
        option["reviews"]["1_star"] = few if good else many

    return change


def _is_quick(option: Any) -> bool:
    return sum(option["time"]) < 6


def _is_direct(option: Any) -> bool:
    return len(option["path"]) == 2


def _is_not_norvia(option: Any) -> bool:
    return "Norvia" not in option["company"]


def _has_twin(option: Any) -> bool:
    return any(room["type"] == "twin" for room in option["room"])


def _is_insured(option: Any) -> bool:
    return option["insurance"]["theft_waiver"] is not None


def _insurance(option: Option) -> float:
    return option["insurance"]["theft_waiver"] or 0


def _is_raved_about(option: Any) -> bool:
    return option["reviews"]["5_star"] >= 100


WISHES: dict[str, tuple[Wish, ...]] = {
    "flight": (
        Wish(
            "travel time",
            "prefer a total travel time below six hours",
            "My knees do not forgive me a whole day in narrow seats.",
            "sum of time below 6",
            _is_quick,
            _faster,
            _slower,
        ),
        Wish(
            "stops",
            "prefer a direct flight",
            "The last time I had to change planes I ended up in the wrong country.",
            "path has two places",
            _is_direct,
            _direct,
            _via,
        ),
        Wish(
            "luggage",
            "prefer that a bag can be checked",
            "I never travel without my tent and my boots.",
            "checked bag offered; its price counts",
            *_service("cost_check_bag_total", 15, 60),
        ),
        Wish(
            "amenities",
            "prefer wifi on board",
            "There is a report that I shall be finishing above the clouds.",
            "wifi among the amenities",
            *_tag("amenities", "wifi"),
        ),
        Wish(
            "airline",
            "prefer not to fly with Norvia",
            "Norvia still owes me a suitcase.",
            "company is not Norvia",
            _is_not_norvia,
            _airline(True),
            _airline(False),
        ),
    ),
    "hotel": (
        Wish(
            "breakfast",
            "prefer that breakfast can be booked",
            "Before my first coffee and bread I am no use to anybody.",
            "breakfast offered; its price counts",
            *_service("cost_breakfast_total", 12, 45),
        ),
        Wish(
            "rating",
            "prefer a rating of at least 4.2",
            "I read what other guests say, and I believe them.",
            "rating at least 4.2",
            *_field(
                "rating",
                lambda rng: round(rng.uniform(4.2, 4.9), 1),
                lambda rng: round(rng.uniform(3.0, 4.0), 1),
                lambda value: value >= 4.2,
            ),
        ),
        Wish(
            "amenities",
            "prefer a swimming pool",
            "A few lengths in the evening are what keeps me sane.",
            "pool among the amenities",
            *_tag("amenities", "pool"),
        ),
        Wish(
            "parking",
            "prefer that a parking space can be booked",
            "The old van has to stand somewhere at night.",
            "parking offered; its price counts",
            *_service("cost_parking_total", 10, 50),
        ),
        Wish(
            "room type",
            "prefer a twin room",
            "My brother snores, but at least in a bed of his own.",
            "a room of the type twin",
            _has_twin,
            _rooms(True),
            _rooms(False),
        ),
    ),
    "apartment": (
        Wish(
            "bedrooms",
            "prefer at least two bedrooms",
            "The children go to bed at eight, and we do not.",
            "room begins with 2 or more",
            *_field(
                "room",
                lambda rng: rng.choice(("2B1B", "2B2B", "3B1B")),
                lambda rng: rng.choice(("1B1B", "1B2B")),
                lambda value: int(value[0]) >= 2,
            ),
        ),
        Wish(
            "amenities",
            "prefer a washing machine",
            "Three days on the trail, and everything that I own is muddy.",
            "washing machine among the amenities",
            *_tag("amenities", "washing machine"),
        ),
        Wish(
            "late checkout",
            "prefer that a late checkout can be booked",
            "On the last day we never get out of the door before two.",
            "late checkout offered; its price counts",
            *_service("cost_late_checkout_fee", 10, 40),
        ),
        Wish(
            "rating",
            "prefer a rating of at least 4.3",
            "I have been taken in by pretty pictures once too often.",
            "rating at least 4.3",
            *_field(
                "rating",
                lambda rng: round(rng.uniform(4.3, 4.9), 1),
                lambda rng: round(rng.uniform(3.0, 4.1), 1),
                lambda value: value >= 4.3,
            ),
        ),
        Wish(
            "capacity",
            "prefer room for at least five people",
            "My parents say that they may drop in for a night or two.",
            "capacity at least 5",
            *_field(
                "capacity",
                lambda rng: rng.randrange(5, 8),
                lambda rng: rng.randrange(2, 5),
                lambda value: value >= 5,
            ),
        ),
    ),
    "rental_car": (
        Wish(
            "seats",
            "prefer at least seven seats",
            "The whole choir would like to come along.",
            "seats at least 7",
            *_field(
                "seats",
                lambda rng: rng.choice((7, 8, 9)),
                lambda rng: rng.choice((2, 4, 5)),
                lambda value: value >= 7,
            ),
        ),
        Wish(
            "category",
            "prefer an electric car",
            "I have not been to a petrol station for years, and do not miss it.",
            "categories is electric",
            *_field(
                "categories",
                lambda rng: "electric",
                lambda rng: rng.choice(("compact", "van", "sedan")),
                lambda value: value == "electric",
            ),
        ),
        Wish(
            "child seat",
            "prefer that a child seat can be booked",
            "Our youngest has just turned two.",
            "child seat offered; its price counts",
            *_service("cost_child_seat_total", 8, 30),
        ),
        Wish(
            "insurance",
            "prefer insurance against theft",
            "A car of mine was gone one morning; I slept badly for a month.",
            "theft waiver offered; its price counts",
            _is_insured,
            _waiver(True),
            _waiver(False),
            _insurance,
        ),
        Wish(
            "second driver",
            "prefer that an additional driver can be booked",
            "We take turns at the wheel, or one of us falls asleep.",
            "additional driver offered; its price counts",
            *_service("cost_additional_driver_total", 10, 40),
        ),
    ),
    "restaurant": (
        Wish(
            "cuisine",
            "prefer Georgian cuisine",
            "I dream of cheese bread and dumplings since that trip to Tbilisi.",
            "cuisine is Georgian",
            *_field(
                "cuisine",
                lambda rng: "Georgian",
                lambda rng: rng.choice(("Peruvian", "Basque", "Nordic")),
                lambda value: value == "Georgian",
            ),
        ),
        Wish(
            "seating",
            "prefer tables outdoors",
            "After a week in the office I want to see the sky while I eat.",
            "tag outdoor seating",
            *_tag("tags", "outdoor seating"),
        ),
        Wish(
            "diet",
            "prefer vegetarian dishes",
            "I gave up meat when I met my first pig.",
            "tag vegetarian",
            *_tag("tags", "vegetarian"),
        ),
        Wish(
            "reviews",
            "prefer many five-star reviews",
            "I only trust a place that a crowd has raved about.",
            "at least 100 five-star reviews",
            _is_raved_about,
            _stars(True),
            _stars(False),
        ),
    ),
}
