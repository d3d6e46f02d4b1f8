"""How far a simulated actor has come, as a fold over what was executed.

The history of a request holds executed actions only, so the fold cannot rely on what the
actor wanted to do in a turn: a draft may have been refused and repaired, or replaced.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from random import Random

from sidecritic.simulation.actor_chat import ActorExchange, agrees, declines
from sidecritic.simulation.actor_steps import ActorStep, StepKind
from sidecritic.simulation.evidence import Seen, authentication, look_ups, scouting
from sidecritic.simulation.faults import mistaken, uninvited
from sidecritic.simulation.prose import (
    CLOSING,
    IDENTIFY,
    INQUIRE,
    PROCEED,
    TRANSFERRED,
    announcement,
    asking,
    instruction,
    is_about,
)
from sidecritic.simulation.task_record import Action, Scenario
from sidecritic.types import ToolSpec

FIXED: Mapping[StepKind, str] = {
    "identify": IDENTIFY,
    "inquire": INQUIRE,
    "notice": TRANSFERRED,
}
"""Steps whose words are the same in every task."""


@dataclass(frozen=True, slots=True)
class ActorProgress:
    step: int = 0
    asked: bool = False
    """Whether the user was asked for details of this step's write."""
    announced: int = 0
    """How often the write of this step was announced."""
    announced_wrong: bool = False
    """Whether the last announcement carried the wrong values."""
    agreed: bool = False
    repaired: bool = False

    def on(self, steps: int = 1) -> "ActorProgress":
        """Return the progress at the beginning of a later step."""
        return ActorProgress(step=self.step + steps)


@dataclass(frozen=True, slots=True)
class Versions:
    """A write as it should be, and as its fault would have it."""

    right: Action
    wrong: Action | None = None


@dataclass(frozen=True, slots=True)
class Playbook:
    """The steps of one episode, and what its faults come to in a given conversation."""

    steps: tuple[ActorStep, ...]
    tools: tuple[ToolSpec, ...]
    scenario: Scenario
    seed: str

    def dice(self, *purpose: object) -> Random:
        """Return a source of chance that depends on the seed and the purpose only."""
        return Random("/".join(map(str, (self.seed, *purpose))))

    def versions(self, at: int, evidence: Seen) -> Versions | None:
        """Return the write of a step; `None` when nothing could be written there."""
        step = self.steps[at]
        if step.flaw is None:
            return Versions(step.action)
        dice = self.dice("value", at)
        if step.uninvited:
            planned = [other.action for other in self.steps if other.kind == "write"]
            action = uninvited(
                step.flaw.kind, evidence, self.tools, wishes=self.scenario.text, rng=dice
            )
            return None if action is None or action in planned else Versions(action)
        wrong = mistaken(step.flaw, step.action.arguments, evidence, dice)
        return Versions(step.action, None if wrong is None else Action(step.action.name, wrong))

    def preparations(self, at: int, evidence: Seen, versions: Versions | None) -> Iterator[Action]:
        """Yield the look-ups that come before the write of a step."""
        flaw = self.steps[at].flaw
        if flaw is not None and flaw.kind == "forbidden_write":
            yield from scouting(self.scenario.text, evidence, self.tools)
        if versions is not None:
            yield from look_ups(versions.right, evidence, self.tools)

    def progress(self, exchanges: Sequence[ActorExchange]) -> ActorProgress:
        """Return the progress after all these executed actions."""
        return reduce(self._after, exchanges, ActorProgress())

    def _after(self, progress: ActorProgress, exchange: ActorExchange) -> ActorProgress:
        """Return the progress after one executed action.

        The action belongs to the first step from here on that would send it; the steps
        before that one were dropped when the actor repaired them. What belongs to no step
        came from the supervisor, which means that this step is blocked.
        """
        for strict in (True, False):
            for at in range(progress.step, len(self.steps)):
                here = progress if at == progress.step else ActorProgress(step=at)
                moved = self._moved(here, exchange, strict=strict)
                if moved is not None:
                    return moved
        return progress.on()

    def _moved(
        self, progress: ActorProgress, exchange: ActorExchange, *, strict: bool
    ) -> ActorProgress | None:
        """Return the progress if the action belongs to the current step, else `None`."""
        step = self.steps[progress.step]
        if step.kind == "authenticate":
            evidence = Seen(exchange.before)
            ways = authentication(self.scenario.known, evidence, self.tools)
            return progress if any(way in exchange.calls for way in ways) else None
        if step.kind != "write":
            return progress.on() if _sends(step, exchange) else None
        evidence = Seen(exchange.before)
        versions = self.versions(progress.step, evidence)
        by = _moved_by_call if exchange.calls else _moved_by_words
        moved = None if versions is None else by(progress, exchange, versions, strict=strict)
        if moved is None and exchange.calls:
            looks = self.preparations(progress.step, evidence, versions)
            return progress if any(look in exchange.calls for look in looks) else None
        return moved


def _sends(step: ActorStep, exchange: ActorExchange) -> bool:
    """Whether a step other than a write sends this action."""
    action = step.action
    match step.kind:
        case "look" | "transfer":
            return action in exchange.calls
        case "identify" | "inquire" | "notice":
            return exchange.text == FIXED[step.kind]
        case "instruct":
            return exchange.text.endswith(instruction(action.name, action.arguments))
        case _:
            return exchange.text.endswith(CLOSING)


def _moved_by_call(
    progress: ActorProgress, exchange: ActorExchange, versions: Versions, *, strict: bool
) -> ActorProgress | None:
    right, wrong = versions.right, versions.wrong
    if wrong is not None and wrong in exchange.calls:
        # The tool itself refused the wrong values: the actor sees that and mends them. Where the
        # user agreed to them, the right ones are announced before they are called.
        agreed = progress.agreed and not progress.announced_wrong
        mended = replace(progress, repaired=True, agreed=agreed)
        return mended if exchange.failed else progress.on()
    named = any(call.name == right.name for call in exchange.calls)
    return progress.on() if right in exchange.calls or (named and not strict) else None


def _moved_by_words(
    progress: ActorProgress, exchange: ActorExchange, versions: Versions, *, strict: bool
) -> ActorProgress | None:
    right, text = versions.right, exchange.text
    if asking(right.name) in text:
        return replace(progress, asked=True)
    said_wrong = versions.wrong is not None and _announces(text, versions.wrong)
    alike = not strict and PROCEED in text and is_about(text, right.name)
    if not (said_wrong or alike or _announces(text, right)):
        return None
    told = replace(progress, announced=progress.announced + 1, announced_wrong=said_wrong)
    if agrees(exchange.answer):
        return replace(told, agreed=True)
    if not declines(exchange.answer):
        return replace(told, agreed=False)
    return replace(told, agreed=False, repaired=True) if said_wrong else progress.on()


def _announces(text: str, action: Action) -> bool:
    return text.endswith(announcement(action.name, action.arguments))
