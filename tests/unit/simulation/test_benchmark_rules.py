"""What a policy forbids whatever the user says, as simulated actors know it."""

import json

import pytest
from pydantic import JsonValue

from sidecritic.simulation.benchmark_rules import forbidden
from sidecritic.simulation.evidence import Seen
from sidecritic.types import ToolResult, ToolSpec

BOOKED: dict[str, JsonValue] = {
    "reservation_id": "ABC123",
    "cabin": "economy",
    "insurance": "no",
    "created_at": "2024-05-10T08:00:00",
    "total_baggages": 2,
    "flights": [{"flight_number": "HAT001", "date": "2024-05-20"}],
}
MEMBER: dict[str, JsonValue] = {"user_id": "a_b_1234", "membership": "regular", "orders": []}
ORDER: dict[str, JsonValue] = {"order_id": "#W1000001", "items": [], "status": "pending"}


def tool(name: str, *needs: str) -> ToolSpec:
    properties: dict[str, JsonValue] = {
        need: {"type": "integer" if need.startswith("total") else "string"} for need in needs
    }
    schema: dict[str, JsonValue] = {"properties": properties, "required": list(needs)}
    return ToolSpec(name=name, parameters=schema, effect="write")


def is_forbidden(spec: ToolSpec, *records: dict[str, JsonValue]) -> bool:
    results = tuple(
        ToolResult(call_id=str(at), name="get", text=json.dumps(record))
        for at, record in enumerate(records)
    )
    return any(forbidden(Seen(results), [spec], wishes=""))


CANCEL = tool("cancel_reservation", "reservation_id")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, True),
        ({"cabin": "business"}, False),
        ({"insurance": "yes"}, False),
        ({"created_at": "2024-05-15T08:00:00"}, False),
        ({"cabin": "business", "flights": [{"date": "2024-05-12"}]}, True),
    ],
)
def test_a_reservation_is_not_cancelled_without_grounds(
    change: dict[str, JsonValue], expected: bool
) -> None:
    assert is_forbidden(CANCEL, {**BOOKED, **change}) is expected


def test_a_flight_that_the_airline_cancelled_is_a_ground() -> None:
    status: dict[str, JsonValue] = {"flights": [], "status": "cancelled"}
    assert not is_forbidden(CANCEL, BOOKED, status)


def test_bags_are_not_taken_off() -> None:
    spec = tool("update_reservation_baggages", "reservation_id", "total_baggages")
    assert is_forbidden(spec, BOOKED)
    assert not is_forbidden(spec, {**BOOKED, "total_baggages": 1})


def test_a_regular_member_without_insurance_is_not_compensated() -> None:
    spec = tool("send_certificate", "user_id")
    assert is_forbidden(spec, MEMBER, BOOKED)
    assert not is_forbidden(spec, MEMBER, {**BOOKED, "insurance": "yes"})
    assert not is_forbidden(spec, {**MEMBER, "membership": "gold"}, BOOKED)
    assert not is_forbidden(spec, MEMBER), "no reservation was seen"


def test_orders_are_changed_by_their_status() -> None:
    assert not is_forbidden(tool("cancel_pending_order", "order_id"), ORDER)
    assert is_forbidden(tool("cancel_pending_order", "order_id"), {**ORDER, "status": "delivered"})
    assert is_forbidden(tool("return_delivered_order_items", "order_id"), ORDER)


def test_a_tool_without_a_norm_is_never_forbidden() -> None:
    assert not is_forbidden(tool("erase_everything", "order_id"), ORDER)
