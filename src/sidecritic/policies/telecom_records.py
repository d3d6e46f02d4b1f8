"""Customers, lines, bills and plans of the telecom domain, as far as the tools showed them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.policies.facts import Facts
from sidecritic.policies.values import JsonObject, text_of
from sidecritic.types import ToolCall

SUSPEND = "suspend_line"
RESUME = "resume_line"
REQUEST = "send_payment_request"
ROAMING_ON = "enable_roaming"
ROAMING_OFF = "disable_roaming"
REFUEL = "refuel_data"
TRANSFER = "transfer_to_human_agents"

ON_LINES = (SUSPEND, RESUME, ROAMING_ON, ROAMING_OFF, REFUEL)

TODAY = "2025-02-25"

_NONE: JsonObject = {}


class Bill(NamedTuple):
    """A bill in the last state that is known."""

    id: str
    status: str
    """In lower case; `awaiting payment` from the payment request on, until it is read again."""
    seen: int
    """Message in which the status was seen or set."""


def customer(facts: Facts) -> JsonObject:
    """Return the customer who was identified first; empty when nobody was."""
    for done in facts.done:
        if done.call.name.startswith("get_customer") and not done.is_error:
            return next(_holding(done.value, "customer_id"), _NONE)
    return _NONE


def line_of(facts: Facts, call: ToolCall) -> JsonObject:
    """Return the line that a call is about; empty when it was never looked up."""
    return lines(facts).get(text_of(call.arguments or {}, "line_id"), _NONE)


def lines(facts: Facts) -> Mapping[str, JsonObject]:
    """Return the lines that a tool showed whole, by id, in their latest state."""
    return {
        text_of(line, "line_id"): line
        for done in facts.done
        for line in _holding(done.value, "line_id")
        if "phone_number" in line
    }


def plan_of(facts: Facts, line: JsonObject) -> JsonObject:
    """Return the plan of a line; empty when it was never looked up."""
    return facts.records.get("plan_id", {}).get(text_of(line, "plan_id"), _NONE)


def bills(facts: Facts) -> Mapping[str, Bill]:
    """Return the bills in their last known state, by id."""
    found: dict[str, Bill] = {}
    for done in facts.done:
        if done.is_error:
            continue
        for record in _holding(done.value, "bill_id"):
            status = text_of(record, "status").lower()
            found[text_of(record, "bill_id")] = Bill(
                text_of(record, "bill_id"), status, done.position
            )
        if done.call.name == REQUEST:
            bill_id = text_of(done.arguments, "bill_id")
            found[bill_id] = Bill(bill_id, "awaiting payment", done.position)
    return found


def contract_ended(line: JsonObject) -> bool:
    """Whether the contract's end date is in the past."""
    return "" < text_of(line, "contract_end_date") < TODAY


def _holding(value: JsonValue, key: str) -> Iterator[JsonObject]:
    """Walk over the records with this key, wherever a result holds them."""
    match value:
        case dict():
            if key in value:
                yield value
            for part in value.values():
                yield from _holding(part, key)
        case list():
            for part in value:
                yield from _holding(part, key)
        case _:
            return
