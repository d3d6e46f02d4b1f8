"""What a proposal says, read once: who said what, what was executed, what the tools returned.

Refused drafts of the current turn are in the history too, so that a critic can see them, but
they are neither words that the user heard nor calls that ran: they leave no trace here.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeVar, cast

from pydantic import JsonValue

from sidecritic.english.acts import affirms, asks_consent
from sidecritic.english.lexicon import Synonyms
from sidecritic.english.listings import Listed, ids_in, labelled, words_of
from sidecritic.english.text import mentions, sentences, typed
from sidecritic.handover import hand_overs
from sidecritic.trace import SUPERVISOR
from sidecritic.types import Assistant, Message, Proposal, ToolCall, ToolResult, User
from sidecritic.values import JsonObject

Records = Mapping[str, Mapping[str, JsonObject]]
_Made = TypeVar("_Made")


@dataclass(frozen=True)
class Line:
    """Something that one side said to the other."""

    position: int
    """Index in the history."""
    who: Literal["user", "agent"]
    text: str
    lower: str

    @cached_property
    def listed(self) -> Listed:
        """The `label: value` lines, labels as words."""
        return labelled(self.text)

    @cached_property
    def ids(self) -> frozenset[str]:
        """The words that look like ids, in lower case."""
        return ids_in(self.lower)


@dataclass(frozen=True)
class Exchange:
    """A message of the agent, and the user's answer to it."""

    question: Line
    answer: Line

    @cached_property
    def agreed(self) -> bool:
        """Whether the agent asked for agreement and the user gave it."""
        return affirms(self.answer.lower) and asks_consent(self.question.lower)


@dataclass(frozen=True, slots=True)
class Done:
    """A call that was executed, and what it returned."""

    position: int
    call: ToolCall
    text: str
    value: JsonValue
    """The result as JSON; the text itself where it is none."""
    is_error: bool
    writes: bool

    @property
    def arguments(self) -> JsonObject:
        return self.call.arguments or {}


@dataclass(frozen=True)
class Facts:
    """The conversation up to the proposed action, and the action itself."""

    draft: str
    """The proposed words; empty beside a call that may write or hands over."""
    proposed: tuple[ToolCall, ...]
    lines: tuple[Line, ...]
    done: tuple[Done, ...]
    tools: tuple[str, ...]
    """Names of the tools that the actor has."""
    reads: frozenset[str]
    """Names of the tools that change nothing; hand-overs are among them."""
    hand_overs: frozenset[str] = frozenset()
    """Names of the tools that give the conversation to a person."""
    refused: tuple[ToolCall, ...] = ()
    """Calls of this turn that the supervisor sent back."""
    looked: tuple[Done, ...] = ()
    """What the critic looked up by itself: true now, and seen by neither user nor agent."""
    policy: str = ""
    """The rules of this run; empty when they are not known."""
    synonyms: Synonyms = ()
    """What users call the things in the names of tools and records."""

    @classmethod
    def of(
        cls,
        proposal: Proposal,
        *,
        harmless: frozenset[str] = frozenset(),
        hand_overs: frozenset[str] = frozenset(),
        synonyms: Synonyms = (),
    ) -> "Facts":
        """Read a proposal; `harmless` names tools that change no record.

        Without `hand_overs`, names and descriptions tell which tools hand over to a person.
        """
        history = proposal.history
        handing = hand_overs or _hand_overs(proposal)
        declared = {tool.name for tool in proposal.tools if tool.effect == "read"}
        reads = declared | harmless | handing
        returned = any(isinstance(message, ToolResult) for message in history)
        is_spoken = {call.name for call in proposal.action.calls} <= declared - handing
        return cls(
            draft=typed(proposal.action.text) if is_spoken else "",
            proposed=proposal.action.calls,
            lines=tuple(_lines(history)),
            done=tuple(_done(history, reads)) if returned else (),
            tools=tuple(tool.name for tool in proposal.tools),
            reads=frozenset(reads),
            hand_overs=handing,
            refused=tuple(_refused_calls(history)) if returned else (),
            policy=proposal.policy,
            synonyms=synonyms,
        )

    def may_write(self, tool: str) -> bool:
        return tool not in self.reads

    def once(self, make: "Callable[[Facts], _Made]") -> _Made:
        """Return what `make` makes of these facts: made once, and shared by all checks."""
        shared = self._shared
        if make not in shared:
            shared[make] = make(self)
        return cast(_Made, shared[make])

    @cached_property
    def _shared(self) -> dict[object, object]:
        return {}

    @cached_property
    def records(self) -> Records:
        """The latest state of every record that a tool returned, by kind and id.

        The kind is the name of a record's first key that ends in `_id`; where the record does
        not carry its own id, name and id are taken from the call's arguments.
        """
        return _records(self.done)

    @cached_property
    def known(self) -> Records:
        """The same with what the critic looked up: what is true, not what anybody was shown."""
        return _records((*self.done, *self.looked)) if self.looked else self.records

    @cached_property
    def writes(self) -> tuple[Done, ...]:
        """Executed calls that changed something."""
        return tuple(done for done in self.done if done.writes and not done.is_error)

    @cached_property
    def targets(self) -> frozenset[str]:
        """Ids of the records that were looked up or changed, in lower case."""
        return frozenset(i.lower() for kind in self.records.values() for i in kind)

    @cached_property
    def user_lines(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.who == "user")

    @cached_property
    def agent_lines(self) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.who == "agent")

    @cached_property
    def answer(self) -> Line | None:
        """What the user said last."""
        return self.user_lines[-1] if self.user_lines else None

    @cached_property
    def announcement(self) -> Line | None:
        """What the agent said before the user's last words."""
        if self.answer is None:
            return None
        before = [line for line in self.agent_lines if line.position < self.answer.position]
        return before[-1] if before else None

    @cached_property
    def exchanges(self) -> tuple[Exchange, ...]:
        """Each agent message with the user's answer to it, in order."""
        return tuple(
            Exchange(first, second)
            for first, second in pairwise(self.lines)
            if first.who == "agent" and second.who == "user"
        )

    @cached_property
    def titles(self) -> dict[str, str]:
        """The writing tools by their names in words, as a listing is headed."""
        return {f"{words_of(tool)}.\n": tool for tool in self.tools if self.may_write(tool)}

    @cached_property
    def wishes(self) -> tuple[str, ...]:
        """The user's sentences, in lower case."""
        return tuple(s for line in self.user_lines for s in sentences(line.lower))

    @cached_property
    def said(self) -> str:
        """Everything the user said, in lower case."""
        return "\n".join(line.lower for line in self.user_lines)

    def is_users(self, identity: str) -> bool:
        """Whether the user named an id, and not only after the agent did."""
        needle = identity.lower().lstrip("#")
        heard = (line for line in self.lines if needle and mentions(line.lower, needle))
        first = next(heard, None)
        return first is not None and first.who == "user"

    @cached_property
    def told(self) -> str:
        """Everything the agent told the user, in lower case."""
        return "\n".join(line.lower for line in self.agent_lines)

    @cached_property
    def shown(self) -> str:
        """Everything that the tools returned, in lower case."""
        return "\n".join(done.text for done in self.done).lower()


def _hand_overs(proposal: Proposal) -> frozenset[str]:
    executed = (m.name for m in proposal.history if isinstance(m, ToolResult))
    return hand_overs(proposal.tools, (*(c.name for c in proposal.action.calls), *executed))


def _lines(history: Sequence[Message]) -> Iterator[Line]:
    for position, message in enumerate(history):
        match message:
            case User(text=text) if text.strip() and not text.startswith(SUPERVISOR):
                yield _line(position, "user", text)
            case Assistant(text=text, calls=()) if text and not _refused(history, position):
                yield _line(position, "agent", text)
            case _:
                pass


def _line(position: int, who: Literal["user", "agent"], text: str) -> Line:
    plain = typed(text)
    return Line(position, who, plain, plain.lower())


def _refused(history: Sequence[Message], position: int) -> bool:
    """Whether the message at `position` was sent back by the supervisor."""
    if position + 1 >= len(history):
        return False
    after = history[position + 1]
    return isinstance(after, User) and after.text.startswith(SUPERVISOR)


def _refused_calls(history: Sequence[Message]) -> Iterator[ToolCall]:
    calls: dict[str, ToolCall] = {}
    for message in history:
        match message:
            case Assistant(calls=made):
                calls.update((call.id, call) for call in made)
            case ToolResult(text=text) if text.startswith(SUPERVISOR) and message.call_id in calls:
                yield calls[message.call_id]
            case _:
                pass


def _done(history: Sequence[Message], reads: set[str]) -> Iterator[Done]:
    calls: dict[str, ToolCall] = {}
    for position, message in enumerate(history):
        match message:
            case Assistant(calls=made):
                calls.update((call.id, call) for call in made)
            case ToolResult(text=text) if not text.startswith(SUPERVISOR):
                call = calls.get(message.call_id)
                if call is not None:
                    value = parsed(text)
                    writes = call.name not in reads
                    yield Done(position, call, text, value, message.is_error, writes)
            case _:
                pass


def _records(results: Iterable[Done]) -> Records:
    found: dict[str, dict[str, JsonObject]] = {}
    for done in results:
        if isinstance(done.value, dict) and not done.is_error:
            kind, identity = _identity(done.value) or _identity(done.arguments) or ("", "")
            found.setdefault(kind, {})[identity] = done.value
    return found


def parsed(text: str) -> JsonValue:
    """Return a tool's result as JSON; the text itself where it is none."""
    if text[:1] not in ("{", "["):
        return text
    try:
        return cast(JsonValue, json.loads(text))
    except ValueError:
        return text


def _identity(record: Mapping[str, JsonValue]) -> tuple[str, str] | None:
    for key, value in record.items():
        if key.endswith("_id") and isinstance(value, str):
            return key, value
    return None
