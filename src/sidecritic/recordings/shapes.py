"""The shapes of result files, as far as they are read; what else they hold is ignored.

Sources: the result writers of τ-bench (a list of runs) and τ²-bench (`Results`), and the
one-file-a-task variant that some submissions use.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from pydantic import BaseModel, ConfigDict

from sidecritic.recorded import UNKNOWN
from sidecritic.types import ToolCall


class _Shape(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class TauRun(_Shape):
    """An entry of a τ-bench list."""

    task_id: int | str
    reward: float
    trial: int = 0
    traj: list[dict[str, Any]] = []
    info: dict[str, Any] = {}


class Tau2Run(_Shape):
    """A simulation of τ²-bench; `task` is there where each task has a file of its own."""

    id: str | None = None
    task_id: int | str | None = None
    trial: int | None = 0
    seed: int | None = None
    reward_info: dict[str, Any] | None = None
    messages: list[dict[str, Any]] | None = None
    termination_reason: str | None = None
    task: dict[str, Any] | None = None
    run_info: dict[str, Any] | None = None


class Chat(NamedTuple):
    """Messages in the format of τ²-bench, and what of them never ran."""

    messages: list[Mapping[str, Any]]
    unrun: dict[int, tuple[ToolCall, ...]]


def chat_of(traj: Sequence[Mapping[str, Any]]) -> Chat:
    """Return an OpenAI-style chat of τ-bench, in which only the first call of a message ran."""
    messages: list[Mapping[str, Any]] = []
    unrun: dict[int, tuple[ToolCall, ...]] = {}
    number = 0
    for message in traj:
        match message.get("role"):
            case "assistant":
                calls = [_plain(call) for call in message.get("tool_calls") or ()]
                if len(calls) > 1:
                    unrun[number] = tuple(_tool_call(call) for call in calls[1:])
                number += 1
                messages.append({**message, "tool_calls": calls[:1]})
            case "tool":
                text = message.get("content") or ""
                failed = text.startswith("Error")
                messages.append({**message, "id": message.get("tool_call_id"), "error": failed})
            case _:
                messages.append(message)
    return Chat(messages, unrun)


def _plain(call: Mapping[str, Any]) -> dict[str, Any]:
    function: Mapping[str, Any] = call["function"]
    return {
        "id": call.get("id") or "",
        "name": function["name"],
        "arguments": _arguments(function.get("arguments")),
    }


def _arguments(raw: object) -> dict[str, Any] | None:
    if isinstance(raw, str):
        try:
            raw = json.loads(raw or "{}")
        except ValueError:
            return None
    return cast("dict[str, Any]", raw) if isinstance(raw, dict) else None


def _tool_call(call: Mapping[str, Any]) -> ToolCall:
    return ToolCall(**call, raw=json.dumps(call["arguments"]))


# --- which domain, which models ------------------------------------------------------------

# Tools that no other domain has; transfers and the calculator are common to all.
_SIGNS: Mapping[str, re.Pattern[str]] = MappingProxyType(
    {
        "retail": re.compile(
            r"find_user_id_by_|get_(order|product)_|\w+_(pending|delivered)_order"
        ),
        "airline": re.compile(r"\w+_reservation|search_(direct|onestop)_flight|send_certificate"),
        "telecom": re.compile(r"get_customer_by_|\w+_(line|roaming)$|refuel_data|get_data_usage"),
    }
)


def domain_of(messages: Iterator[Mapping[str, Any]]) -> str | None:
    """Return the domain whose tools are called in these messages of τ²-bench's format."""
    called = {call["name"] for message in messages for call in message.get("tool_calls") or ()}
    return next((domain for domain, sign in _SIGNS.items() if any(map(sign.match, called))), None)


def first_text(*candidates: object) -> str:
    """Return the first candidate that is a text with something in it, else `unknown`."""
    return next((c for c in candidates if isinstance(c, str) and c.strip()), UNKNOWN)


def inner(record: object, *path: str) -> Any:
    """Return what lies at a path of nested objects; `None` where it ends early."""
    for key in path:
        if not isinstance(record, dict):
            return None
        record = cast("dict[str, Any]", record).get(key)
    return record
