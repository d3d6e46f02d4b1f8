"""The writes of a recorded run, each right or wrong by the reference of its task."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidecritic.recorded import ProposalKey, Recorded
from sidecritic.trace import Executed, Proposed
from sidecritic.types import ToolCall
from sidecritic.writes import (
    Standing,
    Unmatched,
    normal_form,
    outcome_of,
    standing,
    succeeded,
    write_tools,
)

WEAK_DOMAINS = frozenset({"telecom"})
"""Domains whose users act themselves, so that the agent's writes tell little; never pooled."""

NOISY_TASKS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "tau2:airline": frozenset(["2", "7", "9", "23", "27", "29", "33", "35", "37", "38", "44"]),
        "tau2:retail": frozenset(["12", "13", "18", "21", "59", "91", "107"]),
    }
)
"""Tasks whose reference upstream corrected after these runs (τ²-bench 1.0.1 against 0.2)."""


@dataclass(frozen=True, slots=True)
class Write:
    """An executed call that changed records."""

    key: ProposalKey
    """Of the message that proposed it."""
    call_id: str
    tool: str
    form: str
    """Normal form: name and arguments."""
    standing: Standing
    first_wrong: bool
    """Whether it is the first wrong write of its run."""
    repeated: bool
    """Whether an earlier call of the run, failed or not, was the same."""


def is_clean(run: Recorded) -> bool:
    """Whether the reference of the task is believed to be right."""
    task = run.trajectory.task
    return task.id not in NOISY_TASKS.get(task.env, frozenset())


def reward_of(run: Recorded) -> float | None:
    """Return the reward on record; `None` when there is none."""
    outcome = outcome_of(run.trajectory)
    return outcome.reward if outcome else None


def writes_of(run: Recorded) -> tuple[Write, ...]:
    """Return the executed writes without an error, in order.

    A run without a reward or a reference has none: nothing is known of them.
    """
    outcome = outcome_of(run.trajectory)
    unmatched = Unmatched.of(outcome)
    if outcome is None or unmatched is None:
        return ()
    writing, done = write_tools(run.briefing), succeeded(run.trajectory.events)
    found: list[Write] = []
    seen: set[str] = set()
    wrong = False
    for key, call in executed_calls(run):
        form = normal_form(call.name, call.arguments or {})
        if call.name in writing and call.id in done:
            stands = standing(call, unmatched, outcome)
            first = stands == "wrong" and not wrong
            wrong = wrong or first
            found.append(Write(key, call.id, call.name, form, stands, first, form in seen))
        seen.add(form)
    return tuple(found)


def in_vain(run: Recorded) -> set[ProposalKey]:
    """Return the proposals whose calls were executed, and each refused by its tool."""
    done = succeeded(run.trajectory.events)
    calls = [(key, call.id in done) for key, call in executed_calls(run)]
    return {key for key, _ in calls} - {key for key, worked in calls if worked}


def executed_calls(run: Recorded) -> Iterator[tuple[ProposalKey, ToolCall]]:
    """Walk over the calls that were executed, each with the proposal that it stood in."""
    attempt = 0
    for event in run.trajectory.events:
        if isinstance(event, Proposed):
            attempt = event.attempt
        elif isinstance(event, Executed):
            for call in event.action.calls:
                yield run.key(event.turn, attempt), call
