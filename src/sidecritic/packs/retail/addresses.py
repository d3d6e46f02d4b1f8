"""Retail: addresses, which are confused more often than anything else.

An address is tied to the user by "my new home is where the luggage went": whoever mixes up
which order that is, swaps old and new.
"""

import re
from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.common import CONSENT, NO_INVENTION
from sidecritic.checks.facts import Facts
from sidecritic.english.scope import negated, past
from sidecritic.english.text import mentions
from sidecritic.packs.retail.records import (
    MODIFY_ADDRESS,
    USER_ADDRESS,
    items,
    order_of,
    orders,
    user,
)
from sidecritic.packs.retail.wording import name_of, named_in
from sidecritic.values import JsonObject, object_of, text_of

ADDRESS_KEYS = ("address1", "address2", "city", "state", "country", "zip")
TOOLS = (MODIFY_ADDRESS, USER_ADDRESS)

_NEW = re.compile(r"\bnew (\w+ )?(address|home|place|house|one)\b|\bmoved\b")
_PARTS = ("address2", "city", "state", "zip")
_SHORT = {
    "nyc": "new york",
    "new york city": "new york",
    "philly": "philadelphia",
    "sf": "san francisco",
    "la": "los angeles",
    "dc": "washington",
}
_PLACE = re.compile(r"\b(address|home|house|place|ship\w*|deliver\w*|send|sent|mov(e|ed|ing))\b")
_ZIP = re.compile(r"(?<!\d)\d{5}(?!\d)")
_UNIT_WORD = re.compile(r"\b(suite|ste|apt|apartment|unit|room|floor|no)\b\.?", re.IGNORECASE)
_UNIT = re.compile(
    r"\b(?:suite|ste|apt|apartment|unit|room)\b\.? ?#?"
    r"(\d+(?:-?[a-z])?|[a-z]-?\d+|[b-hj-z])(?!\w)"
)
"""A number or a letter, but the words "a" and "I": "room for" names no unit."""

_NEXT = re.compile(
    r"(?<!\d)\d{5}(?!\d)|\b\d+ (?:\w+ ){0,3}(?:street|st|avenue|ave|drive|dr|lane|ln|road|rd"
    r"|boulevard|blvd|way|court|ct|place|pl|highway|square|circle|parkway)\b"
)
"""Behind a street: the zip code that ends its address, or the next street."""

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
        risk=0.3 if case.tool == USER_ADDRESS else None,
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
    risk=0.7,
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


@call_check("address in another city", tools=TOOLS, risk=0.45, policy=CONSENT)
def other_city(case: Case) -> Objection | None:
    """Fire when the user spoke of an address in a city, and the call's is in one not named."""
    city = _plain(case.arguments, "city")
    wished = {c: line for line in case.facts.user_lines for c in _cities(case.facts, line.lower)}
    if not wished or city in wished or mentions(case.facts.said, city):
        return None
    named = next(iter(wished))
    there = [a for a in _addresses(case.facts) if _plain(a, "city") == named]
    return Objection(
        f"The user speaks of the address in {named.title()}, the call's is in {city.title()}. "
        f"{_brief(there[0]) if there else 'Ask for it'}: look at the profile and the orders.",
        evidence=f"{named} vs {city}",
        messages=(wished[named].position,),
    )


@call_check("address not as given", tools=TOOLS, risk=0.6, policy=CONSENT)
def not_as_given(case: Case) -> Objection | None:
    """Fire when a part of the address differs from the record or message it is taken from."""
    arguments = case.arguments
    street = _plain(arguments, "address1")
    for line in reversed(case.facts.user_lines):
        if street and street in line.lower:
            part = _differs_from_words(line.lower, arguments)
            return _misread(part, arguments, line.text) if part else None
    for record in _addresses(case.facts):
        if _plain(record, "address1") == street:
            parts = [key for key in _PARTS if _plain(record, key) != _plain(arguments, key)]
            if not parts:
                return None
            if not any(
                mentions(case.facts.said, _plain(arguments, key) or "none") for key in parts
            ):
                return _misread(parts[0], arguments, _brief(record))
    return None


RETAIL_ADDRESSES: tuple[CallCheck, ...] = (
    same_address,
    mixed_address,
    swapped_address,
    other_city,
    not_as_given,
)


def _misread(part: str, arguments: Mapping[str, JsonValue], source: str) -> Objection:
    value = text_of(arguments, part) or "empty"
    return Objection(
        f"`{part}` is {value}, which is not what was given: {source[:160]}. Take the address over "
        "as it stands there.",
        evidence=f"{part} {value}",
    )


def _differs_from_words(lower: str, arguments: Mapping[str, JsonValue]) -> str:
    """Return the part of an address that a message gives otherwise; empty when there is none."""
    zips = set(_ZIP.findall(lower))
    if zips and _plain(arguments, "zip") not in zips:
        return "zip"
    units = {u for place in _places(lower, _plain(arguments, "address1")) for u in _units(place)}
    mine = _UNIT_WORD.sub("", _plain(arguments, "address2")).strip(" .#")
    if units and mine not in units:
        return "address2"
    return ""


def _places(lower: str, street: str) -> Iterator[str]:
    """Walk over what a text says behind a street, up to its zip code or the next street."""
    for found in re.finditer(re.escape(street), lower):
        end = _NEXT.search(lower, found.end())
        yield lower[found.end() : end.start() if end else len(lower)]


def _units(text: str) -> Iterator[str]:
    for found in _UNIT.finditer(text):
        yield found[1]


def _addresses(facts: Facts) -> tuple[JsonObject, ...]:
    """Return the addresses of the user's profile and orders."""
    records = (user(facts), *orders(facts).values())
    return tuple(a for record in records if (a := object_of(record, "address")))


def _cities(facts: Facts, lower: str) -> Iterator[str]:
    """Walk over the cities of known addresses that a message names as where things should go."""
    known = {_plain(address, "city") for address in _addresses(facts)} - {""}
    for city in known:
        for word in (city, *(k for k, v in _SHORT.items() if v == city)):
            for found in re.finditer(rf"\b{re.escape(word)}\b", lower):
                around = lower[max(0, found.start() - 60) : found.end() + 30]
                left = negated(lower, found.start()) or past(lower, found.start())
                if _PLACE.search(around) and not left:
                    yield city


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
