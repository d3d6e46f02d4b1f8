"""What a task's own record says: the scenario of its user, and its reference solution.

Simulated actors and scripted users play from here. No critic may: `Task.data` never
reaches a `Proposal`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from pydantic import JsonValue

from sidecritic.handover import hands_over
from sidecritic.types import Task, ToolSpec

Arguments = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Action:
    """One call of the reference solution."""

    name: str
    arguments: Arguments
    by_user: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the user knows and wants; every part may be empty."""

    reason: str = ""
    known: str = ""
    unknown: str = ""
    instructions: str = ""

    @property
    def text(self) -> str:
        return "\n".join(filter(None, (self.reason, self.known, self.instructions)))


@dataclass(frozen=True, slots=True)
class Reference:
    """The solution that a task is graded by."""

    actions: tuple[Action, ...] = ()
    communicate: tuple[str, ...] = ()
    """Texts that the actor must say to the user."""


def scenario_of(task: Task) -> Scenario:
    """Return the user's scenario; a scenario that is plain text is all reason."""
    instructions = _record(task.data.get("user_scenario")).get("instructions")
    if isinstance(instructions, str):
        return Scenario(reason=instructions.strip())
    parts = _record(instructions)
    return Scenario(
        reason=_text(parts.get("reason_for_call")),
        known=_text(parts.get("known_info")),
        unknown=_text(parts.get("unknown_info")),
        instructions=_text(parts.get("task_instructions")),
    )


def reference_of(task: Task) -> Reference:
    """Return the reference solution; empty where the task has none."""
    criteria = _record(task.data.get("evaluation_criteria"))
    actions = (_record(entry) for entry in _list(criteria.get("actions")))
    return Reference(
        actions=tuple(
            Action(
                name=_text(entry.get("name")),
                arguments=_record(entry.get("arguments")),
                by_user=entry.get("requestor") == "user",
            )
            for entry in actions
        ),
        communicate=tuple(_text(info) for info in _list(criteria.get("communicate_info"))),
    )


def prior_words(task: Task, role: str) -> int:
    """Return how many messages of `role` precede the episode, by the task's own record."""
    history = _record(task.data.get("initial_state")).get("message_history")
    return sum(_record(entry).get("role") == role for entry in _list(history))


# --- what tools are there for -------------------------------------------------------------


def is_finder(name: str) -> bool:
    """Whether a tool with this name finds out who the user is."""
    return name.startswith(("find_", "get_customer_by_"))


def is_write(name: str, tools: Sequence[ToolSpec]) -> bool:
    """Whether a call of this tool may change records; hand-overs are not counted."""
    if hands_over(name):
        return False
    return all(tool.effect != "read" for tool in tools if tool.name == name)


def required(tool: ToolSpec) -> tuple[str, ...]:
    """Return the names of the parameters without which the tool cannot be called."""
    return tuple(_text(name) for name in _list(tool.parameters.get("required")))


def properties(tool: ToolSpec) -> Mapping[str, Arguments]:
    """Return the JSON schema of each parameter."""
    return {name: _record(s) for name, s in _record(tool.parameters.get("properties")).items()}


# --- JSON of unknown shape ----------------------------------------------------------------


def leaves(value: JsonValue, key: str = "") -> Iterator[tuple[str, str | int | float]]:
    """Yield the texts and numbers inside a value, each with the nearest key above it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, key)
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        yield key, value


def argument_leaves(arguments: Arguments) -> tuple[tuple[str, str | int | float], ...]:
    """Return the texts and numbers of a call."""
    return tuple(leaves(dict(arguments)))


def _record(value: object) -> dict[str, JsonValue]:
    return cast("dict[str, JsonValue]", value) if isinstance(value, dict) else {}


def _list(value: object) -> list[JsonValue]:
    return cast("list[JsonValue]", value) if isinstance(value, list) else []


def _text(value: JsonValue) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text in {".", "None"} else text
