"""The user whom a task is about: rows of one user stay together in every split."""

import json
import re

from sidecritic.envs.base import Transcript
from sidecritic.errors import ModelError
from sidecritic.ports import Benchmark
from sidecritic.recorded import UNKNOWN
from sidecritic.recordings.results import user_of
from sidecritic.simulation.task_record import reference_of, scenario_of
from sidecritic.trace import Trajectory, env_view
from sidecritic.types import Assistant, Completion, Message, Request, Task, ToolCall

ONE_USER = frozenset({"telecom"})
"""Domains whose tasks all have the same user: there tasks stand for users."""

_SHOP = "shop"
"""Its tasks name their users by e-mail address only."""

_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]+\w")


def domain_of(env: str) -> str:
    """Return the domain: τ-bench and τ²-bench share theirs, and so their users."""
    return env.rpartition(":")[2]


def user_in(trajectory: Trajectory) -> str:
    """Return the id of the user whom a trajectory is about.

    It stands in the task or the conversation, else it is an e-mail address in the task's
    scenario. Where nothing names a user, the task stands for its user.
    """
    task = trajectory.task
    if domain_of(task.env) in ONE_USER:
        return f"task:{task.id}"
    return _named(task, env_view(trajectory.events)) or _by_mail(task)


async def user_of_task(benchmark: Benchmark, task: Task) -> str:
    """Return the user of a task: as its record names them, else as its reference finds them.

    In a third of the tasks of τ² retail only a tool says who the user is, by name and zip code.
    """
    if named := _named(task, ()):
        return named
    if task.env == _SHOP:
        return _by_mail(task)
    found = user_of({}, await _referred(benchmark, task))
    return found if found != UNKNOWN else _by_mail(task)


def _named(task: Task, transcript: Transcript) -> str:
    """Return the user whom the task or the conversation names; empty without one."""
    found = UNKNOWN if task.env == _SHOP else user_of(task.data, transcript)
    return "" if found == UNKNOWN else found


def _by_mail(task: Task) -> str:
    """Return the e-mail address in a scenario; a name made of the task's id without one."""
    mail = _MAIL.search(scenario_of(task).text)
    return mail[0] if mail else f"task:{task.id}"


async def _referred(benchmark: Benchmark, task: Task) -> list[Message]:
    """Return the calls of the reference and their results."""
    environment = benchmark.environment(task, _Absent())
    messages: list[Message] = []
    for number, action in enumerate(reference_of(task).actions):
        if action.by_user:
            continue
        arguments = dict(action.arguments)
        call = ToolCall(
            id=f"r{number}", name=action.name, arguments=arguments, raw=json.dumps(arguments)
        )
        request = Assistant(calls=(call,))
        messages.extend((request, *(await environment.step(request)).messages))
    return messages


class _Absent:
    """A user who is never asked: only tools are called."""

    name = "absent"
    simulated = True

    async def complete(self, request: Request) -> Completion:
        raise ModelError("there is no user here; only tools are called")
