"""What tools have returned about the things that a call names, in a few words each.

It knows no domain: how a result is nested says which id belongs to which record.
"""

import re
from collections.abc import Iterator

from pydantic import JsonValue

from sidecritic.checks.facts import Facts
from sidecritic.english.listings import words_of
from sidecritic.types import Assistant
from sidecritic.values import JsonObject, scalars, text_of

_STATE = re.compile(r"[A-Za-z][A-Za-z _-]{0,23}|(\d{4}-\d\d-\d\d)(?:[T ].*)?")
"""A few words, or a time with its day: no address, number of a card, or note."""
_SIGN = r"[$€£¥₹]|[A-Z]{3}"
_AMOUNT = re.compile(
    rf"(?:{_SIGN})\s?-?\d[\d.,]{{0,14}}|-?\d[\d.,]{{0,14}}\s?(?:{_SIGN})|-?\d[\d,]{{0,14}}\.\d\d"
)
"""A number with a currency, or with cents."""


def described(facts: Facts, action: Assistant) -> tuple[tuple[str, str], ...]:
    """Return the ids that the calls name with what is on record, in the order of the calls."""
    known: dict[str, str] = {}
    for done in facts.done:
        if not done.is_error:
            known.update(_records(done.value))
    named = dict.fromkeys(
        leaf for call in action.calls for leaf in scalars(call.arguments or {}) if leaf in known
    )
    return tuple((id_, known[id_]) for id_ in named)


def _records(value: JsonValue, key: str = "", kind: str = "") -> Iterator[tuple[str, str]]:
    """Walk over the records in a result; one without a name goes by the name around it."""
    if isinstance(value, list):
        for part in value:
            yield from _records(part, key, kind)
    elif isinstance(value, dict):
        name = text_of(value, "name") or kind
        if own := _own_id(value, key):
            yield own, _told(value, name)
        for inner, part in value.items():
            yield from _records(part, inner, name)


def _own_id(record: JsonObject, key: str) -> str:
    """Return the id of a record: others that it holds are of what it refers to."""
    ids = {name: text_of(record, name) for name in record if _names_id(name)}
    if key in ids.values():
        return key
    if not key:
        return next(iter(ids.values()), "")
    return ids.get("id") or ids.get(f"{key.removesuffix('s')}_id", "")


def _names_id(key: str) -> bool:
    return key == "id" or key.endswith(("_id", "_ids", "Id", "Ids"))


def is_amount(key: str, value: JsonValue) -> bool:
    """Whether a value is a number that counts or costs something, rather than one that names."""
    return isinstance(value, int | float) and not isinstance(value, bool) and not _names_id(key)


def _told(record: JsonObject, name: str) -> str:
    """Return the short values of a record: words as they are, numbers and switches by name."""
    words, numbers = [name, *_options(record)], list[str]()
    for key, value in record.items():
        match value:
            case bool():
                numbers.append(words_of(key) if value else f"not {words_of(key)}")
            case int() | float():
                numbers.append(f"{words_of(key)} {text_of(record, key).removesuffix('.0')}")
            case str() if _AMOUNT.fullmatch(value):
                numbers.append(f"{words_of(key)} {value}")
            case "yes" | "no":
                numbers.append(f"{words_of(key)} {value}")
            case str() if (
                key != "name" and not _names_id(key) and (found := _STATE.fullmatch(value))
            ):
                words.append((found[1] or value).replace("_", " "))
            case _:
                pass
    return " ".join(filter(None, (*words, *numbers)))


def _options(record: JsonObject) -> Iterator[str]:
    """Walk over the values of the one object inside a record that holds no more than that."""
    inner = [value for value in record.values() if isinstance(value, dict | list)]
    if len(inner) == 1 and isinstance(inner[0], dict):
        yield from scalars(inner[0])
