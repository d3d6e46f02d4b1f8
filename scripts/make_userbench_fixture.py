"""Write the UserBench fixture: invented tasks in the benchmark's schema.

    python -m scripts.make_userbench_fixture [FILE]

The same on every machine. A test holds the shipped file to what this script writes.
"""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

from scripts.userbench_wishes import WISHES, Option, Wish

FILE = Path(__file__).parents[1] / "src/sidecritic/envs/userbench/fixture.json"

SUBSETS = {"22": 18, "33": 6, "44": 4, "233": 4, "333": 3, "334": 3, "444": 2, "2222": 4}
"""Subset to the number of its tasks: 44 in all."""

LETTERS = {"flight": "F", "hotel": "H", "apartment": "A", "rental_car": "C", "restaurant": "R"}
CORRECT, WRONG, NOISE, DANGLING = 3, 10, 5, 4

_CITIES = ("Larkport", "Osterby", "Vellmoor", "Tarnhall", "Isenrode", "Cape Morrow", "Lindefell")
_NAMES = ("Mira", "Jonas", "Adaeze", "Tomasz", "Leila", "Bruno", "Yuki", "Ingrid")
_HOUSES = ("Heron", "Lantern", "Quarry", "Juniper", "Anchor", "Meadow", "Foundry", "Orchard")
_MONTHS = ("April", "May", "June", "September")


class Trip:
    """Where a task takes place, and when."""

    def __init__(self, rng: Random) -> None:
        self.origin, self.city, self.elsewhere = rng.sample(_CITIES, 3)
        month, day = rng.choice(_MONTHS), rng.randrange(2, 20)
        self.start, self.end = f"{month} {day}", f"{month} {day + rng.randrange(3, 9)}"
        self.name = rng.choice(_NAMES)

    def arguments(self, aspect: str) -> dict[str, str]:
        if aspect == "flight":
            return {"origin": self.origin, "destination": self.city, "date": self.start}
        if aspect == "restaurant":
            return {"city": self.city, "date": self.end}
        return {"city": self.city, "date_start": self.start, "date_end": self.end}

    def need(self, aspect: str) -> str:
        span = f"from {self.start} to {self.end}"
        return {
            "flight": f"a flight from {self.origin} to {self.city} on {self.start}",
            "hotel": f"a hotel in {self.city} {span}",
            "apartment": f"an apartment in {self.city} {span}",
            "rental_car": f"a rental car in {self.city} {span}",
            "restaurant": f"a restaurant in {self.city} for {self.end}",
        }[aspect]


# --- options ------------------------------------------------------------------------------


def _flight(trip: Trip, rng: Random) -> Option:
    code = rng.choice(("NV", "TA", "SK", "BO"))
    return {
        "path": [trip.origin, trip.city],
        "time": [round(rng.uniform(2.0, 9.0), 1)],
        "company": [rng.choice(("Norvia", "Tarn Air", "Skerry Wings", "Borealis"))],
        "flight_number": [f"{code}{rng.randrange(10, 99)}"],
        "cost": rng.randrange(90, 420),
        "amenities": rng.sample(("snack", "wifi", "power socket", "films"), 2),
        "service": {
            "cost_check_bag_total": rng.choice((None, 20, 35)),
            "cost_business_total": rng.choice((None, 310, 450)),
        },
    }


def _hotel(trip: Trip, rng: Random) -> Option:
    return {
        "name": f"Hotel {rng.choice(_HOUSES)} {rng.randrange(1, 90)}",
        "room": [{"type": "single", "capacity": 1}],
        "cost": [rng.randrange(80, 240)],
        "rating": round(rng.uniform(3.0, 4.9), 1),
        "amenities": rng.sample(("pool", "sauna", "garden", "gym"), 2),
        "service": {
            "cost_breakfast_total": rng.choice((None, 18, 30)),
            "cost_parking_total": rng.choice((None, 15, 25)),
            "cost_barrier_free_total": rng.choice((None, 0)),
        },
    }


def _apartment(trip: Trip, rng: Random) -> Option:
    return {
        "name": f"{rng.choice(_HOUSES)} Loft {rng.randrange(1, 90)}",
        "room": rng.choice(("1B1B", "2B1B", "2B2B")),
        "capacity": rng.randrange(2, 8),
        "cost": rng.randrange(200, 900),
        "rating": round(rng.uniform(3.0, 4.9), 1),
        "amenities": rng.sample(("washing machine", "balcony", "kitchen", "desk"), 2),
        "service": {
            "cost_cleaning_total": rng.randrange(20, 60),
            "cost_late_checkout_fee": rng.choice((None, 15, 30)),
            "cost_early_checkin_fee": rng.choice((None, 20)),
        },
    }


def _rental_car(trip: Trip, rng: Random) -> Option:
    waivers = ("collision_waiver", "theft_waiver", "liability_waiver", "glass_waiver")
    return {
        "brand": rng.choice(("Aurel", "Kestrel", "Brandt")),
        "model": rng.choice(("Finch", "Plover", "Dunlin")),
        "categories": rng.choice(("compact", "van", "electric")),
        "seats": rng.choice((4, 5, 7)),
        "cost": rng.randrange(120, 560),
        "insurance": {waiver: rng.choice((None, 8, 15)) for waiver in waivers},
        "service": {
            "cost_child_seat_total": rng.choice((None, 12)),
            "cost_underage_total": rng.choice((None, 40)),
            "cost_additional_driver_total": rng.choice((None, 22)),
        },
    }


def _restaurant(trip: Trip, rng: Random) -> Option:
    return {
        "name": f"The {rng.choice(_HOUSES)} Table {rng.randrange(1, 90)}",
        "cuisine": rng.choice(("Georgian", "Peruvian", "Basque")),
        "expectation": rng.choice(("Cheap", "Normal", "Expensive")),
        "rating": round(rng.uniform(3.0, 4.9), 1),
        "reviews": {f"{stars}_star": rng.randrange(5, 200) for stars in range(1, 6)},
        "tags": rng.sample(("outdoor seating", "vegetarian", "live music", "harbour view"), 2),
    }


_MAKE: dict[str, Callable[[Trip, Random], Option]] = {
    "flight": _flight,
    "hotel": _hotel,
    "apartment": _apartment,
    "rental_car": _rental_car,
    "restaurant": _restaurant,
}
_LEVELS = ("Cheap", "Normal", "Expensive")


def total(aspect: str, option: Option, wishes: Sequence[Wish]) -> float:
    """Return what an option costs with everything that is wished for."""
    if aspect == "restaurant":
        return _LEVELS.index(option["expectation"])
    costs: list[float] = option["cost"] if aspect == "hotel" else [option["cost"]]
    return min(costs) + sum(wish.price(option) for wish in wishes)


def _drawn(
    aspect: str, trip: Trip, wishes: Sequence[Wish], denied: Sequence[Wish], rng: Random
) -> Option:
    """Return an option that meets every wish but those denied."""
    while True:
        option = _MAKE[aspect](trip, rng)
        for wish in wishes:
            (wish.deny if wish in denied else wish.grant)(option, rng)
        if all(wish.meets(option) == (wish not in denied) for wish in wishes):
            return option


def _correct(aspect: str, trip: Trip, wishes: Sequence[Wish], rng: Random) -> list[Option]:
    """Return options that meet every wish, of different total costs."""
    while True:
        drawn = [_drawn(aspect, trip, wishes, (), rng) for _ in range(CORRECT)]
        if aspect == "restaurant":
            for option, level in zip(drawn, rng.sample(_LEVELS, CORRECT), strict=True):
                option["expectation"] = level
        if len({total(aspect, option, wishes) for option in drawn}) == CORRECT:
            return drawn


def _noise(aspect: str, trip: Trip, wishes: Sequence[Wish], rng: Random) -> Option:
    option = _drawn(aspect, trip, wishes, wishes, rng)
    if aspect == "flight":
        option["path"][-1] = trip.elsewhere
    return option


def _kinds(
    aspect: str, trip: Trip, wishes: Sequence[Wish], rng: Random
) -> Iterator[tuple[str, Option]]:
    for option in _correct(aspect, trip, wishes, rng):
        yield "correct", option
    for _ in range(WRONG):
        yield "wrong", _drawn(aspect, trip, wishes, (rng.choice(wishes),), rng)
    for _ in range(NOISE):
        yield "noise", _noise(aspect, trip, wishes, rng)


# --- tasks --------------------------------------------------------------------------------

_TYPES = {"correct": "suitable", "wrong": "not-suitable", "noise": "noise"}


def aspect_record(aspect: str, trip: Trip, wishes: Sequence[Wish], rng: Random) -> dict[str, Any]:
    """Return what a task says about one aspect."""
    numbers = rng.sample(range(1, 23), CORRECT + WRONG + NOISE + DANGLING)
    ids = [f"{LETTERS[aspect]}{number}" for number in numbers]
    options: dict[str, list[Option]] = {kind: [] for kind in _TYPES}
    for id_, (kind, option) in zip(ids, _kinds(aspect, trip, wishes, rng), strict=False):
        missed = [wish.subcategory for wish in wishes if not wish.meets(option)]
        reason = f"misses {', '.join(missed)}" if missed else "meets every wish"
        options[kind].append({"id": id_, **option, "type": _TYPES[kind], "reason": reason})
    named = {kind: [option["id"] for option in options[kind]] for kind in options}
    best = min(options["correct"], key=lambda option: total(aspect, option, wishes))
    return {
        "preferences": [[aspect, w.subcategory, w.text, w.hint, w.rule] for w in wishes],
        "arguments": trip.arguments(aspect),
        "all_ids": sorted(named["correct"] + named["wrong"] + named["noise"]),
        "correct_ids": named["correct"],
        "wrong_ids": named["wrong"],
        # As in the release, more noise ids are listed than noise options are shown.
        "noise_ids": named["noise"] + ids[CORRECT + WRONG + NOISE :],
        "best_id": best["id"],
        "best_id_thought": f"{best['id']} costs least of those that meet every wish.",
        "options": options,
    }


def task(subset: str, number: int) -> tuple[str, dict[str, Any]]:
    """Return one task with its id."""
    rng = Random(f"fixture/{subset}/{number}")
    trip = Trip(rng)
    counts = [int(digit) for digit in subset]
    rng.shuffle(counts)
    dimensions = rng.sample(sorted(LETTERS), len(counts))
    id_parts: list[str] = []
    record: dict[str, Any] = {}
    said: list[str] = []
    for at, (aspect, count) in enumerate(zip(dimensions, counts, strict=True)):
        wishes = rng.sample(WISHES[aspect], count)
        record[aspect] = aspect_record(aspect, trip, wishes, rng)
        id_parts.append(f"{aspect}:{count}-{9000 + number * 10 + at}")
        texts = ", ".join(wish.text.removeprefix("prefer ") for wish in wishes)
        said.append(f"For the {aspect.replace('_', ' ')}, {trip.name} wants {texts}.")
    needs = [trip.need(aspect) for aspect in dimensions]
    needed = f"{', '.join(needs[:-1])} and {needs[-1]}"
    return "|".join(id_parts), {
        "scenario": f"{trip.name} travels to {trip.city} and needs {needed}. {' '.join(said)}",
        "wanted_num": counts,
        "difficulty": "invented",
        "dimensions": dimensions,
        "initial_description": f"I am planning a trip to {trip.city}. I need {needed}.",
        **record,
    }


def fixture() -> dict[str, dict[str, Any]]:
    """Return every task by its id."""
    numbered = ((subset, at) for at, subset in enumerate(_each_subset()))
    return dict(task(subset, number) for subset, number in numbered)


def _each_subset() -> Iterator[str]:
    for subset, count in SUBSETS.items():
        yield from (subset for _ in range(count))


def written() -> str:
    """Return the file: one task a line."""
    lines = (
        f"{json.dumps(id_)}:{json.dumps(record, separators=(',', ':'))}"
        for id_, record in fixture().items()
    )
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text(written(), encoding="utf-8")
