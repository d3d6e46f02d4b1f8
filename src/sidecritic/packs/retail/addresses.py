"""Retail: addresses, which are confused more often than anything else.

An address is tied to the user by "my new home is where the luggage went": an agent that
mixes up which order that is swaps old and new.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import CONSENT, EVIDENCE, NO_INVENTION
from sidecritic.checks.facts import Facts
from sidecritic.english.text import mentions
from sidecritic.packs.retail.clauses import name_of, named_in
from sidecritic.packs.retail.records import (
    MODIFY_ADDRESS,
    USER_ADDRESS,
    items,
    order_of,
    orders,
    user,
)
from sidecritic.values import JsonObject, object_of, text_of

ADDRESS_KEYS = ("address1", "address2", "city", "state", "country", "zip")
TOOLS = (MODIFY_ADDRESS, USER_ADDRESS)

_NEW = re.compile(r"\bnew (\w+ )?(address|home|place|house|one)\b|\bmoved\b")
_WENT = re.compile(r"\b(order|ordered|sent|went|ship|shipped|deliver|delivered|is|was|for)\b")


@call_check(
    "address unchanged",
    tools=TOOLS,
    risk=0.85,
    policy="For a pending order, you can take actions to modify its shipping address.",
)
def same_address(case: Case) -> Objection | None:
    """Fire when the new address is the one that is already there."""
    record = user(case.facts) if case.tool == USER_ADDRESS else order_of(case)
    current = object_of(record, "address")
    if not current or not _equal(current, case.arguments):
        return None
    return Objection(
        f"This address ({_brief(current)}) is already there, so the call changes nothing. Check "
        "which record the user means, and which address is the new one.",
        evidence=_brief(current),
        # References do write an unchanged profile; an unchanged order is a mistake.
        risk=EVIDENCE if case.tool == USER_ADDRESS else None,
    )


@call_check("address of two halves", tools=TOOLS, risk=0.75, policy=NO_INVENTION)
def mixed_address(case: Case) -> Objection | None:
    """Fire when street and zip code stand together neither in a record nor in the user's words."""
    arguments = case.arguments
    street, zip_code = text_of(arguments, "address1"), text_of(arguments, "zip")
    seen = (done.text.lower() for done in (*case.facts.done, *case.facts.looked))
    shown_together = any(street.lower() in text and zip_code in text for text in seen)
    if shown_together or (
        mentions(case.facts.said, street) and mentions(case.facts.said, zip_code)
    ):
        return None
    return Objection(
        f"Nobody gave the address {street}, {zip_code}: it stands neither in a record nor in the "
        "user's words. Take it from the profile or an order, or ask the user for all of it.",
        evidence=f"{street} {zip_code}",
    )


@call_check(
    "old and new address swapped",
    tools=TOOLS,
    risk=0.45,
    policy="You must list the action details and obtain explicit user confirmation.",
)
def swapped_address(case: Case) -> Objection | None:
    """Fire when the user tied the new address to an order and the call uses another address."""
    for order, product in _tied_orders(case.facts):
        there = object_of(order, "address")
        if not there or _equal(there, case.arguments):
            continue
        order_id = text_of(order, "order_id")
        return Objection(
            f"The user said that the {product} went to the new address. It is in {order_id}, which "
            f"ships to {_brief(there)}: that is the new address, not "
            f"{_brief(case.arguments)}.",
            evidence=f"{product} in {order_id}",
        )
    return None


@call_check("address not as given", tools=TOOLS, risk=0.6, policy=CONSENT)
def not_as_given(case: Case) -> Objection | None:
    """Fire when parts of the address differ from the record that holds its street."""
    street = _plain(case.arguments, "address1")
    for holder in (user(case.facts), *orders(case.facts).values()):
        record = object_of(holder, "address")
        if not street or _plain(record, "address1") != street:
            continue
        other = [key for key in ADDRESS_KEYS if _plain(record, key) != _plain(case.arguments, key)]
        said = (mentions(case.facts.said, _plain(case.arguments, key) or "none") for key in other)
        if not other or any(said):
            return None
        part = f"`{other[0]}` is {case.named(other[0]) or 'empty'}"
        return Objection(
            f"{part}, which is not what was given: {_brief(record)}. Take the address over as it "
            "stands there.",
            evidence=part,
        )
    return None


def _tied_orders(facts: Facts) -> Iterator[tuple[JsonObject, str]]:
    """Walk over the orders that the user named as those with the new address."""
    changed = {
        text_of(d.arguments, "order_id") for d in facts.writes if d.call.name == MODIFY_ADDRESS
    }
    for sentence in facts.wishes:
        if not _NEW.search(sentence) or not _WENT.search(sentence):
            continue
        for order_id, order in orders(facts).items():
            for item in items(order) if order_id not in changed else ():
                if named_in(sentence, name_of(item)) and _is_unique(facts, name_of(item)):
                    yield order, text_of(item, "name")


def _is_unique(facts: Facts, name: str) -> bool:
    holding = [o for o in orders(facts).values() if any(name_of(i) == name for i in items(o))]
    return len(holding) == 1


def _equal(one: Mapping[str, JsonValue], other: Mapping[str, JsonValue]) -> bool:
    return all(_plain(one, key) == _plain(other, key) for key in ADDRESS_KEYS)


def _brief(address: Mapping[str, JsonValue]) -> str:
    return f"{text_of(address, 'address1')}, {text_of(address, 'city')} {text_of(address, 'zip')}"


def _plain(record: Mapping[str, JsonValue], key: str) -> str:
    return text_of(record, key).strip().lower()
