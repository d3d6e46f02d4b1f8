"""Which executed writes were wrong, by the reference of the task.

A write is right when its normalised form is among the reference writes that have not been
matched yet. In an episode that did not get the full reward, every other write is wrong; in
one that did, an unmatched write is left out.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Literal

from pydantic import JsonValue

from sidecritic.trace import Event, Executed, Observed, Trajectory
from sidecritic.types import Briefing, Outcome, ToolCall, ToolResult

Standing = Literal["right", "wrong", "left out"]


def normal_form(name: str, arguments: Mapping[str, JsonValue]) -> str:
    """Return a text that is equal for calls that mean the same.

    Item lists are compared regardless of order, lists `x` and `new_x` of the same length as
    pairs; numbers by value; an argument that is null as one that was not given;
    flights by number and date, which is all that the tools read of them.
    """
    plain: dict[str, JsonValue] = {
        key: value for key, value in arguments.items() if value is not None
    }
    for key in sorted(plain):
        _sort_items(plain, key)
    if isinstance(flights := plain.get("flights"), list):
        plain["flights"] = [_flight(flight) for flight in flights]
    return json.dumps([name.strip(), _by_value(plain)], sort_keys=True, ensure_ascii=False)


def _sort_items(arguments: dict[str, JsonValue], key: str) -> None:
    items, new = arguments[key], arguments.get(f"new_{key}")
    if not (isinstance(items, list) and key.endswith("item_ids")):
        return
    if isinstance(new, list) and len(new) == len(items):
        pairs = sorted(zip(items, new, strict=True), key=repr)
        arguments[key] = [item for item, _ in pairs]
        arguments[f"new_{key}"] = [replacement for _, replacement in pairs]
    elif not key.startswith("new_") or key.removeprefix("new_") not in arguments:
        arguments[key] = sorted(items, key=repr)


def _flight(flight: JsonValue) -> JsonValue:
    if not isinstance(flight, dict) or not flight.keys() >= _FLIGHT:
        return flight
    return {key: flight[key] for key in _FLIGHT}


_FLIGHT = frozenset({"flight_number", "date"})


def _by_value(value: JsonValue) -> JsonValue:
    match value:
        case dict():
            return {key: _by_value(item) for key, item in value.items()}
        case list():
            return [_by_value(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


class Unmatched:
    """The reference writes of one episode that no executed write has matched yet."""

    def __init__(self, reference: Iterable[str]) -> None:
        self._left = Counter(reference)

    @classmethod
    def of(cls, outcome: Outcome | None) -> "Unmatched | None":
        """Return the agent's reference writes that succeed; `None` without a reference."""
        listed = outcome.native.get("reference") if outcome else None
        if not isinstance(listed, list):
            return None
        return cls(filter(None, map(_reference_write, listed)))

    def holds(self, call: ToolCall) -> bool:
        """Whether the call is a reference write that is still open."""
        return self._left[normal_form(call.name, call.arguments or {})] > 0

    @property
    def left(self) -> tuple[str, ...]:
        """Normal forms of the reference writes that are still open."""
        return tuple(self._left.elements())

    def strike(self, call: ToolCall) -> bool:
        """Take the call off the list; return whether it was on it."""
        open_ = self.holds(call)
        self._left[normal_form(call.name, call.arguments or {})] -= open_
        return open_


def outcome_of(episode: Trajectory) -> Outcome | None:
    """Return the grade; `None` after an infrastructure failure."""
    return episode.ended.outcome if episode.ended else None


def failing_references(outcome: Outcome | None) -> frozenset[str]:
    """Return the normal forms of reference writes that a tool refuses when they are replayed.

    The benchmark's own solution is at fault there, so sending such a call back is not a mistake.
    """
    listed = outcome.native.get("reference") if outcome else None
    entries = listed if isinstance(listed, list) else []
    return frozenset(filter(None, (_reference_write(entry, ok=False) for entry in entries)))


def _reference_write(entry: JsonValue, *, ok: bool = True) -> str | None:
    match entry:
        case {"name": str(name), "effect": "write", "ok": bool(ran)} if (
            ran is ok and entry.get("requestor", "assistant") == "assistant"
        ):
            arguments = entry.get("arguments")
            return normal_form(name, arguments if isinstance(arguments, dict) else {})
        case _:
            return None


def standing(call: ToolCall, unmatched: Unmatched, outcome: Outcome) -> Standing:
    """Judge one executed, error-free write and take it off the list."""
    if unmatched.strike(call):
        return "right"
    return "left out" if outcome.reward >= 1 else "wrong"


def write_tools(briefing: Briefing) -> frozenset[str]:
    """Return the names of the tools that change records."""
    return frozenset(tool.name for tool in briefing.tools if tool.effect == "write")


def succeeded(events: Iterable[Event]) -> frozenset[str]:
    """Return the ids of the executed calls that did not fail."""
    executed = {c.id for e in events if isinstance(e, Executed) for c in e.action.calls}
    return frozenset(
        message.call_id
        for event in events
        if isinstance(event, Observed)
        for message in event.observation.messages
        if isinstance(message, ToolResult) and not message.is_error and message.call_id in executed
    )
