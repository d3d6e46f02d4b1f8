"""A simulated agent of the desk, which knows the rules and sometimes skips a look-up or breaks one.

It keeps no state: what was done is read from the history of the request. The same seed gives the
same episode. Two faults are drawn for an episode: look-ups that it does not make, so that it acts
on what it does not know (`unverified_write`, or `forbidden_write` where a condition does not hold),
and acting although it saw that it may not (`forbidden_write`).
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from sidecritic.envs.procedures.data import TABLES
from sidecritic.envs.procedures.records import Records
from sidecritic.envs.procedures.rules import Examined, LookUp, examined
from sidecritic.envs.procedures.tools import TOOLS
from sidecritic.ports import ModelFor
from sidecritic.simulation.actor_chat import ActorChat, read
from sidecritic.simulation.prose import CLOSING, FAILED, IDENTIFY, REGRET, REPORT
from sidecritic.simulation.task_record import Action, scenario_of
from sidecritic.types import Assistant, Completion, Fault, Request, Task, ToolCall
from sidecritic.values import object_of, text_of

_MAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.]*\w")
_SKIPPED = 0.5
"""Probability that a careless episode leaves a look-up out; one at least is."""


@dataclass(frozen=True, slots=True)
class _Draft:
    calls: tuple[Action, ...] = ()
    text: str = ""
    fault: Fault | None = None


class SimulatedAgent:
    """An agent that works through one request."""

    name = "simulated"
    simulated = True

    def __init__(self, task: Task, *, seed: int, rate: float = 0.35, repair: float = 0.9) -> None:
        """Prepare one episode.

        Args:
            task: Its `request` is what the agent is asked to do.
            seed: Decides which faults occur, and how feedback is taken.
            rate: Probability of each of the two faults.
            repair: Probability of following feedback that names a fault.
        """
        request = object_of(task.data, "request")
        self._write = Action(text_of(request, "name"), object_of(request, "arguments"))
        met = examined(self._write.name, self._write.arguments, Records(TABLES))
        self._conditions = tuple(met)
        self._mail = "".join(_MAIL.findall(scenario_of(task).known)[:1])
        self._repair = repair
        self._luck = f"{seed}/{task.id}"
        dice = Random(f"{self._luck}/plan")
        careless, reckless = dice.random() < rate, dice.random() < rate
        self._skipped = self._drawn(dice) if careless else frozenset[LookUp]()
        self._reckless = reckless

    def _drawn(self, dice: Random) -> frozenset[LookUp]:
        looks = self._look_ups
        skipped = frozenset(look for look in looks if dice.random() < _SKIPPED)
        return skipped or frozenset({dice.choice(looks)})

    @property
    def _look_ups(self) -> tuple[LookUp, ...]:
        found = (each.look_up for each in self._conditions)
        return tuple(dict.fromkeys(look for look in found if look is not None))

    async def complete(self, request: Request) -> Completion:
        """Return the next message, with the fault that it carries; never fails."""
        chat = read(request.messages, skip=1)
        again = request.sampling.seed
        draft = self._draft(chat)
        for attempt, feedback in enumerate(chat.refusals):
            dice = Random(f"{self._luck}/refused/{len(chat.exchanges)}/{attempt}/{again}")
            if dice.random() < self._repair:
                draft = self._mended(draft, feedback, chat)
        return _completion(draft, f"call_{len(chat.exchanges)}_{len(chat.refusals)}")

    def _draft(self, chat: ActorChat) -> _Draft:
        done = [call for exchange in chat.exchanges for call in exchange.calls]
        last = chat.exchanges[-1] if chat.exchanges else None
        if self._write in done:
            began = FAILED if last is not None and last.failed else REPORT
            return _Draft(text=began + CLOSING)
        if not any(exchange.text == IDENTIFY for exchange in chat.exchanges):
            return _Draft(text=IDENTIFY)
        found = Action("find_resident", {"email": self._mail})
        planned = (_call(look) for look in self._look_ups if look not in self._skipped)
        for action in (found, *planned):
            if action not in done:
                return _Draft((action,))
        return self._decided(self._missing(chat))

    def _decided(self, missing: Sequence[LookUp]) -> _Draft:
        """Act, or say that it cannot be done, by what was looked up."""
        seen = [each for each in self._conditions if each.look_up not in missing]
        if _broken(seen) and not self._reckless:
            return _REFUSAL
        note = ", ".join(tool for tool, _ in missing)
        if _broken(self._conditions):
            note = ", ".join(each.name for each in self._conditions if not each.holds)
            return _Draft((self._write,), fault=Fault(kind="forbidden_write", step=0, note=note))
        fault = Fault(kind="unverified_write", step=0, note=note) if missing else None
        return _Draft((self._write,), fault=fault)

    def _mended(self, draft: _Draft, feedback: str, chat: ActorChat) -> _Draft:
        """Return the draft after feedback: what it says to look up, or else giving way."""
        if draft.fault is None:
            return draft
        named = [look for look in self._missing(chat) if look[0] in feedback]
        if named:
            return _Draft(tuple(map(_call, named)))
        return _REFUSAL if draft.fault.kind == "forbidden_write" else draft

    def _missing(self, chat: ActorChat) -> tuple[LookUp, ...]:
        done = [call for exchange in chat.exchanges for call in exchange.calls]
        return tuple(look for look in self._look_ups if _call(look) not in done)


def simulated_agent(*, rate: float = 0.35, repair: float = 0.9) -> ModelFor:
    """Return the maker of one simulated agent an episode."""
    return lambda task, seed: SimulatedAgent(task, seed=seed, rate=rate, repair=repair)


_REFUSAL = _Draft(text=f"{REGRET}\n{CLOSING}")


def _broken(conditions: Iterable[Examined]) -> bool:
    return not all(each.holds for each in conditions)


def _call(look_up: LookUp) -> Action:
    tool, id = look_up
    (name,) = TOOLS[tool].asks.model_fields
    return Action(tool, {name: id})


def _completion(draft: _Draft, id: str) -> Completion:
    faults = () if draft.fault is None else (draft.fault,)
    calls = tuple(
        ToolCall(
            id=f"{id}_{at}",
            name=action.name,
            arguments=dict(action.arguments),
            raw=json.dumps(dict(action.arguments)),
        )
        for at, action in enumerate(draft.calls)
    )
    message = Assistant(text=draft.text, calls=calls)
    finish = "tool_calls" if calls else "stop"
    return Completion(message=message, finish=finish, model="simulated", faults=faults)
