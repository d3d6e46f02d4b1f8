"""What a proposal says, read once: who said what, what was executed, what the tools returned.

Refused drafts of the current turn are in the history too, so that a critic can see them, but
they are neither words that the user heard nor calls that ran: they leave no trace here.

How much is read is bounded, so that no text can hold a verdict up: a long message is cut in its
middle, and so is a long talk. What is left out stands in `notes`.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Literal, TypeVar, TypeVarTuple, cast

from pydantic import JsonValue
from pydantic_core import from_json

from sidecritic.checks.record_index import Records, records_of
from sidecritic.english.acts import affirms, asks_consent
from sidecritic.english.lexicon import Synonyms
from sidecritic.english.listings import Listed, ids_in, labelled, words_of
from sidecritic.english.text import mentions, sentences, typed
from sidecritic.handover import hand_overs
from sidecritic.trace import SUPERVISOR
from sidecritic.types import Assistant, Message, Proposal, ToolCall, ToolResult, ToolSpec, User
from sidecritic.values import JsonObject

MOST_CHARACTERS = 20_000
"""Of a message, a draft or an argument that is read; of a result, ten times as many."""
MOST_MESSAGES = 500
"""Of a talk; a fifth of them from its begin."""
MOST_LEVELS = 40
"""Of lists and records in each other that a result may have to be read as JSON."""

_Made = TypeVar("_Made")
_Of = TypeVarTuple("_Of")


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
    context: str = ""
    """What the agent was told of this session, such as who is signed in."""
    specs: tuple[ToolSpec, ...] = ()
    """The tools that the actor has, with their schemas."""
    notes: tuple[tuple[str, str], ...] = ()
    """What was not read, and what failed: a name, and what of it."""

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
        action = proposal.action
        history, left_out = _bounded(proposal.history, action)
        handing = hand_overs or _hand_overs(proposal)
        declared = {tool.name for tool in proposal.tools if tool.effect == "read"}
        reads = declared | harmless | handing
        returned = any(isinstance(message, ToolResult) for _, message in history)
        is_spoken = {call.name for call in action.calls} <= declared - handing
        return cls(
            draft=typed(cut(action.text)) if is_spoken else "",
            proposed=tuple(map(_readable, action.calls)),
            lines=tuple(_lines(history)),
            done=tuple(_done(history, reads)) if returned else (),
            tools=tuple(tool.name for tool in proposal.tools),
            reads=frozenset(reads),
            hand_overs=handing,
            refused=tuple(_refused_calls(history)) if returned else (),
            policy=proposal.policy,
            synonyms=synonyms,
            context=proposal.context,
            specs=proposal.tools,
            notes=(("not read in full", left_out),) if left_out else (),
        )

    def may_write(self, tool: str) -> bool:
        return tool not in self.reads

    def once(self, make: "Callable[[Facts, *_Of], _Made]", *of: *_Of) -> _Made:
        """Return what `make` makes of these facts: made once, and shared by all checks."""
        shared = self._shared
        if (make, of) not in shared:
            shared[make, of] = make(self, *of)
        return cast(_Made, shared[make, of])

    @cached_property
    def _shared(self) -> dict[object, object]:
        return {}

    @cached_property
    def records(self) -> Records:
        """The latest state of every record that a tool returned, by kind and id.

        The kind is the name of the first field that holds an id.
        """
        return records_of(self.done)

    @cached_property
    def known(self) -> Records:
        """The same with what the critic looked up: what is true, not what anybody was shown."""
        return records_of((*self.done, *self.looked)) if self.looked else self.records

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


def size_of(proposal: Proposal) -> int:
    """Return how many characters a proposal has, policy and tools left out."""
    said = sum(len(message.text) for message in (*proposal.history, proposal.action))
    return said + sum(len(call.raw) for call in proposal.action.calls)


def cut(text: str, most: int = MOST_CHARACTERS) -> str:
    """Return a text without its middle where it is too long."""
    return text if len(text) <= most else f"{text[: most // 2]}\n{text[-(most // 2) :]}"


_Numbered = Sequence[tuple[int, Message]]
"""Messages with their positions in the history."""


def _bounded(history: Sequence[Message], action: Assistant) -> tuple[_Numbered, str]:
    """Return the messages that are read, and what is left out, in words."""
    numbered, first = list(enumerate(history)), MOST_MESSAGES // 5
    read = numbered
    if len(numbered) > MOST_MESSAGES:
        read = [*numbered[:first], *numbered[first - MOST_MESSAGES :]]
    long = [str(position) for position, message in read if len(message.text) > _most(message)]
    long += ["the draft"] if len(action.text) > MOST_CHARACTERS else []
    long += [call.name for call in action.calls if len(call.raw) > MOST_CHARACTERS]
    left_out = len(numbered) - len(read)
    parts = [f"{left_out} messages left out"] if left_out else []
    parts += [f"cut: {', '.join(long[:20])}"] if long else []
    return read, "; ".join(parts)


def _most(message: Message) -> int:
    return MOST_CHARACTERS * (10 if isinstance(message, ToolResult) else 1)


def _readable(call: ToolCall) -> ToolCall:
    """Return a call with arguments that can be read in bounded time."""
    if len(call.raw) <= MOST_CHARACTERS or call.arguments is None:
        return call
    arguments = {key: _short(value) for key, value in call.arguments.items()}
    return call.model_copy(update={"arguments": arguments})


def _short(value: JsonValue) -> JsonValue:
    match value:
        case str():
            return cut(value)
        case list():
            return [_short(part) for part in value[:MOST_MESSAGES]]
        case dict():
            return {key: _short(part) for key, part in value.items()}
        case _:
            return value


def _hand_overs(proposal: Proposal) -> frozenset[str]:
    executed = (m.name for m in proposal.history if isinstance(m, ToolResult))
    return hand_overs(proposal.tools, (*(c.name for c in proposal.action.calls), *executed))


def _lines(history: _Numbered) -> Iterator[Line]:
    following = (message for _, message in (*history[1:], (0, None)))
    for (position, message), after in zip(history, following, strict=False):
        match message:
            case User(text=text) if text.strip() and not text.startswith(SUPERVISOR):
                yield _line(position, "user", text)
            case Assistant(text=text, calls=()) if text and not _refuses(after):
                yield _line(position, "agent", text)
            case _:
                pass


def _line(position: int, who: Literal["user", "agent"], text: str) -> Line:
    plain = typed(cut(text))
    return Line(position, who, plain, plain.lower())


def _refuses(after: Message | None) -> bool:
    """Whether a message says that the supervisor sent the one before it back."""
    return isinstance(after, User) and after.text.startswith(SUPERVISOR)


def _refused_calls(history: _Numbered) -> Iterator[ToolCall]:
    calls: dict[str, ToolCall] = {}
    for _, message in history:
        match message:
            case Assistant(calls=made):
                calls.update((call.id, call) for call in made)
            case ToolResult(text=text) if text.startswith(SUPERVISOR) and message.call_id in calls:
                yield calls[message.call_id]
            case _:
                pass


def _done(history: _Numbered, reads: Collection[str]) -> Iterator[Done]:
    calls: dict[str, ToolCall] = {}
    for position, message in history:
        match message:
            case Assistant(calls=made):
                calls.update((call.id, _readable(call)) for call in made)
            case ToolResult(text=text) if not text.startswith(SUPERVISOR):
                call = calls.get(message.call_id)
                if call is not None:
                    value, shown = parsed(text), cut(text, 10 * MOST_CHARACTERS)
                    writes = call.name not in reads
                    yield Done(position, call, shown, value, message.is_error, writes)
            case _:
                pass


def parsed(text: str) -> JsonValue:
    """Return a tool's result as JSON; the text itself where it is none, or too long or deep."""
    if len(text) > 10 * MOST_CHARACTERS:
        return cut(text, 10 * MOST_CHARACTERS)
    if text[:1] not in ("{", "["):
        return text
    try:
        value: JsonValue = from_json(text)
    except ValueError:
        return text
    return value if _is_flat(value) else text


def _is_flat(value: JsonValue, levels: int = MOST_LEVELS) -> bool:
    """Whether a value has no more levels than that; walks as far, and no deeper."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_is_flat(part, levels - 1) for part in parts)
