"""Runs of τ-bench and τ²-bench, one by one, as trajectories."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from pydantic import JsonValue

from sidecritic.envs.base import Transcript
from sidecritic.envs.tau2.benchmark import Tau2
from sidecritic.envs.tau2.messages import parse
from sidecritic.envs.tau2.package import DOMAINS
from sidecritic.envs.tau2.prepared_task import PreparedTask
from sidecritic.errors import TraceError
from sidecritic.recorded import UNKNOWN, Recorded
from sidecritic.recordings.chats import events_of
from sidecritic.recordings.shapes import Chat, Tau2Run, TauRun, chat_of, domain_of, inner
from sidecritic.trace import Trajectory
from sidecritic.types import (
    Assistant,
    Briefing,
    Message,
    Outcome,
    System,
    Task,
    ToolResult,
    ToolSpec,
    UserCall,
)


@dataclass(frozen=True, slots=True)
class Header:
    """What holds for all runs of a file."""

    file: str
    actor: str
    user: str
    versions: Mapping[str, str]
    domain: str | None = None
    policy: str | None = None
    tasks: Mapping[str, Mapping[str, Any]] | None = None


class Benchmarks:
    """The domains of τ²-bench, each loaded when a run first needs it."""

    def __init__(self) -> None:
        self._loaded: dict[str, Tau2] = {}

    def tau2(self, domain: str) -> Tau2:
        """Return a domain.

        Raises:
            TraceError: τ² has no such domain.
        """
        if domain not in DOMAINS:
            raise TraceError(f"unknown τ² domain {domain!r}; known: {', '.join(DOMAINS)}")
        if domain not in self._loaded:
            self._loaded[domain] = Tau2(domain)
        return self._loaded[domain]


def tau_run(run: TauRun, at: int, header: Header, benchmarks: Benchmarks) -> Recorded:
    """Return a run of τ-bench.

    Raises:
        TraceError, EnvError: the record contradicts itself.
    """
    chat = chat_of(run.traj)
    gold: list[dict[str, Any]] = [
        {"name": action["name"], "arguments": action["kwargs"]}
        for action in inner(run.info, "task", "actions") or ()
    ]
    domain = header.domain or domain_of(iter((*chat.messages, {"tool_calls": gold})))
    policy = next((m["content"] for m in run.traj if m.get("role") == "system"), None)
    data: dict[str, Any] = {
        "id": str(run.task_id),
        "user_id": inner(run.info, "task", "user_id"),
        "evaluation_criteria": {"actions": gold},
    }
    # A run that the step limit ended has no `reward_info`.
    ended = "user_stop" if inner(run.info, "reward_info") else "max_steps"
    task = Task(id=str(run.task_id), env=f"tau:{_known(domain)}", split=UNKNOWN, data=data)
    found = _Run("tau-bench", at, task, run.trial, chat, ended, run.reward, {}, policy)
    return _recorded(found, header, benchmarks)


def tau2_run(run: Tau2Run, at: int, header: Header, benchmarks: Benchmarks) -> Recorded:
    """Return a run of τ²-bench.

    Raises:
        TraceError, EnvError: the record contradicts itself.
    """
    messages = cast("list[Mapping[str, Any]]", run.messages or [])
    id = str(run.task_id if run.task_id is not None else inner(run.task, "id"))
    data = dict((header.tasks or {}).get(id) or run.task or {"id": id})
    checks = inner(run.reward_info, "action_checks") or ()
    if checks:
        # Tasks that stand in a file are not always those that were played; the checks are.
        criteria = dict(data.get("evaluation_criteria") or {})
        data["evaluation_criteria"] = {**criteria, "actions": [c["action"] for c in checks]}
    domain = header.domain or domain_of(iter(messages))
    reward = inner(run.reward_info, "reward")
    if reward is not None and not isinstance(reward, int | float):
        raise TraceError(f"reward_info.reward is {reward!r}, which is not a number")
    parts: dict[str, float] = inner(run.reward_info, "reward_breakdown") or {}
    task = Task(id=id, env=f"tau2:{_known(domain)}", split=UNKNOWN, data=data)
    ended = run.termination_reason or UNKNOWN
    trial, chat = run.trial or 0, Chat(messages, {})
    found = _Run("tau2-bench", at, task, trial, chat, ended, reward, parts, header.policy)
    return _recorded(found, header, benchmarks)


def _known(domain: str | None) -> str:
    if domain is None:
        raise TraceError("neither the file nor the called tools tell the domain")
    return domain


@dataclass(frozen=True, slots=True)
class _Run:
    benchmark: str
    at: int
    task: Task
    trial: int
    chat: Chat
    termination: str
    reward: float | None
    parts: Mapping[str, float]
    policy: str | None

    @property
    def domain(self) -> str:
        return self.task.env.split(":")[1]


def _recorded(run: _Run, header: Header, benchmarks: Benchmarks) -> Recorded:
    case = benchmarks.tau2(run.domain).case(run.task)
    transcript = parse(run.chat.messages)
    outcome = None if run.reward is None else _outcome(run, run.reward, case)
    said = next((m.text for m in transcript if isinstance(m, System)), None)
    trajectory = Trajectory(
        id=f"{header.file}#{run.at}",
        task=run.task,
        trial=run.trial,
        actor=header.actor,
        critic="none",
        user=header.user,
        versions=dict(header.versions),
        events=events_of(
            transcript,
            unrun=run.chat.unrun,
            actor=header.actor,
            termination=run.termination,
            outcome=outcome,
        ),
    )
    return Recorded(
        file=header.file,
        simulation=run.at,
        benchmark=run.benchmark,
        domain=run.domain,
        user_id=user_of(run.task.data, transcript),
        trajectory=trajectory,
        briefing=Briefing(
            policy=run.policy or said or case.domain.pristine.policy,
            tools=(*case.domain.tools, *_own_tools(transcript, case)),
        ),
    )


def _outcome(run: _Run, reward: float, case: PreparedTask) -> Outcome:
    native: dict[str, Any] = {
        "benchmark": run.benchmark,
        "domain": run.domain,
        "grader": "on record",
        "termination": run.termination,
        "reference": [action._asdict() for action in case.gold.reference],
    }
    return Outcome(
        reward=reward,
        passed=reward >= 1 - 1e-6,
        parts={name: float(value) for name, value in run.parts.items()},
        native=cast("dict[str, JsonValue]", native),
    )


def _own_tools(transcript: Transcript, case: PreparedTask) -> Iterator[ToolSpec]:
    """Yield the tools that the recorded agent's harness added, such as a place to think.

    A tool that the domain lacks cannot have changed its records. One that never answered without
    an error was invented by the model, not declared.
    """
    known = {tool.name for tool in case.domain.tools}
    answered = (e for e in transcript if isinstance(e, ToolResult) and not e.is_error)
    for name in dict.fromkeys(result.name for result in answered):
        if name not in known:
            yield ToolSpec(name=name, effect="read")


# Ids of users in retail and airline, and of customers in telecom.
_USER_ID = re.compile(r"\b(?:[a-z]+_[a-z]+_\d{4,5}|C\d{4})\b")


def user_of(data: Mapping[str, Any], transcript: Transcript) -> str:
    """Return the id of the task's user, by the task or else by the first one in the chat.

    It is `unknown` where neither names one.
    """
    if isinstance(data.get("user_id"), str):
        return data["user_id"]
    for text in (json.dumps(data, ensure_ascii=False), *map(_named_in, transcript)):
        if found := _USER_ID.search(text):
            return found[0]
    return UNKNOWN


def _named_in(entry: Message | UserCall) -> str:
    """Return what of a message may name the user: calls of the agent, and results."""
    if isinstance(entry, Assistant):
        return " ".join(call.raw for call in entry.calls)
    return entry.text if isinstance(entry, ToolResult) else ""
