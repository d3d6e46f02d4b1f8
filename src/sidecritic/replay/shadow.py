"""The records of a recorded run at each of its turns, for a critic that looks things up."""

import json
from collections.abc import Mapping

from sidecritic.envs.base import Look, World
from sidecritic.envs.procedures.benchmark import TownDesk
from sidecritic.episode import LOOK_BUDGET
from sidecritic.errors import ConfigError, EnvError, TraceError, boundary
from sidecritic.recorded import Recorded
from sidecritic.recordings.results import Benchmarks
from sidecritic.trace import Observed
from sidecritic.types import ToolCall, ToolResult


class Shadow:
    """The world of a recorded run, replayed call by call; dropped once it disagrees."""

    def __init__(self, world: World | None, *, to_the_letter: bool) -> None:
        self._world = world
        self._to_the_letter = to_the_letter

    def look(self) -> Look | None:
        """Return a view of the records as they are now; `None` when they are unknown."""
        return Look(self._world.fork(), LOOK_BUDGET) if self._world is not None else None

    def follow(self, calls: Mapping[str, ToolCall], observed: Observed) -> None:
        """Repeat what was executed, and compare with what it returned then.

        `calls` holds the executed calls of the agent by id.
        """
        for made in observed.observation.backstage:
            self._repeat(made.call, made.result, user=True)
        for message in observed.observation.messages:
            if isinstance(message, ToolResult) and message.call_id in calls:
                self._repeat(calls[message.call_id], message, user=False)

    def _repeat(self, call: ToolCall, recorded: ToolResult, *, user: bool) -> None:
        world = self._world
        if world is None or not _has(world, call.name, user=user):
            return
        execute = world.execute_for_user if user else world.execute
        try:
            with boundary(EnvError, "repeating a recorded call"):
                agrees = self._agree(execute(call), recorded)
        except EnvError:
            agrees = False
        if not agrees:
            self._world = None

    def _agree(self, got: ToolResult, recorded: ToolResult) -> bool:
        if got.is_error or recorded.is_error:
            # Error texts quote versions of the packages that ran then.
            return got.is_error == recorded.is_error
        return not self._to_the_letter or _content(got.text) == _content(recorded.text)


def _has(world: World, name: str, *, user: bool) -> bool:
    # Tools of the recorded agent's harness know nothing of the records.
    return any(tool.name == name for tool in (world.user_tools if user else world.tools))


def _content(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return text


class Worlds:
    """Fresh worlds of τ² domains, each parsed once, and of the desk of `procedures`."""

    def __init__(self) -> None:
        self._benchmarks = Benchmarks()

    def shadow(self, run: Recorded) -> Shadow:
        """Return the world at the start of a run; an empty shadow for an unknown environment.

        τ-bench has the records of τ²-bench but writes some of them down differently, so its
        results are compared by success alone.
        """
        benchmark, _, domain = run.trajectory.task.env.partition(":")
        if benchmark == "procedures":
            return Shadow(TownDesk(run.trajectory.task), to_the_letter=True)
        if benchmark not in ("tau", "tau2"):
            return Shadow(None, to_the_letter=True)
        try:
            with boundary(EnvError, "creating the world of a recorded run"):
                world = self._benchmarks.tau2(domain).world(run.trajectory.task)
        except (ConfigError, EnvError, TraceError):
            return Shadow(None, to_the_letter=True)
        return Shadow(world, to_the_letter=benchmark == "tau2")
