"""A scripted user: plays a task's scenario and reference outcome, and needs no key.

It sees the conversation from the user's side: the agent's words are `User` messages and its own
are `Assistant` messages. It keeps no state; what it has agreed to is read from the conversation.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal

from sidecritic.english.listings import words_of
from sidecritic.ports import ModelFor
from sidecritic.simulation.prose import (
    contradictions,
    first_person,
    identifiers,
    is_about,
    listing,
    wish,
)
from sidecritic.simulation.task_record import (
    Action,
    is_write,
    prior_words,
    reference_of,
    required,
    scenario_of,
)
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Request,
    Task,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

OnWrongPlan = Literal["confirm", "refuse", "correct"]
"""What the user does about a plan that it can tell is wrong."""

STOP = "###STOP###"
TRANSFER = "###TRANSFER###"

YES = "Yes, please go ahead."
NO = "No, please don't do that; it is not what I want."
GO_ON = "I understand. Then please go on with the rest of my request."
THANKS = "Okay, thank you. Please go on."
FAREWELL = f"No, that is all. Thank you! {STOP}"

PATIENCE = 3
"""Turns of the agent in a row that bring nothing new, after which the user gives up."""

_TRANSFERRED = re.compile(
    r"\btransferr?(ed|ing)\b.*\b(human|agent|person|supervisor)\b", re.I | re.S
)
_ASKS_CONSENT = re.compile(
    r"\b(shall i|should i (?!know|be aware)|go ahead|proceed|(do|can|could) you confirm"
    r"|please confirm|(would you like|do you want) me to"
    r"|is (this|that|everything) (correct|right|okay)|yes or no|\(yes/no\))",
    re.I,
)
_ASKS_IDENTITY = re.compile(
    r"\b(your|full|first|last) (\w+ ){0,2}(name|e-?mail|zip|user id|phone|identity)\b"
    r"|\b(verify|authenticate|identify)\b.*\byou",
    re.I | re.S,
)
_CLOSES = re.compile(r"\banything else\b|\bany(thing)? further\b|\bgood ?bye\b|\btake care\b", re.I)
_DENIES = re.compile(
    r"\b(can ?not|can't|unable|not (able|possible|eligible|allowed|permitted)|won't be able)\b",
    re.I,
)


class ScriptedUser:
    """A user that follows the task's scenario and checks plans against its reference.

    A plan that names values is compared with the reference writes. When it fits one, or
    when nothing in it can be checked, or when the scenario itself asks for it, the user
    agrees. Otherwise it notices with probability `attention`, the same for the same plan,
    and then does what `on_wrong_plan` says.
    """

    name = "scripted"
    simulated = True

    def __init__(
        self,
        task: Task,
        *,
        tools: Sequence[ToolSpec] = (),
        on_wrong_plan: OnWrongPlan = "confirm",
        attention: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Prepare the user of `task`.

        Args:
            task: Holds the scenario and the reference.
            tools: The agent's tools, by which the user recognises what it never asked for.
            on_wrong_plan: What to do about a plan that it can tell is wrong.
            attention: Probability of noticing that a plan is wrong.
            seed: Seed of that choice.
        """
        self._scenario = scenario_of(task)
        actions = reference_of(task).actions
        self._writes = [a for a in actions if not a.by_user and is_write(a.name, tools)]
        self._own = [a for a in actions if a.by_user]
        self._tools = [t for t in tools if is_write(t.name, tools)]
        self._on_wrong_plan: OnWrongPlan = on_wrong_plan
        self._attention = attention
        self._seed = f"{seed}/{task.id}"
        self._prior = prior_words(task, "user")

    async def complete(self, request: Request) -> Completion:
        """Return what the user says or does next; never fails."""
        table = _Table.of(request.messages)
        call = self._next_call(table, request.tools)
        if call is not None:
            called = Assistant(calls=(call,))
            return Completion(message=called, finish="tool_calls", model=self.name)
        return Completion(
            message=Assistant(text=self._words(table)), finish="stop", model=self.name
        )

    def _words(self, table: "_Table") -> str:
        if len(table.own) <= self._prior:
            reason = self._scenario.reason or self._scenario.text or "You need help."
            return f"Hi! {first_person(reason)}"
        if table.reports:
            return "I have done that. This is what I see:\n" + "\n".join(table.reports)
        text = table.heard
        if _TRANSFERRED.search(text):
            return f"Thank you. {TRANSFER}"
        answer = self._answer(text, table)
        idle = [*table.own[-PATIENCE:], answer]
        if len(idle) > PATIENCE and all(said in (GO_ON, THANKS) for said in idle):
            return f"I have to leave it at that. {STOP}"
        return answer

    def _answer(self, text: str, table: "_Table") -> str:
        closing = _CLOSES.search(text)
        if _ASKS_CONSENT.search(text) and not closing:
            return self._verdict(text, table)
        if _DENIES.search(text) and self._open(table):
            return GO_ON
        if closing:
            return FAREWELL
        if _ASKS_IDENTITY.search(text):
            return self._identity(table)
        if "?" in text or re.search(r"\bplease (tell|provide|share|let me know)\b", text, re.I):
            return self._details(text, table)
        return GO_ON if _DENIES.search(text) else THANKS

    # --- consent --------------------------------------------------------------------------

    def _verdict(self, text: str, table: "_Table") -> str:
        if self._fitting(text) is not None or not self._is_wrong(text):
            return YES
        noticed = Random(f"{self._seed}/{' '.join(text.split())}").random() < self._attention
        if not noticed or self._on_wrong_plan == "confirm":
            return YES
        meant = self._meant(text, table)
        if self._on_wrong_plan == "refuse" or meant is None:
            return NO
        return f"No, that is not right. {wish(meant.name, meant.arguments)}"

    def _fitting(self, text: str) -> Action | None:
        """Return the reference write that a plan carries out."""
        about = [w for w in self._writes if is_about(text, w.name)]
        return next((w for w in about if not contradictions(text, w.arguments)), None)

    def _is_wrong(self, text: str) -> bool:
        """Whether a plan that fits no reference write is one the user cannot have asked for."""
        if any(is_about(text, write.name) for write in self._writes):
            return True
        foreign = [tool.name for tool in self._tools if words_of(tool.name) in text.lower()]
        if self._asked_for(text):
            return False
        if foreign:
            return True
        return bool(self._writes) and all(contradictions(text, w.arguments) for w in self._writes)

    def _asked_for(self, text: str) -> bool:
        """Whether the scenario itself names all that the plan names, whatever the rules say."""
        wanted = self._scenario.text
        own = {token for token in identifiers(text) if token.strip("#") in wanted}
        verbs = {
            words_of(tool.name).split()[0] for tool in self._tools if is_about(text, tool.name)
        }
        return bool(own) and (not verbs or any(verb in wanted.lower() for verb in verbs))

    def _meant(self, text: str, table: "_Table") -> Action | None:
        """Return the reference write that a wrong plan comes closest to."""
        about = [w for w in self._writes if is_about(text, w.name)]
        still = [w for w in about if w in self._open(table)] or about
        return min(still, key=lambda w: len(contradictions(text, w.arguments)), default=None)

    def _open(self, table: "_Table") -> list[Action]:
        """Return the reference writes that the user has not agreed to yet."""
        agreed = [self._fitting(heard) for heard, said in table.turns if said == YES]
        return [write for write in self._writes if write not in agreed]

    # --- information ----------------------------------------------------------------------

    def _identity(self, table: "_Table") -> str:
        known, unknown = self._scenario.known, self._scenario.unknown
        first = first_person(known or self._scenario.reason)
        if first not in table.own:
            return first
        again = f"{first} {first_person(unknown)}".strip()
        return again if again not in table.own else THANKS

    def _details(self, text: str, table: "_Table") -> str:
        """Answer a question: with the values it names, else with what has not been said yet."""
        writes = self._open(table)
        named = {
            name: value
            for write in writes[:1]
            for name, value in write.arguments.items()
            if re.sub(r" ids?$", "", words_of(name)) in text.lower()
        }
        candidates = [
            listing(named),
            first_person(self._scenario.instructions),
            *(wish(write.name, write.arguments) for write in writes),
        ]
        return next((said for said in candidates if said and said not in table.own), THANKS)

    # --- the user's own tools -------------------------------------------------------------

    def _next_call(self, table: "_Table", tools: Sequence[ToolSpec]) -> ToolCall | None:
        """Return the next thing that the user does with its own device, as it was told to."""
        if not tools or len(table.own) <= self._prior:
            return None
        left = list(self._own)
        for action in table.done:
            if action in left:
                left.remove(action)
        left = [action for action in left if action not in table.now]
        wanted = _instructed(table.heard, left)
        if not wanted and not table.reports and not _ASKS_CONSENT.search(table.heard):
            wanted = _checks(table.heard, tools)
        if not wanted:
            return None
        id, arguments = f"user_{len(table.done)}", dict(wanted[0].arguments)
        return ToolCall(id=id, name=wanted[0].name, arguments=arguments, raw="")


def scripted_user(
    tools: Sequence[ToolSpec] = (),
    *,
    on_wrong_plan: OnWrongPlan = "confirm",
) -> ModelFor:
    """Return the maker of one scripted user an episode."""
    return lambda task, seed: ScriptedUser(
        task, tools=tools, on_wrong_plan=on_wrong_plan, seed=seed
    )


# --- the conversation, from the user's side -------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Table:
    heard: str
    """What the agent said last."""
    own: tuple[str, ...]
    """The user's own words, in order."""
    turns: tuple[tuple[str, str], ...]
    """What the agent said, and what the user answered."""
    done: tuple[Action, ...]
    """The user's own calls."""
    now: tuple[Action, ...]
    """Those that it made since the agent's last words."""
    reports: tuple[str, ...]
    """What these returned."""

    @classmethod
    def of(cls, messages: Sequence[Message]) -> "_Table":
        heard, own, turns = "", list[str](), list[tuple[str, str]]()
        done, now, reports = list[Action](), list[Action](), list[str]()
        for message in messages:
            match message:
                case User(text=heard):
                    now.clear()
                    reports.clear()
                case Assistant(calls=(), text=said):
                    own.append(said)
                    turns.append((heard, said))
                case Assistant(calls=calls):
                    now.extend(Action(c.name, c.arguments or {}, by_user=True) for c in calls)
                    done.extend(now[-len(calls) :])
                case ToolResult(name=name, text=shown):
                    reports.append(f"- {words_of(name)}: {shown}")
                case _:
                    pass
        return cls(heard, tuple(own), tuple(turns), tuple(done), tuple(now), tuple(reports))


_VERBS = re.compile(
    r"\b(toggle|set|reset|check|run|can|grant|reseat|reboot|make|connect|disconnect) "
)


def _content(name: str) -> str:
    """Return what a tool is about, not what it does: `toggle_airplane_mode` -> airplane mode."""
    return _VERBS.sub("", words_of(name))


def _instructed(text: str, actions: Sequence[Action]) -> list[Action]:
    """Return the actions that a text tells the user to take, in their order."""
    lowered = text.lower()
    exact = [a for a in actions if words_of(a.name) in lowered]
    loosely = not _ASKS_CONSENT.search(text)
    found = exact or [a for a in actions if loosely and _content(a.name) in lowered]
    most = max((len(_content(a.name)) for a in found), default=0)
    found = [a for a in found if len(_content(a.name)) == most]
    valued = [a for a in found if all(str(v).lower() in lowered for v in a.arguments.values())]
    return valued or ([] if exact and any(a.arguments for a in exact) else found)


def _checks(text: str, tools: Sequence[ToolSpec]) -> list[Action]:
    """Return the look-ups on the user's device that a text asks for."""
    lowered = text.lower()
    reads = (tool for tool in tools if tool.effect == "read" and not required(tool))
    return [Action(t.name, {}, by_user=True) for t in reads if _content(t.name) in lowered][:1]
