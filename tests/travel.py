"""A small trip of two aspects for tests of UserBench, and a user that judges as it is told."""

import json
from typing import Any

from pydantic import JsonValue

from sidecritic.envs.userbench.episode import TOOL, UserBenchEpisode
from sidecritic.envs.userbench.rules import PAPER, Rules, TripProgress
from sidecritic.envs.userbench.tasks import trip_of
from sidecritic.models.scripted import ScriptedModel
from sidecritic.types import Assistant, Observation, ToolCall

ID = "flight:2-9001|rental_car:2-9002"


def _flight(id_: str, kind: str, cost: int, **other: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "path": ["Osterby", "Larkport"],
        "time": [4.5],
        "company": ["Norvia"],
        "flight_number": ["NV12"],
        "cost": cost,
        "amenities": ["snack"],
        "service": {"cost_check_bag_total": 30, "cost_business_total": None},
        "type": kind,
        "reason": f"secret reason of {id_}",
        **other,
    }


def _car(id_: str, kind: str, cost: int, **other: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "brand": "Aurel",
        "model": "Finch",
        "categories": "electric",
        "seats": 7,
        "cost": cost,
        "insurance": {"theft_waiver": 10},
        "service": {"cost_child_seat_total": None},
        "type": kind,
        "reason": f"secret reason of {id_}",
        **other,
    }


def record() -> dict[str, Any]:
    """The specification's example, with both aspects written out."""
    return {
        "scenario": "Mira visits Larkport and secretly wants quick flights and electric cars.",
        "wanted_num": [2, 2],
        "difficulty": "medium",
        "dimensions": ["flight", "rental_car"],
        "initial_description": "I fly from Osterby to Larkport on May 4th and need a car there.",
        "flight": {
            "preferences": [
                ["flight", "time", "prefer total travel below six hours", "My back aches.", "r"],
                ["flight", "service", "prefer one checked bag", "I carry climbing gear.", "r"],
            ],
            "arguments": {"origin": "Osterby", "destination": "Larkport", "date": "May 4th"},
            "all_ids": ["F2", "F5", "F7", "F9"],
            "correct_ids": ["F5", "F9"],
            "wrong_ids": ["F2"],
            "noise_ids": ["F7", "F21"],
            "best_id": "F9",
            "best_id_thought": "F9 costs 240 with one bag, F5 costs 265.",
            "options": {
                "correct": [
                    _flight("F5", "suitable", 235),
                    _flight("F9", "suitable", 210, company=["Tarn Air"]),
                ],
                "wrong": [_flight("F2", "not-suitable", 150, time=[11.0])],
                "noise": [_flight("F7", "noise", 90, path=["Osterby", "Fellhaven"])],
            },
        },
        "rental_car": {
            "preferences": [
                ["rental_car", "category", "prefer an electric car", "No petrol for me.", "r"],
                ["rental_car", "seats", "prefer seven seats", "The choir comes along.", "r"],
                ["rental_car", "too short"],
            ],
            "arguments": {"city": "Larkport", "date_start": "May 4th"},
            "correct_ids": ["C1", "C4"],
            "wrong_ids": ["C3"],
            "noise_ids": ["C8"],
            "best_id": "C4",
            "options": {
                "correct": [_car("C1", "suitable", 300), _car("C4", "suitable", 280)],
                "wrong": [_car("C3", "not-suitable", 100, seats=4)],
                "noise": [_car("C8", "noise", 80, categories="van")],
            },
        },
    }


def found(aspect: str, judgement: str = "True") -> str:
    return json.dumps({"alignment_judgement": judgement, "alignment_aspect": aspect})


def asks(type_: str, preference_id: str | None = None) -> str:
    return json.dumps({"type": type_, "preference_id": preference_id})


def says(text: str) -> str:
    return json.dumps({"thought": "because", "response": text})


def turn(choice: str, content: str, id_: str = "c") -> Assistant:
    arguments: dict[str, JsonValue] = {"thought": "t", "choice": choice, "content": content}
    call = ToolCall(id=id_, name=TOOL.name, arguments=arguments, raw=json.dumps(arguments))
    return Assistant(calls=(call,))


class Trip:
    """An episode with the judgements that its user will give, in order."""

    def __init__(self, *judgements: str, rules: Rules = PAPER) -> None:
        self.user = ScriptedModel(judgements, name="judge")
        trip = trip_of(ID, record())
        self.progress = TripProgress(trip, rules)
        self.episode = UserBenchEpisode(trip, self.user, self.progress)

    async def takes(self, choice: str, content: str) -> Observation:
        return await self.episode.step(turn(choice, content))

    async def hears(self, choice: str, content: str) -> str:
        (message,) = (await self.takes(choice, content)).messages
        return message.text

    @property
    def rewards(self) -> list[float]:
        return [taken.reward for taken in self.progress.turns]
