"""A check of whose record a call changes, as far as records say so."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.record_index import id_of, ids_of
from sidecritic.checks.sources import shown_at
from sidecritic.checks.structural.passages import words_in
from sidecritic.english.text import mentions
from sidecritic.values import JsonObject, scalars, text_of

_PERSON = re.compile(
    r"(user|customer|client|patient|member|owner|employee|guest|student|tenant|holder|subscriber"
    r"|citizen)_?id",
    re.IGNORECASE,
)
"""Fields that hold the id of a person, as interfaces name them in every country."""


@call_check("another person's record", policy="", risk=0.9)
def foreign_record(case: Case) -> Objection | None:
    """Fire when a record belongs to another than the one person that was looked up.

    Not where something else connects that person with the record: a manager approves the leave
    of another, a parent cancels the visit of a child, and money goes to somebody.
    """
    person = case.facts.once(_person)
    if person is None:
        return None
    key, identity = person
    for kind, named in ids_of(case.arguments):
        record = case.facts.known.get(kind, {}).get(named, {})
        owner = text_of(record, key)
        own = id_of(record)
        if not owner or owner == identity or own is None or own[0] == key:
            continue
        if not _is_shared(case, record, person, owner):
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


def _is_shared(case: Case, record: JsonObject, person: tuple[str, str], owner: str) -> bool:
    """Whether records or words connect a person with a record that belongs to another."""
    facts, (kind, identity) = case.facts, person
    own = facts.known[kind][identity]
    given = set(scalars(dict(case.arguments)))
    mine = {
        name
        for records in facts.known.values()
        for name, each in records.items()
        if name in given and text_of(each, kind) == identity
    }
    shown = shown_at(facts, record)
    asked = (done for done in facts.done if done.position in shown)
    return (
        bool(mine)
        or identity in given
        or identity in scalars(record)
        or owner in scalars(own)
        or any(identity in scalars(dict(done.arguments)) for done in asked)
        or mentions(facts.said, owner)
        or bool((_names(record) - _names(own)) & frozenset(words_in(facts.said)))
    )


def _names(record: JsonObject) -> frozenset[str]:
    """Return the words of the names in a record."""
    named = (text_of(record, key) for key in record if "name" in key.lower())
    return frozenset(word for name in named for word in words_in(name.lower()))
