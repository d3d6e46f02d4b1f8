"""The order in which a simulated actor works through a task, faults included."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Literal

from sidecritic.handover import hands_over
from sidecritic.simulation.faults import (
    UNINVITED,
    FaultKind,
    FaultRates,
    Flaw,
    drawn_for_write,
    falsified,
)
from sidecritic.simulation.task_record import Action, is_finder, is_write, reference_of, scenario_of
from sidecritic.types import Task, ToolSpec

StepKind = Literal[
    "identify",
    "inquire",
    "authenticate",
    "look",
    "write",
    "instruct",
    "transfer",
    "notice",
    "close",
]

NOTHING = Action("", {})

_SERVES = ("write", "instruct")


@dataclass(frozen=True, slots=True)
class ActorStep:
    kind: StepKind
    action: Action = NOTHING
    """The call to make; nothing where it depends on the conversation."""
    flaw: Flaw | None = None
    says: tuple[str, ...] = ()
    """What the user must learn from a `close`."""
    claims: tuple[str, ...] = ()
    """What it says instead when it carries a false statement; empty for an invented favour."""
    regrets: bool = False
    """Whether a `close` must say that the user's request cannot be met."""

    @property
    def uninvited(self) -> bool:
        """Whether the step has no place in the solution, so that repairing it is to skip it."""
        if self.flaw is None:
            return False
        return self.flaw.kind in UNINVITED or self.flaw.kind == "premature_transfer"


def steps_for(
    task: Task, tools: Sequence[ToolSpec], rates: FaultRates, rng: Random
) -> tuple[ActorStep, ...]:
    """Return the steps of one episode; the same for the same state of `rng`."""
    reference = reference_of(task)
    calls = [a for a in reference.actions if a.by_user or not hands_over(a.name)]
    transfers = [a for a in reference.actions if not a.by_user and hands_over(a.name)]
    steps = [_step(action, tools, rates, rng) for action in calls]
    omitted = [step for step in steps if _has(step, "omitted_write")]
    kept = [step for step in steps if not _has(step, "omitted_write")]
    kept = _with_uninvited(kept, tools, rates, rng=rng)
    served = bool(reference.communicate) or any(step.kind in _SERVES for step in steps)
    ending = [
        replace(step, regrets=step.kind == "close" and not served)
        for step in _ending(transfers, omitted, reference.communicate, rates=rates, rng=rng)
    ]
    finders = (at for at, s in enumerate(kept) if s.kind == "look" and is_finder(s.action.name))
    # Where the reference identifies the user, its own way comes first.
    kept.insert(next(finders, -1) + 1, ActorStep("authenticate"))
    return (*_beginning(task, inquires=served), *kept, *ending)


def _step(action: Action, tools: Sequence[ToolSpec], rates: FaultRates, rng: Random) -> ActorStep:
    if action.by_user:
        return ActorStep("instruct", action)
    if not is_write(action.name, tools):
        return ActorStep("look", action)
    return ActorStep("write", action, drawn_for_write(action, rates, rng))


def _has(step: ActorStep, kind: FaultKind) -> bool:
    return step.flaw is not None and step.flaw.kind == kind


def _beginning(task: Task, *, inquires: bool) -> Iterator[ActorStep]:
    """Find out who the user is, and what they have not said unasked."""
    scenario = scenario_of(task)
    if scenario.known:
        yield ActorStep("identify")
    if scenario.instructions and inquires:
        yield ActorStep("inquire")


def _with_uninvited(
    steps: list[ActorStep], tools: Sequence[ToolSpec], rates: FaultRates, *, rng: Random
) -> list[ActorStep]:
    """Insert the writes and transfers of this episode that have no place in it."""
    extra, transfer, forbidden, where = (rng.random() for _ in range(4))
    announced = rng.random() < 0.5
    writes = [at for at, step in enumerate(steps) if step.kind in _SERVES]
    if not writes:
        if forbidden < rates.forbidden_write:
            steps = [*steps, ActorStep("write", flaw=Flaw("forbidden_write", announced=True))]
        return steps
    if extra < rates.extra_write:
        steps = [*steps, ActorStep("write", flaw=Flaw("extra_write", announced=announced))]
    desk = next((tool.name for tool in tools if hands_over(tool)), None)
    if desk is not None and transfer < rates.premature_transfer:
        at = writes[int(where * len(writes))]
        summary = "The user has a request that I could not complete."
        early = ActorStep(
            "transfer", Action(desk, {"summary": summary}), Flaw("premature_transfer")
        )
        steps = [*steps[:at], early, ActorStep("notice"), *steps[at:]]
    return steps


def _ending(
    transfers: Sequence[Action],
    omitted: Sequence[ActorStep],
    communicate: tuple[str, ...],
    *,
    rates: FaultRates,
    rng: Random,
) -> Iterator[ActorStep]:
    """Hand over or say goodbye; what was left out comes after a goodbye that is too early."""
    false = rng.random() < rates.false_statement
    claims = falsified(communicate, rng)
    if omitted:
        yield ActorStep("close", flaw=Flaw("omitted_write"), says=communicate)
        for step in omitted:
            yield ActorStep("write", step.action)
    for action in transfers:
        yield ActorStep("transfer", action)
        yield ActorStep("notice")
    if not transfers:
        flaw = Flaw("false_statement") if false else None
        yield ActorStep("close", flaw=flaw, says=communicate, claims=claims)
