"""An episode's environment as it was before each of its proposals.

A fresh environment executes again what the log says was executed, with the user's recorded
answers in the user's place, and is compared with the log at every step: one that differs is
refused. Before each turn it is frozen, so the whole costs one replay, and a fork of any point
microseconds.
"""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from sidecritic.errors import EnvError, ModelError, boundary
from sidecritic.ports import Benchmark, Snapshot
from sidecritic.trace import Executed, Observed, Trajectory
from sidecritic.types import Assistant, Briefing, Completion, Observation, Request, ToolResult, User


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What an environment was like at each turn."""

    before: Mapping[int, Snapshot]
    """Turn to the environment before anything of that turn was executed."""
    after: Snapshot
    """Behind the last executed action."""


@dataclass(frozen=True, slots=True)
class Scene:
    """An episode with its environment at hand."""

    trajectory: Trajectory
    briefing: Briefing
    rebuilt: Rebuilt


async def rebuild(trajectory: Trajectory, benchmark: Benchmark) -> Rebuilt:
    """Play the executed part of a trajectory again.

    Raises:
        EnvError: the environment answers otherwise than it did then.
    """
    seat = _Seat()
    with boundary(EnvError, f"rebuilding {trajectory.id}"):
        environment = benchmark.environment(trajectory.task, seat)
        before: dict[int, Snapshot] = {}
        executed: Executed | None = None
        turn = 0
        for event in trajectory.events:
            if isinstance(event, Executed):
                executed = event
            elif isinstance(event, Observed):
                seat.take(event.observation)
                if executed is None:
                    got = await environment.start()
                else:
                    got = await environment.step(executed.action)
                    turn = executed.turn + 1
                _require_same(got, event.observation, trajectory.id)
                before[turn] = environment.snapshot()
    return Rebuilt(before, environment.snapshot())


class _Seat:
    """A user who says again what was said, and is then replaced in every fork."""

    name = "recorded"
    simulated = True

    def __init__(self) -> None:
        self._answers = deque[Assistant]()

    def take(self, observation: Observation) -> None:
        """Prepare what the user did and said to make this observation."""
        self._answers.clear()
        for made in observation.backstage:
            self._answers.append(Assistant(calls=(made.call,)))
        for message in observation.messages:
            if isinstance(message, User):
                self._answers.append(Assistant(text=message.text))

    async def complete(self, request: Request) -> Completion:
        if not self._answers:
            raise ModelError("the user is asked for more than was recorded")
        return Completion(message=self._answers.popleft(), finish="stop", model=self.name)


def _require_same(got: Observation, recorded: Observation, id: str) -> None:
    one, other = (
        [(m.role, m.text, isinstance(m, ToolResult) and m.is_error) for m in each.messages]
        for each in (got, recorded)
    )
    if one != other or got.done != recorded.done:
        raise EnvError(
            f"{id} cannot be rebuilt: the environment answers otherwise than in the log; it was "
            "played with another version of the benchmark"
        )
