"""What a tool probably does, told from what its maker says."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidecritic.dialects.tool_files import read_tools, tools_in
from sidecritic.errors import ConfigError
from sidecritic.gates import is_final, may_write
from sidecritic.handover import hands_over
from sidecritic.seats.effects import propose, without_guessed_reads
from sidecritic.types import Assistant, Effect, ToolCall, ToolSpec

SCHEMA: dict[str, Any] = {"type": "object", "properties": {"id": {"type": "string"}}}


def effect(name: str, description: str = "", **more: Any) -> Effect:
    (found,) = propose(tools_in([{"name": name, "description": description, **more}], "a test"))
    return found.effect


@pytest.mark.parametrize(
    "name",
    [
        *("find_guest", "listBookings", "order_status", "mcp__desk__get-order", "look_up_user"),
        *("account_balance", "transfer_history", "buscar_paciente", "terminSuchen", "list_orders"),
        *("rechercher_client", "orders.list", "get_order_cancellation_rules"),
    ],
)
def test_a_name_that_looks_is_a_read(name: str) -> None:
    assert effect(name) == "read"


@pytest.mark.parametrize(
    "name",
    [
        *("book_table", "cancelBooking", "getOrCreateUser", "check_in_guest", "set_status"),
        *("share_report", "booking_create", "termin_buchen", "cancelar_cita", "invoices.create"),
        *("list_and_cancel", "order_replacement", "message_doctor", "annuler_commande"),
    ],
)
def test_a_name_that_changes_is_a_write(name: str) -> None:
    assert effect(name) == "write"


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("Returns the tables that are free.", "read"),
        ("Puts a guest on the waiting list.", "write"),
        ("Sucht freie Tische.", "read"),
        ("Storniert eine Buchung.", "write"),
        ("患者の予約をキャンセルする", "write"),
        ("予約を検索する", "read"),
        ("Tables, by the window first.", "unknown"),
    ],
)
def test_a_description_tells_where_a_name_does_not(description: str, expected: Effect) -> None:
    assert effect("desk_7", description) == expected


def test_a_name_that_looks_and_a_description_that_changes_decide_nothing() -> None:
    assert effect("get_token", "Creates a new token.") == "unknown"


def test_arguments_tell_where_no_word_does() -> None:
    assert effect("desk", parameters={"properties": {"new_phone": {}}}) == "write"
    assert effect("desk", parameters={"properties": {"query": {}, "limit": {}}}) == "read"


def test_the_makers_annotations_come_before_words_and_the_operators_word_before_both() -> None:
    assert effect("get_room", annotations={"destructiveHint": True}) == "write"
    assert effect("book_room", annotations={"readOnlyHint": True}) == "read"
    declared: Any = {"annotations": {"readOnlyHint": True}, "effect": "write"}
    assert effect("get_room", **declared) == "write"


@pytest.mark.parametrize(
    "name", ["transfer_to_nurse", "hand_over", "transferir_a_humano", "weiterleiten_an_mitarbeiter"]
)
def test_a_hand_over_is_neither(name: str) -> None:
    assert effect(name) == "hand_over"


def test_what_the_operator_calls_a_hand_over_is_one_for_every_gate() -> None:
    tool = ToolSpec(name="page_the_desk", effect="hand_over")
    action = Assistant(calls=(ToolCall(id="a", name=tool.name, arguments={}, raw="{}"),))
    assert hands_over(tool)
    assert is_final(action, (), (tool,))
    assert may_write(action, (tool,))
    assert not hands_over("page_the_desk")


@given(name=st.text(max_size=40), description=st.text(max_size=200))
def test_any_text_has_some_effect(name: str, description: str) -> None:
    if name:
        assert effect(name, description) in ("read", "write", "hand_over", "unknown")


FORMS: list[Any] = [
    [{"type": "function", "function": {"name": "a", "parameters": SCHEMA}}],
    [{"type": "function", "name": "a", "parameters": SCHEMA}],
    [{"name": "a", "input_schema": SCHEMA}],
    {"tools": [{"name": "a", "inputSchema": SCHEMA, "annotations": {}}]},
    {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "a", "inputSchema": SCHEMA}]}},
]


@pytest.mark.parametrize("form", FORMS, ids=["chat", "responses", "messages", "mcp", "answered"])
def test_tools_are_read_in_every_form(form: Any, tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(json.dumps(form))
    (found,) = read_tools(file)
    assert (found.tool.name, found.tool.parameters) == ("a", SCHEMA)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "is not JSON"),
        ("[]", "holds no list of tools"),
        ('{"a": 1}', "holds no list of tools"),
        ('[{"description": "x"}]', "has no name; write it as a tool"),
        ('[{"name": "a", "effect": "reads"}]', "has the effect 'reads'; known: read, write"),
        ('[{"name": "a"}, {"name": "a"}]', "two tools are named 'a'"),
    ],
)
def test_a_file_without_usable_tools_is_named(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "tools.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=message):
        read_tools(file)


@pytest.mark.parametrize(
    ("tool", "counts"),
    [
        ({"name": "get_order"}, "read"),
        ({"name": "peek", "effect": "read"}, "read"),
        ({"name": "check_card"}, "unknown"),
        ({"name": "order_status"}, "unknown"),
        ({"name": "purge", "annotations": {"readOnlyHint": True}}, "unknown"),
        ({"name": "get_refund", "description": "Refunds an order."}, "unknown"),
        ({"name": "cancel_order"}, "write"),
    ],
)
def test_a_read_that_is_only_likely_counts_for_nothing(tool: Any, counts: str) -> None:
    (found,) = without_guessed_reads(propose(tools_in([tool], "a test")))
    assert found.effect == counts
