"""Right writes of domains that nobody prepared: none is refused."""

import pytest

from sidecritic.critics.base import THRESHOLD
from sidecritic.values import JsonObject
from tests.unit.checks.structural.left_to_a_text import DELEGATED, TRANSLATED
from tests.unit.checks.structural.right_calls import LONG_POLICY, MADE, OWNED, REPEATED
from tests.unit.checks.structural.told import held_against, risk_of, told

CASES = DELEGATED | MADE | REPEATED | OWNED | LONG_POLICY | TRANSLATED


@pytest.mark.parametrize("name", CASES)
def test_a_right_write_is_not_refused(name: str) -> None:
    proposal = told(CASES[name])
    assert risk_of(proposal) < THRESHOLD, held_against(proposal)


SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "title": {"type": "string"},
        "count": {"type": "integer"},
        "price": {"type": "number", "multipleOf": 0.01},
        "phone": {"type": "string"},
        "cabin": {"type": "string", "enum": ["economy", "business"]},
        "level": {"type": "integer", "enum": [1, 2, 3]},
        "either": {"oneOf": [{"type": "string"}, {"type": "number"}]},
        "number": {"oneOf": [{"type": "integer"}, {"type": "number"}]},
        "note": {"type": "string"},
        "maybe": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "open": {"type": "string", "nullable": True},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True},
        "where": {"type": "object", "properties": {"town": {"type": "string"}}},
    },
    "required": ["title"],
}


@pytest.mark.parametrize(
    "given",
    [
        {"count": "7"},
        {"count": 7.0},
        {"price": 19.99},
        {"price": 98.7},
        {"price": "98.70"},
        {"phone": 5551234},
        {"cabin": "Economy"},
        {"level": "2"},
        {"either": "7"},
        {"either": 7},
        {"number": 7},
        {"note": None},
        {"maybe": None},
        {"open": None},
        {"day": "2026-06-17"},
        {"at": "2026-06-17 09:30"},
        {"at": "2026-06-17T09:30:00Z"},
        {"tags": '["a", "b"]'},
        {"tags": []},
        {"where": '{"town": "Ford"}'},
        {"where": {"town": "Ford", "street": "Mill Lane"}},
        {"unknown": "may be added"},
    ],
    ids=str,
)
def test_what_servers_read_is_not_refused_for_its_form(given: JsonObject) -> None:
    proposal = told(["U: Please.", ("save", {"title": "x", **given})], SCHEMA)
    assert "arguments break the schema" not in held_against(proposal)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "dict", "properties": {"title": {"type": "str"}}},
        {"type": "OBJECT", "properties": {"title": {"type": "STRING"}}},
        {"properties": {"title": {"type": "string", "required": True}}},
        {"properties": {"title": {"type": "any"}}},
        {"properties": {"title": {"$ref": "#/definitions/none"}}},
        {"properties": {"title": "a text"}},
        {"title": "a text"},
        {},
    ],
    ids=str,
)
def test_a_schema_of_another_dialect_says_nothing(schema: JsonObject) -> None:
    assert not held_against(told(["U: x", ("save", {"title": "x"})], schema))
