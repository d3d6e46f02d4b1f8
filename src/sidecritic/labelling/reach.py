"""When the goal of a task was lost."""

from collections.abc import Iterator, Sequence

from sidecritic.labelling.scene import Rebuilt
from sidecritic.ports import Snapshot
from sidecritic.simulation.task_record import Action, is_write, reference_of
from sidecritic.trace import Executed, Trajectory
from sidecritic.types import Assistant, Briefing, ToolCall
from sidecritic.writes import normal_form, succeeded, write_tools


async def goal_lost_at(trajectory: Trajectory, briefing: Briefing, rebuilt: Rebuilt) -> int | None:
    """Return the turn of the first write after which the reference end state is out of reach.

    After each executed write the environment is forked, and the reference writes that have not
    been made so far are made, in their order. Where the database then differs from the
    reference's, the goal is lost. Only calls of the reference are considered: others might undo
    the mistake.

    `None` where it never was lost and where that is unknown: the episode passed, the task is not
    graded by its database, or its user makes writes.
    """
    outcome = trajectory.ended.outcome if trajectory.ended else None
    actions = reference_of(trajectory.task).actions
    unknown = outcome is None or outcome.reward >= 1 or "db_match" not in outcome.native
    if unknown or any(action.by_user for action in actions):
        return None
    reference = [a for a in actions if is_write(a.name, briefing.tools)]
    for turn, made in _writes(trajectory, briefing):
        snapshot = rebuilt.before.get(turn + 1, rebuilt.after)
        if not await _reaches(snapshot, _open(reference, made)):
            return turn
    return None


def _writes(trajectory: Trajectory, briefing: Briefing) -> Iterator[tuple[int, list[str]]]:
    """Yield each turn that changed records, with the forms of all writes up to it."""
    writing, done = write_tools(briefing), succeeded(trajectory.events)
    made: list[str] = []
    for event in trajectory.events:
        if isinstance(event, Executed):
            calls = [c for c in event.action.calls if c.name in writing and c.id in done]
            made.extend(normal_form(call.name, call.arguments or {}) for call in calls)
            if calls:
                yield event.turn, made


def _open(reference: Sequence[Action], made: Sequence[str]) -> list[Action]:
    left = list(made)
    still: list[Action] = []
    for action in reference:
        form = normal_form(action.name, action.arguments)
        if form in left:
            left.remove(form)
        else:
            still.append(action)
    return still


async def _reaches(snapshot: Snapshot, actions: Sequence[Action]) -> bool:
    environment = snapshot.fork()
    for number, action in enumerate(actions):
        call = ToolCall(
            id=f"reach_{number}", name=action.name, arguments=dict(action.arguments), raw=""
        )
        await environment.step(Assistant(calls=(call,)))
    return (await environment.outcome()).native.get("db_match") is True
