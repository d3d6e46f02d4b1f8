"""Customers, lines, bills and plans of the telecom domain, as far as they are known.

Known is what the tools showed and what the critic looked up, unless a function says `read`: that
is what the agent itself has seen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.records import Kind
from sidecritic.checks.terms import now
from sidecritic.english.amounts import amounts
from sidecritic.values import JsonObject, number_of, text_of

SUSPEND = "suspend_line"
RESUME = "resume_line"
REQUEST = "send_payment_request"
ROAMING_ON = "enable_roaming"
ROAMING_OFF = "disable_roaming"
REFUEL = "refuel_data"
TRANSFER = "transfer_to_human_agents"

USAGE = "get_data_usage"
DETAILS = "get_details_by_id"
BILLS = "get_bills_for_customer"

ON_LINES = (SUSPEND, RESUME, ROAMING_ON, ROAMING_OFF, REFUEL)

_NONE: JsonObject = {}


class Bill(NamedTuple):
    """A bill in the last state that is known."""

    id: str
    status: str
    """In lower case; `awaiting payment` from the payment request on, until it is read again."""
    seen: int
    """Message in which the status was seen or set."""
    looked: bool = False
    """Whether the critic has looked it up: then this is the status now."""

    @property
    def shown(self) -> tuple[int, ...]:
        """The message that shows it, if any does."""
        return () if self.looked else (self.seen,)


def customer(facts: Facts) -> JsonObject:
    """Return the customer who was identified first; empty when nobody was."""
    for done in facts.done:
        if done.call.name.startswith("get_customer") and not done.is_error:
            return next(_holding(done.value, "customer_id"), _NONE)
    return _NONE


def lines(facts: Facts) -> Mapping[str, JsonObject]:
    """Return the lines that a tool showed whole, by id, in their latest state."""
    return _lines((*facts.done, *facts.looked))


def read_lines(facts: Facts) -> Mapping[str, JsonObject]:
    """Return the lines that the agent has seen."""
    return _lines(facts.done)


class _Lines(Kind):
    """Lines are told from their data usage, which bears the same id."""

    def of(self, case: Case) -> JsonObject:
        return lines(case.facts).get(case.named(self.key), _NONE)

    def seen(self, case: Case) -> JsonObject:
        return read_lines(case.facts).get(case.named(self.key), _NONE)


LINE = _Lines("line", "line_id", DETAILS, parameter="id")
PLAN = Kind("plan", "plan_id", DETAILS, parameter="id")


def plan_of(facts: Facts, line: JsonObject) -> JsonObject:
    """Return the plan of a line; empty when it was never looked up."""
    return facts.known.get("plan_id", {}).get(text_of(line, "plan_id"), _NONE)


def bills(facts: Facts) -> Mapping[str, Bill]:
    """Return the bills in their last known state, by id."""
    return _bills((*facts.done, *facts.looked), facts.looked)


def read_bills(facts: Facts) -> Mapping[str, Bill]:
    """Return the bills as the agent knows them, by id."""
    return _bills(facts.done)


def data_limit(facts: Facts, line: JsonObject) -> float:
    """Return the GB of a line's plan, or else of its usage, which writes them as text; else 0."""
    limit = number_of(plan_of(facts, line), "data_limit_gb")
    for done in () if limit else reversed(facts.done):
        usage = done.value if done.call.name == USAGE else None
        if isinstance(usage, dict) and text_of(usage, "line_id") == text_of(line, "line_id"):
            return next(amounts(f"${text_of(usage, 'data_limit_gb')}"), 0.0)
    return limit


def is_late(facts: Facts) -> bool:
    """Whether a bill is overdue."""
    return any(bill.status == "overdue" for bill in bills(facts).values())


def contract_ended(facts: Facts, line: JsonObject) -> bool:
    """Whether the contract's end date is in the past.

    Raises:
        Unstated: there is one, and the rules do not state the current time.
    """
    ends = text_of(line, "contract_end_date")
    return bool(ends) and ends < f"{now(facts):%Y-%m-%d}"


def _bills(results: Iterable[Done], looked: Sequence[Done] = ()) -> Mapping[str, Bill]:
    found: dict[str, Bill] = {}
    for done in results:
        if done.is_error:
            continue
        for record in _holding(done.value, "bill_id"):
            bill_id, status = text_of(record, "bill_id"), text_of(record, "status").lower()
            found[bill_id] = Bill(bill_id, status, done.position, done in looked)
        if done.call.name == REQUEST:
            bill_id = text_of(done.arguments, "bill_id")
            found[bill_id] = Bill(bill_id, "awaiting payment", done.position)
    return found


def _lines(results: Iterable[Done]) -> Mapping[str, JsonObject]:
    return {
        text_of(line, "line_id"): line
        for done in results
        for line in _holding(done.value, "line_id")
        if "phone_number" in line
    }


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
