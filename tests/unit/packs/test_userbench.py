"""The pack for UserBench: each check fires on its mistake and on nothing beside it."""

import json

import pytest
from pydantic import JsonValue

from sidecritic.envs.userbench.episode import TOOL
from sidecritic.packs import pack_for
from sidecritic.packs.userbench import USERBENCH, USERBENCH_MULTI
from sidecritic.types import Proposal
from tests.talk import Talk, fired
from tests.travel import record

FLIGHTS = [
    {key: value for key, value in option.items() if key not in ("type", "reason")}
    for kind in record()["flight"]["options"].values()
    for option in kind
]
OPENING = Talk((TOOL,)).user("I fly from Osterby to Larkport and need a car there.")
SEARCHED = OPENING.did(
    TOOL.name,
    "Options for the flight:\n" + "\n".join(map(json.dumps, FLIGHTS)),
    choice="search",
    content="flight from Osterby to Larkport",
)
ASKED = SEARCHED.did(
    TOOL.name, "My back aches.", choice="action", content="How long may the flight take?"
)


def answers(talk: Talk, content: str) -> Proposal:
    return talk.calls(TOOL.name, choice="answer", content=content)


def test_an_answer_after_search_and_question_passes() -> None:
    assert fired(USERBENCH, answers(ASKED, "F9")) == {}


@pytest.mark.parametrize(
    ("talk", "content", "check"),
    [
        (SEARCHED, "F9", "nothing asked"),
        (ASKED, "F3", "option never shown"),
        (ASKED, "F9, F5", "not an id"),
        (ASKED, "the cheapest flight", "not an id"),
        (ASKED, "H3", "not asked for"),
        (OPENING, "C1", "option never shown"),
    ],
)
def test_a_mistake_is_found(talk: Talk, content: str, check: str) -> None:
    assert check in fired(USERBENCH, answers(talk, content))


def test_asking_about_another_aspect_does_not_count_in_full() -> None:
    talk = SEARCHED.did(TOOL.name, "Hm.", choice="action", content="Which hotel do you like?")
    assert fired(USERBENCH, answers(talk, "F9"))["nothing asked"].risk < 0.9


def test_a_second_answer_for_an_aspect_is_found_where_there_is_one_choice() -> None:
    talk = ASKED.did(TOOL.name, "That does not suit me.", choice="answer", content="F5")
    assert "answered already" in fired(USERBENCH, answers(talk, "F9"))
    assert "answered already" not in fired(USERBENCH_MULTI, answers(talk, "F9"))
    assert pack_for("userbench:travel22:multi") is USERBENCH_MULTI
    assert pack_for("userbench:travel22") is USERBENCH


def dearer(**better: JsonValue) -> Talk:
    plain = {**FLIGHTS[0], "id": "F11", "cost": 100, **better}
    shown = "\n".join(map(json.dumps, [*FLIGHTS, plain]))
    return OPENING.did(TOOL.name, shown, choice="search", content="flight").did(
        TOOL.name, "Hm.", choice="action", content="How long may the flight take?"
    )


def test_an_option_that_costs_more_than_its_equal_is_found() -> None:
    finding = fired(USERBENCH, answers(dearer(), "F5"))["dearer than its equal"]
    assert "F11" in finding.feedback


@pytest.mark.parametrize(
    "worse",
    [
        {"time": [9.0]},
        {"path": ["Osterby", "Fellhaven"]},
        {"amenities": []},
        {"company": ["Tarn Air"]},
        {"service": {"cost_check_bag_total": None, "cost_business_total": None}},
        {"service": {"cost_check_bag_total": 45, "cost_business_total": None}},
        {"cost": 400},
    ],
)
def test_a_cheaper_option_that_lacks_something_is_no_equal(worse: dict[str, JsonValue]) -> None:
    found = fired(USERBENCH, answers(dearer(**worse), "F5"))
    assert "F11" not in str(found.get("dearer than its equal"))


@pytest.mark.parametrize("choice", ["search", "action"])
def test_searching_and_asking_are_left_alone(choice: str) -> None:
    proposal = OPENING.calls(TOOL.name, choice=choice, content="F9")
    assert fired(USERBENCH, proposal) == {}


def test_a_malformed_call_breaks_no_check() -> None:
    call = answers(ASKED, "F9").action.calls[0].model_copy(update={"arguments": None})
    proposal = answers(ASKED, "F9")
    broken = proposal.action.model_copy(update={"calls": (call,)})
    assert fired(USERBENCH, proposal.model_copy(update={"action": broken})) == {}
