"""What a benchmark's test split holds: its tasks, and the users in them."""

import json

from sidecritic.datasets.material import ONE_USER, SHOP, domain_of, user_by_mail
from sidecritic.errors import ModelError
from sidecritic.ports import Benchmark
from sidecritic.recorded import UNKNOWN
from sidecritic.recordings.results import user_of
from sidecritic.simulation.task_record import reference_of
from sidecritic.splits.assignment import HeldOut
from sidecritic.types import Assistant, Completion, Message, Request, Task, ToolCall

TEST = "test"


async def held_out(benchmark: Benchmark) -> HeldOut:
    """Return tasks and users of the test split; nothing for a benchmark without one."""
    if TEST not in benchmark.splits():
        return HeldOut()
    tasks = benchmark.tasks(TEST)
    domain = domain_of(benchmark.name)
    users = [await user_of_task(benchmark, task) for task in tasks]
    return HeldOut(
        tasks=frozenset((domain, task.id) for task in tasks),
        users=frozenset((domain, user) for user in users if domain not in ONE_USER),
    )


async def user_of_task(benchmark: Benchmark, task: Task) -> str:
    """Return the user of a task: as its record names them, else as its reference finds them.

    In a third of the tasks of τ² retail only a tool says who the user is, by name and zip code.
    """
    if task.env == SHOP:
        return user_by_mail(task)
    named = user_of(task.data, ())
    if named != UNKNOWN:
        return named
    found = user_of({}, await _referred(benchmark, task))
    return found if found != UNKNOWN else user_by_mail(task)


async def _referred(benchmark: Benchmark, task: Task) -> list[Message]:
    """Return the calls of the reference and what they give."""
    environment = benchmark.environment(task, _Absent())
    messages: list[Message] = []
    for number, action in enumerate(reference_of(task).actions):
        if action.by_user:
            continue
        arguments = dict(action.arguments)
        call = ToolCall(
            id=f"r{number}", name=action.name, arguments=arguments, raw=json.dumps(arguments)
        )
        asked = Assistant(calls=(call,))
        messages.extend((asked, *(await environment.step(asked)).messages))
    return messages


class _Absent:
    """A user who is never asked: calls of tools involve nobody."""

    name = "absent"
    simulated = True

    async def complete(self, request: Request) -> Completion:
        raise ModelError("nobody is at the table; only tools are called here")
