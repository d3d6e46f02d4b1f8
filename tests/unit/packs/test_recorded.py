"""On recorded runs of real agents the checks must not disturb what was right."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from sidecritic.checks.base import Pack
from sidecritic.critics.base import THRESHOLD
from sidecritic.critics.policy import noisy_or
from sidecritic.packs import pack_for
from sidecritic.types import (
    Assistant,
    Message,
    Proposal,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

ROOT = Path(
    os.environ.get("SIDECRITIC_RECORDED", Path(__file__).parents[4] / "shared" / "trajectories")
)
NOISY = {"12", "13", "18", "21", "59", "91", "107"}
"""Retail tasks whose reference was later corrected upstream."""

WRITES = ("cancel_", "modify_", "return_", "exchange_")


def message(raw: dict[str, Any], calls: dict[str, str]) -> Message:
    text = str(raw.get("content") or "")
    match raw["role"]:
        case "user":
            return User(text=text)
        case "assistant":
            made = tuple(
                ToolCall(
                    id=call["id"],
                    name=call["name"],
                    arguments=call["arguments"],
                    raw=json.dumps(call["arguments"]),
                )
                for call in raw.get("tool_calls") or ()
            )
            calls.update((call.id, call.name) for call in made)
            return Assistant(text=text, calls=made)
        case _:
            name = calls.get(raw["id"], "")
            failed = bool(raw.get("error"))
            return ToolResult(call_id=raw["id"], name=name, text=text, is_error=failed)


def passed_runs(domain: str = "retail") -> Iterator[tuple[Message, ...]]:
    """Walk over the τ² runs with full reward: every write in those of retail was right."""
    files = sorted((ROOT / "dev").glob(f"tau2-{domain}-*.json.gz"))
    if not files:
        pytest.skip(f"no recorded runs under {ROOT}; set SIDECRITIC_RECORDED to their folder")
    for file in files:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            simulations = cast("list[dict[str, Any]]", json.load(lines)["simulations"])
        for run in simulations:
            clean = str(run["task_id"]) not in NOISY
            if clean and run["reward_info"]["reward"] >= 1:
                calls: dict[str, str] = {}
                yield tuple(message(raw, calls) for raw in run["messages"] if _is_chat(raw))


def _is_chat(raw: dict[str, Any]) -> bool:
    return raw["role"] in ("user", "assistant", "tool")


def refused_share(pack: Pack, runs: Iterator[tuple[Message, ...]]) -> tuple[int, int]:
    """Return how many of the proposals that write would be sent back, and how many there are."""
    refused = total = 0
    for history in runs:
        names = {c.name for m in history if isinstance(m, Assistant) for c in m.calls}
        tools = tuple(
            ToolSpec(name=name, effect="write" if name.startswith(WRITES) else "read")
            for name in sorted(names)
        )
        for index, action in enumerate(history):
            if not isinstance(action, Assistant) or not _succeeded(action, history[index + 1 :]):
                continue
            if not any(call.name.startswith(WRITES) for call in action.calls):
                continue
            proposal = Proposal(
                task_id="recorded",
                turn=index,
                attempt=0,
                action=action,
                history=history[:index],
                policy="",
                tools=tools,
            )
            total += 1
            findings = pack.findings(proposal)
            refused += noisy_or(finding.risk for finding in findings) >= THRESHOLD
    return refused, total


def _succeeded(action: Assistant, after: tuple[Message, ...]) -> bool:
    results = after[: len(action.calls)]
    return bool(action.calls) and all(isinstance(r, ToolResult) and not r.is_error for r in results)


@pytest.mark.recorded
def test_few_right_writes_of_passed_retail_runs_are_sent_back() -> None:
    refused, total = refused_share(pack_for("tau2:retail"), passed_runs())
    assert total >= 400
    assert refused / total <= 0.05


@pytest.mark.recorded
def test_in_passed_telecom_runs_only_breaches_that_the_reward_ignores_are_sent_back() -> None:
    pack = pack_for("tau2:telecom")
    runs = tuple(passed_runs("telecom"))
    sent_back: Counter[str] = Counter()
    for history in runs:
        names = {c.name for m in history if isinstance(m, Assistant) for c in m.calls}
        tools = tuple(
            ToolSpec(name=name, effect="read" if name.startswith("get_") else "write")
            for name in sorted(names)
        )
        for index, action in enumerate(history):
            if isinstance(action, Assistant):
                proposal = Proposal(
                    task_id="recorded",
                    turn=index,
                    attempt=0,
                    action=action,
                    history=history[:index],
                    policy="The current time is 2025-02-25 12:08:00 EST.",
                    tools=tools,
                )
                findings = pack.findings(proposal)
                if noisy_or(finding.risk for finding in findings) >= THRESHOLD:
                    sent_back[findings[0].check] += 1
    assert len(runs) >= 15
    assert sent_back == {"contract ended": 4, "price not confirmed": 1}
