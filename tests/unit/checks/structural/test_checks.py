"""What is refused in every domain: schemas, ids, owners, repetition."""

from dataclasses import replace

import pytest
from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.checks.structural import STRUCTURAL
from sidecritic.types import Proposal, ToolSpec
from tests.talk import Talk, fired, sent_back, specs

TALK = Talk(tools=specs("find_member list_boats", "set_berth move_boat send_note"))
MEMBER: JsonValue = {"memberId": "M-204", "name": "Ada Lind"}
BOATS: JsonValue = {
    "boats": [
        {"boatId": "B-771", "memberId": "M-204", "berth": "C12"},
        {"boatId": "B-990", "memberId": "M-350", "berth": "A1"},
    ]
}
KNOWN = (
    TALK.user("Bitte verlegen Sie mein Boot nach C14.")
    .did("find_member", MEMBER, name="Ada Lind")
    .did("list_boats", BOATS, memberId="M-204")
)


def found(proposal: Proposal) -> dict[str, Finding]:
    return {
        name: each
        for name, each in fired(STRUCTURAL, proposal).items()
        if each.feedback and not each.check.endswith("failed")
    }


def test_a_right_call_passes() -> None:
    assert not found(KNOWN.calls("set_berth", boatId="B-771", berth="C14"))


def test_arguments_must_be_an_object() -> None:
    proposal = KNOWN.calls("set_berth")
    [call] = proposal.action.calls
    bad = call.model_copy(update={"arguments": None, "raw": '["B-771"'})
    action = proposal.action.model_copy(update={"calls": (bad,)})
    assert set(found(proposal.model_copy(update={"action": action}))) == {"arguments are no object"}


def test_arguments_must_fit_the_schema() -> None:
    schema: dict[str, JsonValue] = {"properties": {"berth": {"type": "string", "maxLength": 3}}}
    tool = ToolSpec(name="set_berth", parameters=schema, effect="write")
    talk = replace(KNOWN, tools=(tool,))
    assert (
        "C1400"
        in found(talk.calls("set_berth", boatId="B-771", berth="C1400"))[
            "arguments break the schema"
        ].feedback
    )


def test_an_id_that_nobody_named_is_refused_and_a_number_is_no_id() -> None:
    assert set(found(KNOWN.calls("set_berth", boatId="B-123", berth="C14"))) == {"made-up id"}
    assert not found(KNOWN.calls("set_berth", boatId="B-771", priceId=1234567))


@pytest.mark.parametrize("key", ["boatUuid", "boat_uuid", "guid", "boatUuids"])
def test_an_id_by_any_of_its_names_is_one(key: str) -> None:
    shown, other = "7f1c2b9e-0d4a-4c3e-9b1a-2f6d8e5a1c00", "7f1c2b9e-0d4a-4c3e-9b1a-2f6d8e5a1c09"
    talk = TALK.user("Cancel it.").did("list_boats", {key: shown})
    assert not found(talk.calls("set_berth", **{key: shown}))
    assert set(found(talk.calls("set_berth", **{key: other}))) == {"made-up id"}


def test_an_id_of_the_user_the_operator_or_the_schema_is_known() -> None:
    said = KNOWN.user("It is B-123.").calls("set_berth", boatId="B-123")
    policy = KNOWN.calls("set_berth", boatId="B-123").model_copy(update={"policy": "Demo: B-123"})
    assert not found(said)
    assert not found(policy)


def test_an_id_whose_every_look_up_failed_is_refused() -> None:
    talk = TALK.user("Boat B-404").failed("list_boats", "no such boat", boatId="B-404")
    assert set(found(talk.calls("set_berth", boatId="B-404", berth="C1"))) == {"never found"}
    again = talk.did("list_boats", {"boatId": "B-404"}, boatId="B-404")
    assert not found(again.calls("set_berth", boatId="B-404", berth="C1"))


@pytest.mark.parametrize("text", ['{"error": "nicht gefunden"}', '{"ok": false}', "Error: 404"])
def test_failures_are_read_in_the_forms_of_machines(text: str) -> None:
    talk = TALK.user("B-404").did("list_boats", text, boatId="B-404")
    assert set(found(talk.calls("set_berth", boatId="B-404", berth="C1"))) == {"never found"}


def test_a_record_of_another_person_is_refused_unless_they_were_looked_up_too() -> None:
    other = KNOWN.did("get_boat", {"boatId": "B-991", "memberId": "M-350"}, boatId="B-991")
    assert set(found(other.calls("set_berth", boatId="B-991", berth="C14"))) == {
        "another person's record"
    }
    ward = other.did("find_member", {"memberId": "M-350", "guardian": "M-204"}, name="Bo Lind")
    assert not found(ward.calls("set_berth", boatId="B-991", berth="C14"))


def test_the_same_write_again_is_refused_unless_something_happened_in_between() -> None:
    moved = KNOWN.did("set_berth", {"ok": True}, boatId="B-771", berth="C14")
    again = {"boatId": "B-771", "berth": "C14"}
    assert set(found(moved.calls("set_berth", **again))) == {"repeated write"}
    other = moved.did("move_boat", {"ok": True}, boatId="B-771")
    assert not found(other.calls("set_berth", **again))
    asked = moved.user("Noch einmal, bitte.").calls("set_berth", **again)
    assert set(found(asked)) == {"repeated write"} and not sent_back(STRUCTURAL, asked)
    failed = KNOWN.did("set_berth", {"ok": False}, boatId="B-771", berth="C14")
    assert not found(failed.calls("set_berth", **again))


def test_setting_what_is_set_changes_nothing() -> None:
    assert set(found(KNOWN.calls("set_berth", boatId="B-771", berth="C12"))) == {"changes nothing"}
    assert not found(KNOWN.calls("send_note", boatId="B-771", berth="C12"))


def test_a_message_after_a_failed_write_is_noted_and_passes() -> None:
    talk = KNOWN.failed("set_berth", "belegt", boatId="B-771", berth="C14")
    said = talk.says("Erledigt: C14.")
    assert set(found(said)) == {"after a failed write"}
    assert not sent_back(STRUCTURAL, said)
