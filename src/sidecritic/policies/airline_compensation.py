"""Airline: certificates, which are sent only for a confirmed reason and in a fixed amount."""

import re

from sidecritic.policies.airline_records import (
    CERTIFICATE,
    legs_of,
    passengers,
    profile_of,
    reservations,
    status_of,
)
from sidecritic.policies.base import CallCheck, Objection, call_check
from sidecritic.policies.facts import Facts
from sidecritic.policies.values import number_of, text_of
from sidecritic.types import ToolCall

_CLAIM = re.compile(
    r"\b(compensat\w*|voucher|certificate|refund|reimburs\w*|make (it )?up|something for)\b"
)
_CANCELLED = re.compile(r"\bcancel+ed\b|\bcancel+ation\b")
_DELAYED = re.compile(r"\b(delay(ed|s)?|late)\b")


@call_check(
    "compensation not due",
    tools=(CERTIFICATE,),
    risk=0.8,
    policy="Only compensate if the user is a silver/gold member or has travel insurance or flies "
    "business. Do not offer compensation for any other reason than the ones listed above.",
)
def not_due(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when nobody complained, no fact was confirmed, or the user has no claim."""
    why = _why_not_due(facts, call)
    if not why:
        return None
    return Objection(f"{why} Do not send a certificate.", evidence=why)


@call_check(
    "wrong compensation",
    tools=(CERTIFICATE,),
    risk=0.8,
    policy="The amount being $100 times the number of passengers [for cancelled flights], $50 "
    "times the number of passengers [for delayed flights].",
)
def wrong_compensation(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire when the amount fits no reservation that was looked up."""
    amount = number_of(call.arguments or {}, "amount")
    counts = {passengers(one) for one in reservations(facts).values()} - {0}
    rates = _rates(facts)
    if not counts or any(amount == rate * count for rate in rates for count in counts):
        return None
    return Objection(
        f"${amount:g} is not ${' or $'.join(str(r) for r in sorted(rates))} times the number of "
        f"passengers ({', '.join(str(count) for count in sorted(counts))}).",
        evidence=f"{amount:g}",
    )


AIRLINE_COMPENSATION: tuple[CallCheck, ...] = (not_due, wrong_compensation)


def _rates(facts: Facts) -> set[int]:
    """Return the dollars per passenger that the user's complaint can be worth."""
    cancelled, delayed = _CANCELLED.search(facts.said), _DELAYED.search(facts.said)
    if bool(cancelled) == bool(delayed):
        return {50, 100}
    return {100} if cancelled else {50}


def _why_not_due(facts: Facts, call: ToolCall) -> str:
    profile = profile_of(facts, text_of(call.arguments or {}, "user_id"))
    found = reservations(facts).values()
    if not _CLAIM.search(facts.said):
        return "The user did not ask for a compensation."
    if not _CANCELLED.search(facts.said) and not _DELAYED.search(facts.said):
        return "The user complains about no cancelled or delayed flight."
    if not found:
        return "No reservation was looked up, so the facts are not confirmed."
    statuses = {status_of(leg, facts) for one in found for leg in legs_of(one)} - {""}
    if statuses and not statuses & {"cancelled", "delayed"}:
        return "None of the flights that were looked up is cancelled or delayed."
    entitled = text_of(profile, "membership") in ("silver", "gold") or any(
        text_of(one, "insurance") == "yes" or text_of(one, "cabin") == "business" for one in found
    )
    if profile and not entitled:
        return "A regular member without insurance in (basic) economy has no claim."
    return ""
