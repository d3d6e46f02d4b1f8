"""Records of the real world: any field that holds an id, in lists and wrappers."""

import pytest
from pydantic import JsonValue

from sidecritic.checks.facts import Facts
from sidecritic.values import is_id_key
from tests.talk import Talk, specs

TALK = Talk(tools=specs("get list", "put"))


def records(talk: Talk) -> dict[str, set[str]]:
    return {kind: set(held) for kind, held in Facts.of(talk.says("")).records.items()}


@pytest.mark.parametrize("key", ["boat_id", "boatId", "boatID", "id", "_id", "id_", "ID"])
def test_these_fields_hold_ids(key: str) -> None:
    assert is_id_key(key)


@pytest.mark.parametrize("key", ["paid", "valid", "identity", "ids", "grid", "idea"])
def test_these_do_not(key: str) -> None:
    assert not is_id_key(key)


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"boatId": "B-1", "berth": "C1"}, {"boatId": {"B-1"}}),
        ([{"boat_id": "B-1"}, {"boat_id": "B-2"}], {"boat_id": {"B-1", "B-2"}}),
        ({"data": {"boats": [{"id": 7}]}, "total": 1}, {"": {""}, "id": {"7"}}),
        ({"boatId": "B-1", "parts": [{"partId": "P-1"}]}, {"boatId": {"B-1"}}),
    ],
)
def test_records_are_found_in_lists_and_wrappers_and_parts_are_none(
    result: JsonValue, expected: dict[str, set[str]]
) -> None:
    assert records(TALK.did("get", result)) == expected


def test_the_call_names_the_kind_of_what_returns_with_a_bare_id() -> None:
    talk = TALK.did("get", {"id": "B-1", "berth": "C1"}, boat_id="B-1")
    assert records(talk) == {"id": {"B-1"}, "boat_id": {"B-1"}}


def test_a_list_by_the_id_of_a_record_does_not_stand_in_for_it() -> None:
    talk = TALK.did("get", {"memberId": "M-1", "name": "Ada"}, name="Ada")
    talk = talk.did("list", {"boats": [{"boatId": "B-1"}]}, memberId="M-1")
    known = Facts.of(talk.says("")).records
    assert known["memberId"]["M-1"] == {"memberId": "M-1", "name": "Ada"}
    assert set(known["boatId"]) == {"B-1"}
