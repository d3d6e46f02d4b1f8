"""Airline: certificates, which are sent only for a confirmed reason and in a fixed amount."""

import re
from collections.abc import Iterator, Mapping

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.terms import Term, term
from sidecritic.english.text import mentions
from sidecritic.packs.airline.flights import Leg, legs_of, status_of
from sidecritic.packs.airline.records import (
    CERTIFICATE,
    cabin_of,
    passengers,
    profile_of,
    reservations,
)
from sidecritic.packs.airline.sources import said_at, status_read_at
from sidecritic.values import JsonObject, number_of, text_of

_CLAIM = re.compile(
    r"\b(compensat\w*|voucher|certificate|refund|reimburs\w*|make (it )?up|something for"
    r"|make (this|it|things) right|goodwill|gesture)\b"
)
_COMPLAINTS = {
    "cancelled": re.compile(r"\bcancel+ed\b|\bcancel+ation\b"),
    "delayed": re.compile(r"\b(delay(ed|s)?|late)\b"),
}
_RATES: Mapping[str, Term] = {
    kind: term(
        f"the certificate for {kind} flights",
        rf"complains about {kind} flights[^.]{{0,300}}?\bamount being \$?#",
    )
    for kind in _COMPLAINTS
}


@call_check(
    "compensation not due",
    tools=(CERTIFICATE,),
    risk=0.8,
    policy="Only compensate if the user is a silver/gold member or has travel insurance or flies "
    "business. Do not offer compensation for any other reason than the ones listed above.",
)
def not_due(case: Case) -> Objection | None:
    """Fire when nobody complained, no fact was confirmed, or the user has no claim."""
    why = _why_not_due(case)
    if not why:
        return None
    return Objection(
        f"{why} Do not send a certificate.", evidence=why, messages=said_at(case.facts, _CLAIM)
    )


@call_check(
    "wrong compensation",
    tools=(CERTIFICATE,),
    risk=0.85,
    policy="The amount is fixed for cancelled and for delayed flights, times the number of "
    "passengers.",
)
def wrong_compensation(case: Case) -> Objection | None:
    """Fire when the amount does not follow from the flights that were cancelled or late."""
    amount = number_of(case.arguments, "amount")
    amounts = _due(case.facts)
    if not amounts:
        return _by_complaint(case.facts, amount)
    if amount in amounts.values():
        return None
    rules = "; ".join(f"${value:g} for {which}" for which, value in amounts.items())
    return Objection(
        f"${amount:g} is not what is due: {rules}.",
        evidence=f"{amount:g}, due {list(amounts.values())}",
        messages=status_read_at(case.facts, _troubled_legs(case.facts)),
    )


def _troubled(facts: Facts) -> dict[str, str]:
    """Return the reservations with a cancelled or late flight: those spoken of, or else all."""
    found: dict[str, str] = {}
    for identity, one in reservations(facts).items():
        statuses = {status_of(leg, facts) for leg in legs_of(one)}
        kind = next((kind for kind in _RATES if kind in statuses), "")
        if kind:
            found[identity] = kind
    words = f"{facts.said}\n{facts.told}"
    spoken = {
        one: kind
        for one, kind in found.items()
        if any(mentions(words, named) for named in (one, *_numbers(reservations(facts)[one])))
    }
    return spoken or found


def _numbers(reservation: JsonObject) -> Iterator[str]:
    return (leg.number for leg in legs_of(reservation))


def _troubled_legs(facts: Facts) -> list[Leg]:
    return [leg for one in _troubled(facts) for leg in legs_of(reservations(facts)[one])]


def _due(facts: Facts) -> dict[str, float]:
    """Return what is due for each reservation in trouble, in dollars."""
    return {
        one: _RATES[kind].of(facts) * passengers(reservations(facts)[one])
        for one, kind in _troubled(facts).items()
        if passengers(reservations(facts)[one])
    }


def _by_complaint(facts: Facts, amount: float) -> Objection | None:
    """Fire when the amount fits no reservation, by what the user complains of."""
    counts = {passengers(one) for one in reservations(facts).values()} - {0}
    spoken = [word for word, pattern in _COMPLAINTS.items() if pattern.search(facts.said)]
    rates = [_RATES[word].of(facts) for word in spoken or _RATES] if counts else []
    if not counts or any(amount == rate * count for rate in rates for count in counts):
        return None
    return Objection(
        f"${amount:g} is not ${' or $'.join(f'{rate:g}' for rate in sorted(rates))} times the "
        f"number of passengers ({', '.join(str(count) for count in sorted(counts))}).",
        evidence=f"{amount:g}",
    )


def _why_not_due(case: Case) -> str:
    """Return why a user has no claim to a certificate; empty when none of the reasons is seen."""
    facts, profile = case.facts, profile_of(case)
    found, troubled = reservations(facts), _troubled(facts)
    if not _CLAIM.search(facts.said):
        return "The user did not ask for a compensation."
    if not any(pattern.search(facts.said) for pattern in _COMPLAINTS.values()):
        return "The user complains about no cancelled or delayed flight."
    if not found:
        return "No reservation was looked up, so the facts are not confirmed."
    statuses = {status_of(leg, facts) for one in found.values() for leg in legs_of(one)} - {""}
    if statuses and not troubled:
        return "None of the flights that were looked up is cancelled or delayed."
    meant = [found[one] for one in troubled] or list(found.values())
    member = text_of(profile, "membership")
    if member and member not in ("silver", "gold") and not any(_has_claim(facts, m) for m in meant):
        return "A regular member without insurance in (basic) economy has no claim."
    return ""


def _has_claim(facts: Facts, reservation: JsonObject) -> bool:
    insured = text_of(reservation, "insurance") == "yes"
    return insured or cabin_of(facts, reservation) == "business"
