"""UserBench without a key: a rule-based user and a simulated agent.

They measure no model, and numbers made with the rule-based user are not comparable with any
others: it recognises words where the benchmark's user understands them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, cast

from sidecritic.envs.userbench.episode import TOOL
from sidecritic.envs.userbench.tasks import LETTERS, Trip, trip_of
from sidecritic.errors import ModelError
from sidecritic.forms import form_name
from sidecritic.ports import ModelFor
from sidecritic.trace import SUPERVISOR
from sidecritic.types import (
    Assistant,
    Completion,
    Fault,
    Message,
    Request,
    ToolCall,
    ToolResult,
    User,
)

Json = Mapping[str, Any]


# --- the user -----------------------------------------------------------------------------


class RuleBasedUser:
    """Fills in the four judgements by keywords; needs no key."""

    name = "rule-based (not comparable)"
    simulated = True

    async def complete(self, request: Request) -> Completion:
        """Return the judgement that the request asks for.

        Raises:
            ModelError: it asks for no such judgement.
        """
        rules = {"SearchRuling": _search, "UtteranceRuling": _utterance, "Reply": _reply}
        rule = rules.get(form_name(request))
        if rule is None:
            raise ModelError(f"model {self.name!r} only fills in UserBench's judgements")
        payload = cast("dict[str, Any]", json.loads(request.messages[-1].text))
        message = Assistant(text=json.dumps(rule(payload)))
        return Completion(message=message, finish="stop", model=self.name)


def _search(payload: Json) -> Json:
    text = payload["request"].lower()
    named = [aspect for aspect in LETTERS if _is_named(aspect, text)]
    aspects: Json = payload["aspects"]
    complete = [
        aspect
        for aspect in named
        if aspect in aspects and all(str(v).lower() in text for v in aspects[aspect].values())
    ]
    aligned = len(named) == 1 and named == complete
    aspect = named[0] if named else next(iter(aspects))
    return {"alignment_judgement": "True" if aligned else "False", "alignment_aspect": aspect}


def _utterance(payload: Json) -> Json:
    text = payload["utterance"].lower()
    if "?" not in text:
        return {"type": "1", "preference_id": None}
    named = [aspect for aspect in LETTERS if _is_named(aspect, text)]
    asked = [p for p in payload["preferences"] if p["aspect"] in named and _shared(p, text)]
    if asked:
        most = max(asked, key=lambda p: len(_shared(p, text)))
        return {"type": "2", "preference_id": most["id"]}
    return {"type": "3" if named else "4", "preference_id": None}


def _reply(payload: Json) -> Json:
    kind = payload["reply"]
    if kind == "neutral":
        return {"thought": "nothing was asked", "response": "All right."}
    about = f"About the {payload['aspect'].replace('_', ' ')}: " if kind == "volunteer" else ""
    return {"thought": kind, "response": f"{about}{payload['hint']}"}


def _is_named(aspect: str, text: str) -> bool:
    names = {"rental_car": ("rental car", "car rental")}
    return any(name in text for name in names.get(aspect, (aspect,)))


def _shared(preference: Json, text: str) -> set[str]:
    """Return the words of a preference that an utterance names, without short ones."""
    words = {word.strip(".,;") for word in preference["preference"].lower().split()}
    common = {"prefer", "least", "that", "with", "have", "booked", "below", "total", "than"}
    return {word for word in words - common if len(word) > 3 and word in text}


def rule_based_user() -> ModelFor:
    """Return the maker of one rule-based user an episode."""
    user = RuleBasedUser()
    return lambda task, seed: user


# --- the agent that knows the task --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TripStep:
    """One turn of the plan: what is right, and what the agent does instead on purpose."""

    choice: str
    content: str
    aspect: str
    wrong: tuple[str, str] | None = None
    fault: Fault | None = None


class SimulatedAgent:
    """Searches, asks for each preference, recommends; with seeded faults.

    It knows the task. Its faults are `uninformed_answer`, a recommendation before anything was
    asked, and `wrong_option`. A fault that feedback is given on is mended with probability
    `repair`. It keeps no state: what was executed is read from the request.
    """

    name = "simulated"
    simulated = True

    def __init__(self, trip: Trip, *, seed: int, rate: float = 0.35, repair: float = 0.9) -> None:
        self._trip = trip
        self._seed = f"{seed}/{trip.id}"
        self._repair = repair
        self._steps = tuple(self._plan(rate))

    async def complete(self, request: Request) -> Completion:
        """Return the next turn of the plan; never fails."""
        done, refusals = _executed(request.messages)
        step = self._next(done)
        if step is None:
            return _completion("action", "I have nothing to add.", len(request.messages))
        mended = any(
            Random(f"{self._seed}/mend/{len(done)}/{at}").random() < self._repair
            for at in range(refusals)
        )
        if step.wrong is None or mended:
            return _completion(step.choice, step.content, len(request.messages))
        return _completion(*step.wrong, len(request.messages), fault=step.fault)

    def _plan(self, rate: float) -> Iterator[TripStep]:
        for at, aspect in enumerate(self._trip.aspects):
            dice = Random(f"{self._seed}/plan/{at}")
            arguments = ", ".join(f"{k} {v}" for k, v in aspect.arguments.items())
            yield TripStep("search", f"Find a {aspect.called}: {arguments}", aspect.name)
            uninformed, erring = dice.random() < rate / 2, dice.random() < rate
            other = dice.choice([id_ for id_ in aspect.ids if id_ != aspect.best])
            for number, preference in enumerate(aspect.preferences):
                question = f"For the {aspect.called}, would you {preference.text}?"
                fault = Fault(kind="uninformed_answer", step=3 * at, note=aspect.called)
                early = ("answer", other) if uninformed and number == 0 else None
                yield TripStep("action", question, aspect.name, early, fault if early else None)
            wrong = ("answer", other) if erring else None
            note = f"{other} instead of {aspect.best}"
            fault = Fault(kind="wrong_option", step=3 * at + 1, note=note) if wrong else None
            yield TripStep("answer", aspect.best, aspect.name, wrong, fault)

    def _next(self, done: Sequence[tuple[str, str]]) -> TripStep | None:
        """Return the first step that was neither taken nor overtaken by an early answer."""
        taken = {content for choice, content in done if choice != "answer"}
        answered = {content[:1] for choice, content in done if choice == "answer"}
        for step in self._steps:
            over = LETTERS[step.aspect] in answered
            if not over and (step.choice == "answer" or step.content not in taken):
                return step
        return None


def simulated_agent(*, rate: float = 0.35, repair: float = 0.9) -> ModelFor:
    """Return the maker of one simulated agent an episode."""
    return lambda task, seed: SimulatedAgent(
        trip_of(task.id, task.data), seed=seed, rate=rate, repair=repair
    )


def _executed(messages: Sequence[Message]) -> tuple[list[tuple[str, str]], int]:
    """Return the interactions that took place, and how many drafts were refused since."""
    done: list[tuple[str, str]] = []
    refusals = 0
    pending: tuple[str, str] | None = None
    for message in messages:
        match message:
            case Assistant(calls=(first, *_)):
                arguments = first.arguments or {}
                pending = (str(arguments.get("choice")), str(arguments.get("content")))
            case Assistant():
                pending = None
            case ToolResult(text=text) | User(text=text):
                refused = text.startswith(SUPERVISOR)
                refusals = refusals + 1 if refused else 0
                if pending is not None and not refused:
                    done.append(pending)
                pending = None
            case _:
                pass
    return done, refusals


def _completion(
    choice: str, content: str, number: int, *, fault: Fault | None = None
) -> Completion:
    arguments = {"thought": "", "choice": choice, "content": content}
    call = ToolCall(
        id=f"call_{number}", name=TOOL.name, arguments={**arguments}, raw=json.dumps(arguments)
    )
    return Completion(
        message=Assistant(calls=(call,)),
        finish="tool_calls",
        model="simulated",
        faults=(fault,) if fault is not None else (),
    )
