"""One episode of UserBench: what a turn does, what the agent hears, what is recorded.

Only the feedback of a turn is an observation. Scenario, progress and rewards stay here until
the episode is graded.
"""

import json
import re

from pydantic import JsonValue

from sidecritic.envs.base import Frozen, failure
from sidecritic.envs.userbench.judge import Judge
from sidecritic.envs.userbench.rules import TripProgress, Turn
from sidecritic.envs.userbench.tasks import Trip
from sidecritic.errors import EnvError, boundary
from sidecritic.ports import Model, Snapshot
from sidecritic.types import (
    Assistant,
    Message,
    Observation,
    Outcome,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

TOOL = ToolSpec(
    name="interact_with_env",
    description="Search for options, talk to the user, or recommend an option.",
    parameters={
        "type": "object",
        "properties": {
            "thought": {"type": "string", "description": "Why you do it; nobody else reads it."},
            "choice": {
                "type": "string",
                "enum": ["action", "answer", "search"],
                "description": "search: look for options of one aspect; action: say something "
                "to the user; answer: recommend one option by its id.",
            },
            "content": {
                "type": "string",
                "description": "The search request, what you say, or the id alone.",
            },
        },
        "required": ["thought", "choice", "content"],
        "additionalProperties": False,
    },
    effect="write",
)

_POLICY = """\
You help a user plan a trip. What the user tells you first is incomplete: the user holds \
preferences about each aspect of the trip and lets them be known only when asked, and often \
indirectly.

- Everything you do is a call of interact_with_env, one in each turn, at most {turns} turns.
- search: request options of exactly one aspect (flight, hotel, apartment, rental car or \
restaurant), with all the details of that aspect that the user gave, such as places and dates.
- action: talk to the user. Ask about one particular preference of one aspect at a time, such as \
the class of a car or the length of a flight; broad questions get no answer.
- answer: recommend an option by its id, such as H12, and nothing else.
- Find out what the user prefers for an aspect before you answer for it, and recommend nothing \
for what the user did not ask for.
- {choices}
- Among the options that satisfy every preference, recommend the cheapest: the budget is \
limited."""
_ONE = "You have one recommendation for each aspect, and it is final."
_MANY = "You may recommend several options for an aspect, one at a time."

_BUDGET = (
    "My budget is limited, so please recommend the cheapest option among those that fit what I "
    "want."
)

_OUTAGE = "The search service is not available at the moment. Please try again."
_UNCLEAR = (
    "Your search could not be matched. Search for one aspect at a time, and give all the "
    "details of it that you know."
)
_NO_PREFERENCE = "I have no particular preference about that."
_VAGUE = "I am not sure what you mean. Could you ask about something more specific?"
_FORMAT = (
    "This could not be read. Use the choice search, action or answer, and put the request, the "
    "utterance or the id into content."
)
_NOT_RUN = "Not executed: one call in each turn."

_INTERACTION = re.compile(r"\[(search|action|answer)\](.*)", re.DOTALL)
_FINISH = re.compile(r"\[finish\]", re.IGNORECASE)
_SHORT = 300


class UserBenchEpisode:
    """One episode; single use."""

    tools = (TOOL,)

    def __init__(self, trip: Trip, user: Model, progress: TripProgress) -> None:
        self._trip = trip
        self._user = user
        self._progress = progress
        self._history: list[dict[str, str]] = []
        """What was searched and said, for the judge; neither opening nor answers."""

    @property
    def policy(self) -> str:
        rules = self._progress.rules
        return _POLICY.format(turns=rules.max_turns, choices=_ONE if rules.one_choice else _MANY)

    @property
    def system(self) -> str:
        """The actor's whole system prompt: UserBench has no customer-service preamble."""
        return self.policy

    async def start(self) -> Observation:
        return Observation(messages=(User(text=f"{self._trip.opening} {_BUDGET}"),))

    async def step(self, action: Assistant) -> Observation:
        """Take one turn; of several calls the first is made.

        Raises:
            UserError: the simulated user gave no usable judgement.
            EnvError: the episode is over.
        """
        if self._progress.ended():
            raise EnvError("the episode is over; start another one")
        judge = Judge(self._user)
        with boundary(EnvError, "taking a turn"):
            turn = await self._turn(_words(action), action, judge)
        self._progress.turns.append(turn)
        return Observation(
            messages=_answers(action, turn),
            done=bool(self._progress.ended()),
            usage=judge.usage,
            seconds=judge.seconds,
        )

    async def outcome(self) -> Outcome:
        progress = self._progress
        values = progress.values()
        score = sum(values.values()) / len(values)
        # The benchmark knows no success; ours is the best option for every aspect.
        return Outcome(
            reward=score, passed=score == 1.0, parts=values, native=_native(self._trip, progress)
        )

    def snapshot(self) -> Snapshot:
        return Frozen(self._copy()._copy, lambda budget: _NothingToSee())

    async def close(self) -> None:
        """Nothing to release."""

    def _copy(self, user: Model | None = None) -> "UserBenchEpisode":
        twin = UserBenchEpisode(self._trip, user or self._user, self._progress.copy())
        twin._history = [*self._history]
        return twin

    # --- turns ------------------------------------------------------------------------------

    async def _turn(self, words: str, action: Assistant, judge: Judge) -> Turn:
        usable = [c for c in action.calls[:1] if c.name == TOOL.name and c.arguments is not None]
        if self._progress.rules.talk_ends and not usable:
            self._progress.finished = True
            return Turn("other", 0.0, _FORMAT, "no usable call")
        if _FINISH.match(words):
            self._progress.finished = True
            return Turn("finish", 0.0, "Goodbye.")
        found = _INTERACTION.fullmatch(words)
        content = found[2].strip() if found else ""
        if found is None or not content:
            return Turn("other", 0.0, _FORMAT, "format")
        if found[1] == "answer":
            return self._progress.answer(content)
        if found[1] == "search":
            turn = await self._searched(content, judge)
            shown = turn.feedback[:_SHORT] + ("..." if len(turn.feedback) > _SHORT else "")
            self._history.append({"search": content, "result": shown})
        else:
            turn = await self._said(content, judge)
            self._history.append({"assistant": content, "user": turn.feedback, "note": turn.note})
        return turn

    async def _searched(self, request: str, judge: Judge) -> Turn:
        if not self._progress.begin_search():
            return Turn("search", 0.0, _OUTAGE, "simulated outage")
        ruling = await judge.search(request, self._trip.aspects)
        if ruling.alignment_judgement != "True":
            return Turn("search", 0.0, _UNCLEAR, "not aligned")
        name = ruling.alignment_aspect.strip().lower().replace(" ", "_")
        name = "rental_car" if name == "car_rental" else name
        aspect = next((each for each in self._trip.aspects if each.name == name), None)
        if aspect is None:
            return Turn("search", 0.0, _OUTAGE, f"unknown aspect {ruling.alignment_aspect!r}")
        if not self._progress.find(aspect):
            return Turn("search", 0.0, f"You have the {aspect.called} options already.", "again")
        options = self._progress.options(aspect)
        lines = (json.dumps(option, ensure_ascii=False) for option in options)
        listing = "\n".join((f"Options for the {aspect.called}, one a line:", *lines))
        return Turn("search", 0.2, listing, "found")

    async def _said(self, text: str, judge: Judge) -> Turn:
        progress, history = self._progress, self._history
        ruling = await judge.utterance(
            text, scenario=self._trip.scenario, history=history, left=progress.left
        )
        if ruling.type == "2" and ruling.preference_id is not None:
            asked = progress.elicit(ruling.preference_id)
            reply = await judge.reply("preference", text, history=history, preference=asked)
            return Turn("action", 0.2, reply, f"active: {asked.id}")
        if progress.volunteers():
            told = progress.volunteer()
            if told is None:
                return Turn("action", 0.0, _VAGUE, "passive: nothing said")
            reply = await judge.reply("volunteer", text, history=history, preference=told)
            return Turn("action", 0.0, reply, f"passive: {told.id}")
        progress.idle += 1
        if ruling.type in ("3", "4"):
            fixed = _NO_PREFERENCE if ruling.type == "3" else _VAGUE
            return Turn("action", 0.0, fixed, f"type {ruling.type}")
        return Turn("action", 0.0, await judge.reply("neutral", text, history=history), "type 1")


def _words(action: Assistant) -> str:
    """Return a turn as the environment reads it, such as `[search] ...`."""
    if not action.calls:
        return f"[action] {action.text}"
    arguments = action.calls[0].arguments or {}
    choice, content = arguments.get("choice"), arguments.get("content")
    if not isinstance(choice, str) or not isinstance(content, str):
        return ""
    prefix = f"[{choice}]"
    return (content if content.startswith(prefix) else f"{prefix} {content}").strip()


def _answers(action: Assistant, turn: Turn) -> tuple[Message, ...]:
    if not action.calls:
        return (User(text=turn.feedback),)
    return tuple(
        ToolResult(
            call_id=call.id,
            name=call.name,
            text=turn.feedback if at == 0 else _NOT_RUN,
            is_error=at > 0 or turn.kind == "other",
        )
        for at, call in enumerate(action.calls)
    )


def _native(trip: Trip, progress: TripProgress) -> dict[str, JsonValue]:
    """Return what the metrics are computed from."""
    turns: list[JsonValue] = [
        {"kind": turn.kind, "reward": turn.reward, "note": turn.note} for turn in progress.turns
    ]
    gold: dict[str, JsonValue] = {
        aspect.name: {"best": aspect.best, "correct": [*sorted(aspect.correct)]}
        for aspect in trip.aspects
    }
    return {
        "benchmark": "userbench",
        "rules": progress.rules.name,
        "one_choice": progress.rules.one_choice,
        "termination": progress.ended() or "stopped",
        "gold": gold,
        "answers": [*progress.chosen],
        "turns": turns,
        "active": progress.active,
        "passive": progress.passive,
        "preferences": trip.preferences_by_id,
    }


class _NothingToSee:
    async def call(self, name: str, arguments: dict[str, JsonValue]) -> ToolResult:
        call = ToolCall(id="look", name=name, arguments=arguments, raw="")
        return failure(call, "there is nothing here that can be looked up without an effect")
