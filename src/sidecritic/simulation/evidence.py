"""What a conversation has shown so far, and what can be looked up or mistaken in it.

Everything works on the structure of tool results. The values that could be confused with another
one are its siblings: the other keys of the same mapping, the other entries of the same list.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import product
from typing import TypeGuard

from pydantic import JsonValue

from sidecritic.simulation.benchmark_words import PAYMENT_ID, USER_ID, there_and_back
from sidecritic.simulation.task_record import (
    Action,
    Arguments,
    argument_leaves,
    is_finder,
    leaves,
    required,
)
from sidecritic.types import Message, ToolResult, ToolSpec, User
from sidecritic.values import object_of

Scalar = str | int | float


@dataclass(frozen=True)
class Seen:
    """The tool results and the user's words of a conversation, up to one point."""

    messages: tuple[Message, ...]

    @cached_property
    def results(self) -> tuple[JsonValue, ...]:
        """What tools returned, parsed where it is JSON."""
        return tuple(parsed(m.text) for m in self.messages if _is_answer(m))

    @cached_property
    def words(self) -> str:
        """Everything the user said and every tool returned, in lower case."""
        said = (m.text for m in self.messages if isinstance(m, User) or _is_answer(m))
        return "\n".join(said).lower()

    def shows(self, value: Scalar) -> bool:
        """Whether the value was named; what is too short to tell counts as named."""
        text = str(value).lower()
        return len(text) < 3 or text in self.words

    @cached_property
    def answered(self) -> frozenset[str]:
        """Names of the tools that returned something else than an error."""
        return frozenset(m.name for m in self.messages if _is_answer(m))

    @cached_property
    def objects(self) -> tuple[dict[str, JsonValue], ...]:
        """Every JSON object in the results, inner ones before those around them."""
        return tuple(found for result in self.results for found in _objects(result))

    @cached_property
    def values(self) -> Mapping[str, tuple[Scalar, ...]]:
        """Every text and number in the results by the key that it stands under."""
        found: dict[str, dict[Scalar, None]] = {}
        for key, value in (p for m in self.messages if _is_answer(m) for p in _pairs(m.text)):
            found.setdefault(key, {})[value] = None
        return {key: tuple(values) for key, values in found.items()}

    def siblings(self, value: JsonValue) -> tuple[str, ...]:
        """Return the siblings of a text in the results, sorted."""
        if not isinstance(value, str):
            return ()
        found = {other for m in self.messages if _is_answer(m) for other in _near(m.text, value)}
        return tuple(sorted(found - {value}))


def parsed(text: str) -> JsonValue:
    """Return the JSON value of a text, or the text itself."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


# An actor reads its whole conversation again in each turn, and forks of an episode share theirs.
_kept = lru_cache(maxsize=2048)


@_kept
def _near(result: str, value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_siblings(parsed(result), value)))


@_kept
def _pairs(result: str) -> tuple[tuple[str, Scalar], ...]:
    return tuple(leaves(parsed(result)))


def _is_answer(message: Message) -> TypeGuard[ToolResult]:
    return isinstance(message, ToolResult) and not message.is_error


def _objects(value: JsonValue) -> Iterator[dict[str, JsonValue]]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _objects(inner)
        yield value
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)


def _siblings(value: JsonValue, text: str) -> Iterator[str]:
    if isinstance(value, dict):
        if text in value:
            yield from (
                key
                for key, inner in value.items()
                if not (isinstance(inner, dict) and inner.get("available") is False)
            )
        for inner in value.values():
            yield from _siblings(inner, text)
    elif isinstance(value, list):
        if text in value:
            yield from (other for other in value if isinstance(other, str))
        yield from _same_key(value, text)
        for inner in value:
            yield from _siblings(inner, text)


def _same_key(entries: list[JsonValue], text: str) -> Iterator[str]:
    objects = [entry for entry in entries if isinstance(entry, dict)]
    keys = {key for entry in objects for key, inner in entry.items() if inner == text}
    for entry, key in product(objects, sorted(keys)):
        if isinstance(other := entry.get(key), str):
            yield other


# --- look-ups -----------------------------------------------------------------------------


def look_ups(write: Action, evidence: Seen, tools: Sequence[ToolSpec]) -> Iterator[Action]:
    """Yield the look-ups that a careful actor makes before a write, most telling first.

    The records that the call names come first, whether or not they were seen; then, while
    some value of the call has not been seen, records that are linked to those, and searches
    for which the call and the records give all that is needed.
    """
    readable = [tool for tool in tools if tool.effect == "read" and required(tool)]
    single = [tool for tool in readable if len(required(tool)) == 1]
    for tool in single:
        (name,) = required(tool)
        if isinstance(write.arguments.get(name), str):
            yield Action(tool.name, {name: write.arguments[name]})
    texts = [text for _, text in argument_leaves(write.arguments) if isinstance(text, str)]
    hidden = frozenset(t for t in texts if re.search(r"\d", t) and not evidence.shows(t))
    if not hidden:
        return
    named = {text for text in texts if len(text) > 3}
    linked = [o for o in evidence.objects if named & {v for v in o.values() if isinstance(v, str)}]
    for record, tool in product(linked, single):
        (name,) = required(tool)
        if isinstance(record.get(name), str):
            yield Action(tool.name, {name: record[name]})
    yield from _searches(write, linked, hidden, tools=readable)


def unseen(arguments: Arguments, evidence: Seen) -> tuple[str, ...]:
    """Return the names of arguments with a text that has not been named yet."""
    return tuple(
        name
        for name, value in arguments.items()
        if any(isinstance(v, str) and not evidence.shows(v) for _, v in leaves(value))
    )


def _searches(
    write: Action,
    linked: list[dict[str, JsonValue]],
    hidden: frozenset[str],
    *,
    tools: Sequence[ToolSpec],
) -> Iterator[Action]:
    """Yield look-ups with several parameters, for each object of the call that is still hidden.

    A journey back swaps the two ends, so each search is also made the other way round.
    """
    whole: dict[str, JsonValue] = {}
    for record in (*linked, dict(write.arguments)):
        whole.update(record)
    parts = [part for value in write.arguments.values() for part in _objects(value)]
    parts = [part for part in parts if hidden & {str(value) for value in part.values()}]
    searches = [tool for tool in tools if len(required(tool)) > 1]
    for part, tool in product(parts, searches):
        scope, names = {**whole, **part}, required(tool)
        helps = any(name in part for name in names) and not hidden & {
            str(scope.get(n)) for n in names
        }
        if helps and all(isinstance(scope.get(name), str) for name in names):
            arguments = {name: scope[name] for name in names}
            yield Action(tool.name, arguments)
            if there_and_back(arguments):
                there, back = arguments["origin"], arguments["destination"]
                yield Action(tool.name, {**arguments, "origin": back, "destination": there})


def scouting(wishes: str, evidence: Seen, tools: Sequence[ToolSpec]) -> Iterator[Action]:
    """Yield the look-ups of records that the user's wishes name, or else of the first ones."""
    for tool in tools:
        if tool.effect == "read" and len(required(tool)) == 1:
            (name,) = required(tool)
            choices = [v for v in _seen_under(name, evidence) if isinstance(v, str)]
            named = [value for value in choices if _stands_in(wishes, value)]
            yield from (Action(tool.name, {name: value}) for value in named or choices[:2])


# --- identification -----------------------------------------------------------------------

_KNOWN: Mapping[str, str] = {
    "email": r"[\w.+-]+@[\w-]+\.[\w.]*\w",
    "phone_number": r"\b\d{3}-\d{3}-\d{4}\b",
    "zip": r"(?<![\w-])\d{5}(?![\w-])",
}
_NAME = re.compile(r"(?:[Yy]ou are|[Yy]ou're|[Nn]ame is|called)\s+([A-Z]\w+)\s+([A-Z]\w+)")


def authentication(known: str, evidence: Seen, tools: Sequence[ToolSpec]) -> Iterator[Action]:
    """Yield the look-ups by which the user is identified, and then their own record."""
    readable = [tool for tool in tools if tool.effect == "read"]
    finders = {tool.name for tool in readable if is_finder(tool.name)}
    if not finders & evidence.answered:
        # One address may be outdated, so each is tried; name and zip code come last.
        for tool in sorted(readable, key=lambda tool: "email" not in required(tool)):
            if tool.name in finders:
                yield from _finding(tool, known)
    user_id = USER_ID.search(known) if not finders else USER_ID.search(evidence.words)
    for tool in readable:
        if user_id is not None and required(tool) == ("user_id",):
            yield Action(tool.name, {"user_id": user_id.group(0)})


def _finding(tool: ToolSpec, known: str) -> Iterator[Action]:
    names = required(tool)
    who: dict[str, list[str]] = {key: re.findall(sign, known) for key, sign in _KNOWN.items()}
    if match := _NAME.search(known):
        who |= {"first_name": [match[1]], "last_name": [match[2]]}
    for values in product(*(who.get(name, ()) for name in names)):
        yield Action(tool.name, dict(zip(names, values, strict=True)))


# --- calls outside the plan ---------------------------------------------------------------


def filled(tool: ToolSpec, evidence: Seen, preferred: str) -> Arguments | None:
    """Return arguments for a call from what is known; `None` when something is missing.

    Values that stand in the text `preferred` go before others.
    """
    arguments: dict[str, JsonValue] = {}
    for name in required(tool):
        schema = object_of(object_of(tool.parameters, "properties"), name)
        choices = _choices(name, schema, evidence)
        if not choices:
            return None
        arguments[name] = next(filter(partial(_stands_in, preferred), choices), choices[0])
    return arguments


def _choices(name: str, schema: Arguments, evidence: Seen) -> tuple[JsonValue, ...]:
    if schema.get("type") in {"integer", "number"}:
        return (100,) if "amount" in name else (1,)
    if schema.get("type") == "array":
        whole = tuple(o[name] for o in evidence.objects if isinstance(o.get(name), list))
        items = evidence.values.get(name.removesuffix("s"), ())
        return whole or (([items[0]],) if items else ())
    listed = schema.get("enum")
    if isinstance(listed, list) and listed:
        return tuple(listed)
    found = _seen_under(name, evidence)
    if found:
        return found
    if "payment" in name:
        return tuple(
            value for value in evidence.values.get("id", ()) if PAYMENT_ID.match(str(value))
        )
    return tuple(re.findall(r"'([a-z][a-z ]+)'", str(schema.get("description", ""))))


def _seen_under(name: str, evidence: Seen) -> tuple[Scalar, ...]:
    """Return the values of a parameter in the results: an `order_id` also stands in `orders`."""
    values = evidence.values
    return values.get(f"{name.removesuffix('_id')}s", ()) or values.get(name, ())


def _stands_in(text: str, value: JsonValue) -> bool:
    """Whether a text names a value; people leave the `#` of an order out."""
    return str(value).lstrip("#") in text
