"""What tools have returned about the things that a call names, in a few words each."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from sidecritic.checks.facts import Facts
from sidecritic.types import Assistant
from sidecritic.values import JsonObject, object_of, scalars, text_of

_TELLING = ("status", "cabin", "flight_type", "insurance", "created_at", "total_baggages")
"""Fields of a record that decide what may be done with it."""


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


def _records(value: JsonValue, product: str = "", key: str = "") -> Iterator[tuple[str, str]]:
    """Walk over the records in a result; variants of a product go by the product's name."""
    match value:
        case list():
            for part in value:
                yield from _records(part, product)
        case dict():
            found = _record(value, product, key)
            if found is not None:
                yield found
            name = text_of(value, "name") or product
            for inner, part in value.items():
                yield from _records(part, name, inner)
        case _:
            return


def _record(value: JsonObject, product: str, key: str) -> tuple[str, str] | None:
    if item := text_of(value, "item_id"):
        gone = " unavailable" if value.get("available") is False else ""
        options = " ".join(scalars(object_of(value, "options")))
        price = text_of(value, "price").partition(".")[0]
        return item, f"{text_of(value, 'name') or product} {options} ${price}{gone}"
    if source := text_of(value, "source"):
        amount = text_of(value, "amount").partition(".")[0]
        return text_of(value, "id") or key, f"{source} {amount}".strip()
    own = text_of(value, "order_id") or text_of(value, "reservation_id")
    return (own, _telling(value)) if own else None


def _telling(value: Mapping[str, JsonValue]) -> str:
    route = " ".join(text_of(value, key) for key in ("origin", "destination"))
    told = (text_of(value, key)[:10] for key in _TELLING)
    return " ".join(" ".join((route, *told)).replace("_", " ").split())
