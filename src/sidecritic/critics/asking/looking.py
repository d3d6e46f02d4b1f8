"""What a critic may still want to know: look-ups that were not made, and an end to them.

Told from the trajectory alone, so that a critic without memory cannot send an agent round in
circles. Since the last write that was executed, the same look-up counts once, and each tool at
most `MOST_OF_ONE_TOOL` times; beyond that the third answer is not offered, and the proposal is
judged by what is known.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from sidecritic.critics.answers import WantedLookup, plain
from sidecritic.critics.prompt import Lookup, without_drafts
from sidecritic.errors import CriticError, SidecriticError, boundary
from sidecritic.types import Assistant, Message, Proposal, Revise, ToolCall, ToolResult
from sidecritic.values import parse_object

MOST_OF_ONE_TOOL = 3
"""Calls of one reading tool, between two writes, after which no more of it is demanded."""

MOST_NAMED = 3
"""Look-ups that are named to an actor at a time."""

TO_CHECK = Revise(
    feedback="It cannot be known yet whether this is right. Check each condition that the policy "
    "sets for it against what tools have shown or the user has said; look up, or ask for, what "
    "nothing shows. Then propose it again if what you find allows it."
)
"""For a doubt that names no look-up."""

_CHARACTERS = 4000
"""Of one looked-up result that reach the prompt."""


@dataclass(slots=True)
class Looking:
    """The look-ups about one proposal: what was made, what is left, and what may be made."""

    proposal: Proposal
    left: int
    """Look-ups that the critic may still make itself."""
    notes: list[str]
    found: list[Lookup] = field(default_factory=list[Lookup])
    _made: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]], init=False)

    def __post_init__(self) -> None:
        past, _ = without_drafts(self.proposal)
        calls = _calls_since_the_last_write(past, self._readable)
        self._made = [(call.name, _key(call.arguments)) for call in calls]

    @property
    def _readable(self) -> frozenset[str]:
        return frozenset(tool.name for tool in self.proposal.tools if tool.effect == "read")

    @property
    def is_open(self) -> bool:
        """Whether anything may still be demanded."""
        often = Counter(name for name, _ in self._made)
        return any(often[tool] < MOST_OF_ONE_TOOL for tool in self._readable)

    @property
    def is_allowed(self) -> bool:
        """Whether the critic may look something up itself."""
        return self.left > 0 and self.proposal.look is not None

    def can_read(self, wanted: Sequence[WantedLookup]) -> bool:
        """Whether one of these names a tool that reads."""
        return any(each.tool in self._readable for each in wanted)

    def open(self, wanted: Sequence[WantedLookup]) -> tuple[WantedLookup, ...]:
        """Return what was not looked up before, each once."""
        often, seen = Counter(name for name, _ in self._made), set(self._made)
        kept: list[WantedLookup] = []
        for each in wanted:
            arguments = parse_object(each.arguments)
            key = (each.tool, _key(arguments))
            # Where only a tool is named, any call of it will do.
            done = key in seen if arguments is not None else often[each.tool] > 0
            if each.tool not in self._readable:
                self.notes.append(f"look-ups: {_shown(each)} was not made")
            elif not done and often[each.tool] < MOST_OF_ONE_TOOL:
                seen.add(key)
                kept.append(each)
        return tuple(kept)

    async def make(self, wanted: Sequence[WantedLookup]) -> bool:
        """Look up what can be, within the budget; return whether anything came of it."""
        before = len(self.found)
        for each in wanted[: self.left]:
            self.left -= 1
            arguments = parse_object(each.arguments)
            if arguments is None:
                self.notes.append(f"look-ups: {_shown(each)} was not made")
                continue
            result = await self._result(each, arguments)
            if result is not None:
                self._made.append((each.tool, _key(arguments)))
                self.found.append(Lookup(tool=each.tool, arguments=arguments, result=result))
        return len(self.found) > before

    async def _result(
        self, wanted: WantedLookup, arguments: dict[str, JsonValue]
    ) -> ToolResult | None:
        look = self.proposal.look
        if look is None:
            return None
        try:
            with boundary(CriticError, f"look-up {_shown(wanted)}"):
                result = await look.call(wanted.tool, arguments)
        except SidecriticError as error:
            self.notes.append(f"look-ups: {plain(str(error), 200)}")
            return None
        if len(result.text) <= _CHARACTERS:
            return result
        return result.model_copy(update={"text": f"{result.text[:_CHARACTERS]} [shortened]"})


def to_verify(wanted: Sequence[WantedLookup]) -> Revise:
    """Return what tells an actor to look something up before it proposes the action again."""
    named = "; ".join(_sentence(each) for each in wanted[:MOST_NAMED])
    return Revise(
        feedback=f"It cannot be known yet whether this is right. First verify {named}. Then "
        "propose it again if what you find allows it."
    )


def _sentence(wanted: WantedLookup) -> str:
    arguments = parse_object(wanted.arguments)
    given = f" {plain(wanted.arguments, 200)}" if arguments else ""
    fact = plain(wanted.fact, 200).strip(" .") or "what it depends on"
    return f"{fact} with the tool {wanted.tool}{given}"


def _shown(wanted: WantedLookup) -> str:
    return plain(f"{wanted.tool}({wanted.arguments})", 80)


def _key(arguments: dict[str, JsonValue] | None) -> str:
    return json.dumps(arguments, sort_keys=True)


def _calls_since_the_last_write(
    past: Sequence[Message], readable: frozenset[str]
) -> Iterator[ToolCall]:
    failed = {m.call_id for m in past if isinstance(m, ToolResult) and m.is_error}
    for message in reversed(past):
        if not isinstance(message, Assistant):
            continue
        for call in message.calls:
            if call.name in readable:
                yield call
        if any(c.name not in readable and c.id not in failed for c in message.calls):
            return
