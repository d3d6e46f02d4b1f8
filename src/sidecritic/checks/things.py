"""What records hold: entries with names, states, and lists of further records."""

from dataclasses import dataclass

from sidecritic.checks.facts import Facts
from sidecritic.values import JsonObject, objects_of, text_of


@dataclass(frozen=True, slots=True)
class Thing:
    """An entry with a name in a list of a record."""

    name: str
    """In lower case."""
    listing: str
    """What lists it, in the singular: `item`."""
    owner: str
    """Id of the record, in lower case."""
    ids: frozenset[str]


def things_in(facts: Facts) -> tuple[Thing, ...]:
    """Return the named entries of all records that were shown."""
    return facts.once(_things)


def _things(facts: Facts) -> tuple[Thing, ...]:
    return tuple(
        Thing(text_of(entry, "name").lower(), key.rstrip("s"), owner.lower(), _ids(entry))
        for records in facts.records.values()
        for owner, record in records.items()
        for key in record
        for entry in objects_of(record, key)
        if text_of(entry, "name")
    )


def states_in(facts: Facts) -> set[str]:
    """Return the first words of the states in which records were found."""
    return {
        text_of(record, "status").lower().split(" ")[0]
        for records in facts.records.values()
        for record in records.values()
    } - {""}


def _ids(entry: JsonObject) -> frozenset[str]:
    return frozenset(
        value.lower()
        for key, value in entry.items()
        if key.endswith("_id") and isinstance(value, str)
    )
