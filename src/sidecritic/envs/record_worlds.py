"""What worlds have in common whose users have no tools, and which are graded by their records."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic import JsonValue

from sidecritic.envs.base import failure
from sidecritic.types import Effect, Outcome, ToolCall, ToolResult, ToolSpec


class AgentsWorld:
    """A world in which only the agent has tools."""

    def __init__(self, policy: str, tools: tuple[ToolSpec, ...]) -> None:
        self.policy = policy
        self.tools = tools
        self.user_tools: tuple[ToolSpec, ...] = ()

    def execute_for_user(self, call: ToolCall) -> ToolResult:
        return failure(call, f"the user has no tool {call.name!r}")


class ReferenceAction(NamedTuple):
    """An action of the reference, as an outcome records it."""

    name: str
    arguments: dict[str, Any]
    requestor: str
    effect: Effect
    ok: bool
    """Whether it runs without an error when the reference is replayed."""


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
