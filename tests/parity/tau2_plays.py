"""Episodes to grade twice: reference replays, disturbed ones, and recorded runs."""

import gzip
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecritic.envs.base import Transcript
from sidecritic.envs.record_worlds import ReferenceAction
from sidecritic.envs.tau2.benchmark import GREETING, Tau2, Tau2World
from sidecritic.envs.tau2.package import Domain
from sidecritic.types import Assistant, Message, Task, ToolCall, User, UserCall

ROOT = Path(__file__).parents[2]
RECORDED = Path(os.environ.get("SIDECRITIC_RECORDED", ROOT.parent / "shared" / "trajectories"))
RUNS = sorted((RECORDED / "dev").glob("tau2-*.json.gz"))
NEWER_TASKS = RECORDED.parent / "data" / "tau2-1.0.1"

Plan = Sequence[ReferenceAction]


def play(benchmark: Tau2, task: Task, plan: Plan) -> tuple[Tau2World, Transcript]:
    """Perform the plan, say what is to be communicated, and let the user end it."""
    world, case = benchmark.world(task), benchmark.case(task)
    transcript: list[Message | UserCall] = [*case.history] or [Assistant(text=GREETING)]
    for number, action in enumerate(plan):
        raw = json.dumps(action.arguments)
        call = ToolCall(id=f"c{number}", name=action.name, arguments=action.arguments, raw=raw)
        if action.requestor == "user":
            transcript.append(UserCall(call=call, result=world.execute_for_user(call)))
        else:
            transcript.extend((Assistant(calls=(call,)), world.execute(call)))
    infos = case.criteria.communicate
    transcript.extend(Assistant(text=f"For your information: {info}.") for info in infos)
    transcript.append(User(text="That is all. ###STOP###"))
    return world, tuple(transcript)


def as_it_is(plan: Plan, dice: random.Random) -> Plan:
    return plan


def one_write_dropped(plan: Plan, dice: random.Random) -> Plan:
    writes = [at for at, action in enumerate(plan) if action.effect == "write"]
    dropped = dice.choice(writes) if writes else -1
    return [action for at, action in enumerate(plan) if at != dropped]


def one_argument_changed(plan: Plan, dice: random.Random) -> Plan:
    """Shorten a text, raise a number, or drop an item of a list, in a write if there is one."""
    places = [at for at, action in enumerate(plan) if action.arguments]
    places = [at for at in places if plan[at].effect == "write"] or places
    if not places:
        return plan
    at = dice.choice(places)
    arguments = dict(plan[at].arguments)
    name = dice.choice(sorted(arguments))
    arguments[name] = _changed(arguments[name])
    changed = list(plan)
    changed[at] = plan[at]._replace(arguments=arguments)
    return changed


def _changed(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str() | list():
            return value[:-1]  # pyright: ignore[reportUnknownVariableType]
        case _:
            return None


DISTURBANCES: Mapping[str, Callable[[Plan, random.Random], Plan]] = {
    "reference": as_it_is,
    "one write dropped": one_write_dropped,
    "one argument changed": one_argument_changed,
}


# --- recorded runs -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recording:
    file: str
    domain: str
    task: Task
    """As it was at that run."""
    messages: Sequence[Mapping[str, Any]]
    termination: str
    reward: float

    @property
    def label(self) -> str:
        return f"{self.file}, task {self.task.id}"


def recordings(file: Path) -> Iterator[Recording]:
    """Yield the simulations of a result file of τ²-bench."""
    with gzip.open(file) as opened:
        content = json.load(opened)
    domain = file.name.split("-")[1]
    tasks = {str(task["id"]): task for task in content["tasks"]}
    for simulation in content["simulations"]:
        id = str(simulation["task_id"])
        yield Recording(
            file=file.name,
            domain=domain,
            task=Task(id=id, env=f"tau2:{domain}", split="recorded", data=tasks[id]),
            messages=simulation["messages"],
            termination=simulation["termination_reason"],
            reward=simulation["reward_info"]["reward"],
        )


def package_messages(domain: Domain, messages: Sequence[Mapping[str, Any]]) -> list[Any]:
    """Return recorded messages as objects of the package, by its own validation.

    Calls of tools that the domain does not have are taken out, as the package cannot replay
    them.
    """
    known = {tool.name for tool in (*domain.tools, *domain.user_tools)}
    kinds = {
        "assistant": domain.messages.AssistantMessage,
        "user": domain.messages.UserMessage,
        "tool": domain.messages.ToolMessage,
    }
    foreign: set[str] = set()
    kept: list[Any] = []
    for message in messages:
        calls = message.get("tool_calls") or ()
        foreign |= {call["id"] for call in calls if call["name"] not in known}
        if message["role"] == "tool" and message["id"] in foreign:
            continue
        own = [call for call in calls if call["name"] in known]
        record = {**message, "tool_calls": own or None} if calls else message
        kept.append(kinds[message["role"]].model_validate(record))
    return kept
