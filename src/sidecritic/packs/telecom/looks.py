"""Telecom: what is worth looking up before a call is judged, most wanted first."""

from collections.abc import Iterator

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.packs.telecom.records import (
    BILLS,
    LINE,
    ON_LINES,
    PLAN,
    REFUEL,
    REQUEST,
    RESUME,
    SUSPEND,
    customer,
    lines,
    read_bills,
)
from sidecritic.values import text_of, texts_of


def wants(facts: Facts) -> Iterator[Wanted]:
    """Walk over the look-ups that the proposed calls are worth, most wanted first."""
    for call in facts.proposed:
        case = Case(facts, call)
        yield from LINE.missing(case, ON_LINES)
        yield from _bills(case)
        if call.name == REFUEL:
            # The plan holds the price.
            yield from PLAN.ask(facts, text_of(LINE.of(case), "plan_id"))
        elif call.name in facts.hand_overs:
            yield from _account(facts)


def _bills(case: Case) -> Iterator[Wanted]:
    """Ask for the bills where a rule hangs on them and the agent may know an old state."""
    owner = case.named("customer_id")
    unknown = case.tool == REQUEST and case.named("bill_id") not in read_bills(case.facts)
    if owner and (case.tool in (RESUME, SUSPEND) or unknown):
        yield Wanted(BILLS, {"customer_id": owner})


def _account(facts: Facts) -> Iterator[Wanted]:
    """Ask for lines and plans of the customer: what they show may still be repaired."""
    for one in texts_of(customer(facts), "line_ids")[:4]:
        if one not in lines(facts):
            yield LINE.look_up(one)
    for line in lines(facts).values():
        if text_of(line, "phone_number") in facts.said:
            yield from PLAN.ask(facts, text_of(line, "plan_id"))
