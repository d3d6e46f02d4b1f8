"""What a task's record says: the scenario of its user, and its reference solution.

Simulated actors and scripted users play from here. No critic may: `Task.data` never
reaches a `Proposal`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from sidecritic.handover import hands_over
from sidecritic.simulation.benchmark_words import FINDERS
from sidecritic.types import Task, ToolSpec
from sidecritic.values import object_of, objects_of, texts_of

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
    instructions = object_of(task.data, "user_scenario").get("instructions")
    if isinstance(instructions, str):
        return Scenario(reason=instructions.strip())
    parts = instructions if isinstance(instructions, dict) else {}
    return Scenario(
        reason=_text(parts.get("reason_for_call")),
        known=_text(parts.get("known_info")),
        unknown=_text(parts.get("unknown_info")),
        instructions=_text(parts.get("task_instructions")),
    )


def reference_of(task: Task) -> Reference:
    """Return the reference solution; empty where the task has none."""
    criteria = object_of(task.data, "evaluation_criteria")
    return Reference(
        actions=tuple(
            Action(
                name=_text(entry.get("name")),
                arguments=object_of(entry, "arguments"),
                by_user=entry.get("requestor") == "user",
            )
            for entry in objects_of(criteria, "actions")
        ),
        communicate=tuple(map(_text, texts_of(criteria, "communicate_info"))),
    )


def prior_words(task: Task, role: str) -> int:
    """Return how many messages of `role` precede the episode, by the task's own record."""
    history = objects_of(object_of(task.data, "initial_state"), "message_history")
    return sum(message.get("role") == role for message in history)


# --- what tools are for -------------------------------------------------------------------


def is_finder(name: str) -> bool:
    """Whether a tool with this name finds out who the user is."""
    return name.startswith(FINDERS)


def is_write(name: str, tools: Sequence[ToolSpec]) -> bool:
    """Whether a call of this tool may change records; hand-overs are not counted."""
    if hands_over(name):
        return False
    return all(tool.effect != "read" for tool in tools if tool.name == name)


def required(tool: ToolSpec) -> tuple[str, ...]:
    """Return the names of the parameters without which the tool cannot be called."""
    return texts_of(tool.parameters, "required")


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


def _text(value: JsonValue) -> str:
    text = "" if value is None else str(value).strip()
    return "" if text in {".", "None"} else text
