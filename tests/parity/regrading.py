"""Recorded simulations of τ²-bench, replayed and graded again."""

from collections.abc import Mapping, Sequence
from typing import Any

from sidecritic.envs.base import Transcript
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.grading import inspect, outcome
from sidecritic.envs.tau2.messages import parse, replay
from sidecritic.envs.tau2.package import Domain
from sidecritic.types import Assistant, Message, Outcome, Task, ToolResult, UserCall


def regrade(
    benchmark: Tau2,
    task: Task,
    messages: Sequence[Mapping[str, Any]],
    *,
    termination: str = "user_stop",
) -> Outcome:
    """Grade a recorded simulation; `native["foreign_tools"]` names calls that are left out."""
    case = benchmark.case(task)
    transcript, foreign = own_calls(case.domain, parse(messages))
    state = case.before_history.fork()
    replay(case.domain, state, transcript)
    findings = inspect(case, state, transcript)
    graded = outcome(case, findings, transcript, termination=termination, grader="ours")
    native = {**graded.native, "foreign_tools": list(foreign)}
    return graded.model_copy(update={"native": native})


def own_calls(domain: Domain, transcript: Transcript) -> tuple[Transcript, tuple[str, ...]]:
    """Return the transcript without calls of tools that the domain does not have, and those.

    Some recorded agents and users had tools from their harness, such as a to-do list.
    They cannot have touched the records, and the benchmark could not replay them.
    """
    known = {tool.name for tool in (*domain.tools, *domain.user_tools)}
    kept: list[Message | UserCall] = []
    foreign: dict[str, None] = {}
    for entry in transcript:
        match entry:
            case Assistant(calls=calls) if calls:
                own = tuple(call for call in calls if call.name in known)
                foreign.update(dict.fromkeys(call.name for call in calls if call not in own))
                kept.append(entry.model_copy(update={"calls": own}))
            case UserCall(call=call) if call.name not in known:
                foreign[call.name] = None
            case ToolResult(name=name) if name not in known:
                pass
            case _:
                kept.append(entry)
    return tuple(kept), tuple(foreign)
