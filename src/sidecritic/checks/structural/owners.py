"""A check of whose record a call changes, as far as records say so."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.record_index import id_of, ids_of
from sidecritic.checks.sources import shown_at
from sidecritic.values import JsonObject, text_of

_PERSON = re.compile(
    r"(user|customer|client|patient|member|owner|employee|guest|student|tenant|holder|subscriber"
    r"|citizen)_?id",
    re.IGNORECASE,
)
"""Fields that hold the id of a person, as interfaces name them in every country."""


@call_check("another person's record", policy="", risk=0.9)
def foreign_record(case: Case) -> Objection | None:
    """Fire when a record belongs to another than the one person that was looked up."""
    person = case.facts.once(_person)
    if person is None:
        return None
    key, identity = person
    for kind, named in ids_of(case.arguments):
        record = case.facts.known.get(kind, {}).get(named, {})
        owner = text_of(record, key)
        own = id_of(record)
        if owner and owner != identity and own is not None and own[0] != key:
            return Objection(
                f"{named} belongs to {owner}, and you are helping {identity}. Use a record of the "
                "person you are helping, or decline.",
                evidence=f"{owner} != {identity}",
                messages=shown_at(case.facts, record),
            )
    return None


def _person(facts: Facts) -> tuple[str, str] | None:
    """Return the one person whose own record was looked up: name of the id, and the id."""
    found: dict[tuple[str, str], JsonObject] = {
        (kind, identity): record
        for kind, records in facts.known.items()
        if _PERSON.fullmatch(kind)
        for identity, record in records.items()
        if id_of(record) == (kind, identity)
    }
    return next(iter(found)) if len(found) == 1 else None
