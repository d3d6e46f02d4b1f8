"""What worlds have in common whose users have no tools, and which are graded by their records."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, JsonValue, ValidationError

from sidecritic.envs.base import failure
from sidecritic.errors import first_problem
from sidecritic.simulation.task_record import Action
from sidecritic.types import Effect, Outcome, ToolCall, ToolResult, ToolSpec


class AgentsWorld:
    """A world in which only the agent has tools."""

    def __init__(self, policy: str, tools: tuple[ToolSpec, ...]) -> None:
        self.policy = policy
        self.tools = tools
        self.user_tools: tuple[ToolSpec, ...] = ()

    def execute_for_user(self, call: ToolCall) -> ToolResult:
        return failure(call, f"the user has no tool {call.name!r}")


class RecordTool(NamedTuple):
    """A tool of such a world: what it asks for, and what answers from the world's records."""

    asks: type[BaseModel]
    answer: Callable[[Any, Any], Any]
    effect: Effect
    description: str


def specs_of(tools: Mapping[str, RecordTool]) -> tuple[ToolSpec, ...]:
    """Return the tools as the actor is told about them."""
    return tuple(
        ToolSpec(
            name=name,
            description=tool.description,
            parameters=tool.asks.model_json_schema(),
            effect=tool.effect,
        )
        for name, tool in tools.items()
    )


class Refused(Exception):
    """What a tool cannot do; its text is the result of the call."""


class ReferenceAction(NamedTuple):
    """An action of the reference, as an outcome records it."""

    name: str
    arguments: dict[str, Any]
    requestor: str
    effect: Effect
    ok: bool
    """Whether it runs without an error when the reference is replayed."""


class RecordWorld(AgentsWorld, ABC):
    """A world whose tools answer from records, or refuse."""

    @abstractmethod
    def answered(self, call: ToolCall) -> Any:
        """Run a tool and return text, or what JSON can say.

        Raises:
            Refused: it cannot be done.
            ValidationError: the arguments are not those of the tool.
        """

    def execute(self, call: ToolCall) -> ToolResult:
        text, is_error = self._answer(call)
        return ToolResult(call_id=call.id, name=call.name, text=text, is_error=is_error)

    def perform(self, action: Action) -> ReferenceAction:
        """Run an action of the reference and return it as it is recorded."""
        arguments = dict(action.arguments)
        _, is_error = self._answer(ToolCall(id="", name=action.name, arguments=arguments, raw=""))
        known: dict[str, Effect] = {tool.name: tool.effect for tool in self.tools}
        effect = known.get(action.name, "unknown")
        return ReferenceAction(action.name, arguments, "assistant", effect, not is_error)

    def _answer(self, call: ToolCall) -> tuple[str, bool]:
        known = [tool.name for tool in self.tools]
        if call.name not in known:
            return f"Error: there is no tool {call.name!r}; known: {', '.join(known)}", True
        try:
            answer = self.answered(call)
        except ValidationError as cause:
            return f"Error: {first_problem(cause, 'arguments')}", True
        except Refused as cause:
            return f"Error: {cause}", True
        return answer if isinstance(answer, str) else json.dumps(answer, default=str), False


def graded(
    benchmark: str,
    *,
    termination: str,
    stopped: bool,
    db_match: bool,
    reference: Sequence[ReferenceAction],
    told: Sequence[tuple[str, bool]],
) -> Outcome:
    """Grade an episode by the records it left and what was said; unfinished, it is worth 0.

    `told` is what the user must be told, and whether they were.
    """
    all_told = all(met for _, met in told)
    reward = float(stopped and db_match and all_told)
    native: dict[str, JsonValue] = {
        "benchmark": benchmark,
        "termination": termination,
        "reward_basis": ["DB", "COMMUNICATE"],
        "db_match": db_match,
        "reference": [action._asdict() for action in reference],
        "communicate": [{"info": info, "met": met} for info, met in told],
    }
    parts = {"DB": float(db_match), "COMMUNICATE": float(all_told)} if stopped else {}
    return Outcome(reward=reward, passed=reward == 1.0, parts=parts, native=native)
