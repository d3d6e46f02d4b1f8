"""Telecom: what is worth looking up before a call is judged, most wanted first."""

from collections.abc import Iterator

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.packs.telecom.records import (
    BILLS,
    DETAILS,
    ON_LINES,
    REFUEL,
    REQUEST,
    RESUME,
    SUSPEND,
    USAGE,
    customer,
    line_of,
    lines,
    plan_of,
    read_bills,
    usage_of,
)
from sidecritic.values import JsonObject, text_of, texts_of


def telecom_wants(facts: Facts) -> Iterator[Wanted]:
    """Walk over the look-ups that the proposed calls are worth, most wanted first."""
    for call in facts.proposed:
        yield from _line(Case(facts, call))
        yield from _bills(Case(facts, call))
        match call.name:
            case name if name == REFUEL:
                yield from _data(facts, line_of(Case(facts, call)))
            case name if name in facts.hand_overs:
                yield from _account(facts)
            case _:
                pass


def _line(case: Case) -> Iterator[Wanted]:
    wanted = case.named("line_id")
    if case.tool in ON_LINES and wanted and not line_of(case):
        yield Wanted(DETAILS, {"id": wanted})


def _bills(case: Case) -> Iterator[Wanted]:
    """Ask for the bills where a rule hangs on them and the agent may know an old state."""
    owner = case.named("customer_id")
    asked = case.named("bill_id")
    unknown = case.tool == REQUEST and asked not in read_bills(case.facts)
    if owner and (case.tool in (RESUME, SUSPEND) or unknown):
        yield Wanted(BILLS, {"customer_id": owner})


def _data(facts: Facts, line: JsonObject) -> Iterator[Wanted]:
    """Ask for plan and usage: they hold the price and whether data are used up."""
    if line and not plan_of(facts, line):
        yield Wanted(DETAILS, {"id": text_of(line, "plan_id")})
    owner = text_of(customer(facts), "customer_id")
    if line and owner and not usage_of(facts, line):
        yield Wanted(USAGE, {"customer_id": owner, "line_id": text_of(line, "line_id")})


def _account(facts: Facts) -> Iterator[Wanted]:
    """Ask for lines and plans of the customer: what they show may still be repaired."""
    for one in texts_of(customer(facts), "line_ids")[:4]:
        if one not in lines(facts):
            yield Wanted(DETAILS, {"id": one})
    for line in lines(facts).values():
        if text_of(line, "phone_number") in facts.said and not plan_of(facts, line):
            yield Wanted(DETAILS, {"id": text_of(line, "plan_id")})
