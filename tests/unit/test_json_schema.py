"""Arguments against the schema of a tool, whatever either holds."""

from time import process_time

import pytest
from pydantic import JsonValue

from sidecritic.json_schema import broken
from sidecritic.values import JsonObject

SCHEMA: JsonObject = {
    "type": "object",
    "properties": {
        "count": {"type": "integer", "minimum": 3},
        "kind": {"enum": ["x", "y"]},
        "day": {"type": "string", "format": "date"},
        "at": {"type": "string", "format": "date-time"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "tags": {"type": "array", "uniqueItems": True},
    },
    "required": ["count"],
}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "'count' is a required property"),
        ({"count": 2}, "count: 2 is less than the minimum of 3"),
        ({"count": "many"}, "count: 'many' is not of type 'integer'"),
        ({"count": 7, "kind": "z"}, "kind: 'z' is not one of ['x', 'y']"),
        ({"count": 7, "day": "2026-13-01"}, "day: '2026-13-01' is not a 'date'"),
        ({"count": 7, "at": "tomorrow"}, "at: 'tomorrow' is not a 'date-time'"),
        ({"count": 7, "code": "abc"}, "code: it does not match '^[A-Z]{2}$'"),
        ({"count": 7, "tags": [1, 1]}, "tags: [1, 1] has non-unique elements"),
    ],
)
def test_what_breaks_a_schema_is_said(arguments: JsonObject, said: str) -> None:
    assert broken(SCHEMA, arguments) == said


@pytest.mark.parametrize(
    "arguments",
    [
        {"count": 7.0, "kind": "x", "day": "2026-06-09", "at": "2026-06-09T10:00"},
        {"count": "7", "unknown": 1},
    ],
)
def test_what_servers_accept_passes(arguments: JsonObject) -> None:
    assert broken(SCHEMA, arguments) == ""


@pytest.mark.parametrize("value", [7, 7.5, True])
def test_a_scalar_stands_for_its_text_as_servers_read_it(value: JsonValue) -> None:
    schema: JsonObject = {"properties": {"loan": {"type": "string"}}}
    assert broken(schema, {"loan": value}) == ""
    assert broken(schema, {"loan": [value]}) == f"loan: [{value}] is not of type 'string'"
    assert "is not of type 'string'" in broken(schema, {"loan": {"id": value}})


_DOUBLING: JsonObject = {
    f"a{n}": {"allOf": [{"$ref": f"#/$defs/a{n + 1}"}, {"$ref": f"#/$defs/a{n + 1}"}]}
    for n in range(40)
}
_MANY: list[JsonValue] = [{"type": "null"} for _ in range(4000)]
HOSTILE: dict[str, JsonObject] = {
    "itself": {"$ref": "#"},
    "another's": {"$ref": "http://127.0.0.1:9/schema"},
    "no type": {"type": 5},
    "doubling": {"$defs": {**_DOUBLING, "a40": {}}, "$ref": "#/$defs/a0"},
    "many": {"properties": {"a": {"anyOf": _MANY}}},
    "pattern": {"properties": {"a": {"pattern": "^(a+)+$"}}},
    "large pattern": {"properties": {"a": {"pattern": "(a{1000}){1000}"}}},
    "no pattern": {"properties": {"a": {"pattern": "(?<=a)("}}},
    "names": {"patternProperties": {"^(a+)+$": {"type": "integer"}}},
    "unique": {"properties": {"b": {"uniqueItems": True}}},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_no_schema_takes_long_or_fails(schema: JsonObject) -> None:
    unlike: list[JsonValue] = [{"n": n} for n in range(500)]
    broken(schema, {})  # the library is loaded once
    started = process_time()
    broken(schema, {"a": "a" * 20_000 + "!", "b": unlike})
    assert process_time() - started < 0.25
