"""How a τ² episode is graded: the official rules, on touched records only."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from sidecritic.envs.base import Transcript
from sidecritic.envs.tau2.package import PackageEnvironment
from sidecritic.envs.tau2.prepared_task import Criteria, PreparedTask
from sidecritic.envs.tau2.refused_calls import refusal
from sidecritic.envs.tau2.states import State
from sidecritic.errors import EnvError, boundary
from sidecritic.types import Assistant, Outcome, ToolCall, ToolResult, UserCall

MAX_ERRORS = 10
"""Tool errors, of both sides, after which the benchmark ends an episode."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What a grader found out about an episode, reward basis or not."""

    db_match: bool
    assertions: tuple[bool, ...] = ()
    actions: tuple[bool, ...] = ()
    communicate: tuple[bool, ...] = ()


Grader = Callable[[PreparedTask, State, Transcript], Findings]


def inspect(case: PreparedTask, state: State, transcript: Transcript) -> Findings:
    """Grade with our own implementation of the benchmark's rules."""
    criteria = case.criteria
    if criteria.actions is None and criteria.assertions is None:
        # The benchmark looks at no database here: nothing was asked of it.
        db_match, assertions = True, ()
    else:
        final = state.fork()
        environment = final.ready(writing=True)
        environment.sync_tools()
        db_match = final.equals(case.gold.state)
        kind = case.domain.task_classes.EnvAssertion
        assertions = tuple(
            _met(environment, kind.model_validate(assertion))
            for assertion in criteria.assertions or ()
        )
    made = [
        call
        for call in calls_of(transcript)
        if refusal(case.domain, call.name, call.arguments) is None
    ]
    return Findings(
        db_match,
        assertions,
        actions=tuple(any(_done(a, call) for call in made) for a in criteria.actions or ()),
        communicate=tuple(_said(info, transcript) for info in criteria.communicate),
    )


def outcome(
    case: PreparedTask, findings: Findings, transcript: Transcript, *, termination: str, grader: str
) -> Outcome:
    """Combine the findings as the benchmark's evaluation of all parts does."""
    criteria = case.criteria
    ended = termination in ("user_stop", "agent_stop")
    parts = _parts(criteria, findings) if ended else {}
    reward = math.prod(parts.values()) if ended else 0.0
    native: dict[str, Any] = {
        "benchmark": "tau2",
        "domain": case.domain.name,
        "grader": grader,
        "termination": termination,
        "reward_basis": list(criteria.basis),
        "db_match": findings.db_match,
        "reference": [action._asdict() for action in case.gold.reference],
        "assertions": list(findings.assertions),
        "actions": list(findings.actions),
        "communicate": [
            {"info": info, "met": met}
            for info, met in zip(criteria.communicate, findings.communicate, strict=True)
        ],
        "not_graded": list(criteria.not_graded),
    }
    return Outcome(
        reward=reward,
        passed=abs(reward - 1.0) <= 1e-6,
        parts=parts,
        native=cast("dict[str, JsonValue]", native),
    )


def termination_of(transcript: Transcript, *, stopped: bool) -> str:
    """Return the benchmark's name for why the episode is over."""
    if stopped:
        return "user_stop"
    errors = sum(
        entry.result.is_error if isinstance(entry, UserCall) else entry.is_error
        for entry in transcript
        if isinstance(entry, UserCall | ToolResult)
    )
    return "too_many_errors" if errors >= MAX_ERRORS else "max_steps"


def calls_of(transcript: Transcript) -> Iterator[ToolCall]:
    """Yield the calls of both sides, in order."""
    for entry in transcript:
        match entry:
            case Assistant(calls=calls):
                yield from calls
            case UserCall(call=call):
                yield call
            case _:
                pass


def _parts(criteria: Criteria, findings: Findings) -> dict[str, float]:
    met: Mapping[str, bool] = {
        "DB": findings.db_match,
        "ENV_ASSERTION": all(findings.assertions),
        "ACTION": all(findings.actions),
        "COMMUNICATE": all(findings.communicate),
        "NL_ASSERTION": True,
    }
    return {
        part: float(met[part])
        for part in dict.fromkeys(criteria.basis)
        if part not in criteria.not_graded
    }


def _met(environment: PackageEnvironment, assertion: Any) -> bool:
    """Return whether an assertion holds; one about a record that is not there does not.

    The benchmark's evaluator raises in that case, and the episode is lost.
    """
    try:
        with boundary(EnvError, "assertion"):
            return environment.run_env_assertion(assertion, raise_assertion_error=False)
    except EnvError:
        return False


def _said(info: str, transcript: Transcript) -> bool:
    return any(
        info.lower() in entry.text.lower().replace(",", "")
        for entry in transcript
        if isinstance(entry, Assistant) and entry.text.strip()
    )


def _done(action: Mapping[str, Any], call: ToolCall) -> bool:
    made, wanted = call.arguments or {}, action["arguments"]
    compared = action.get("compare_args")
    # Where nothing is named the benchmark compares what the *call* has, not the reference.
    keys = made if compared is None else compared
    return action["name"] == call.name and {k: made[k] for k in keys if k in made} == {
        k: wanted[k] for k in keys if k in wanted
    }
