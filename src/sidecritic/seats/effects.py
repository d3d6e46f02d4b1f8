"""What a tool probably does, told from what its maker says: a proposal for the operator.

The first that says something decides: the effect beside its name, that it hands the conversation
over, MCP annotations, the verb of its name, the verb of its description, its arguments. Name and
description that contradict each other decide nothing. Nobody's safety may hang on a proposal that
no one has looked at: a tool that is taken for a read is not judged.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

from sidecritic.dialects.base import Hints
from sidecritic.dialects.tool_files import Declared
from sidecritic.handover import hands_over
from sidecritic.seats.effect_words import (
    BESIDE,
    CHANGED,
    CHANGING,
    JOINTS,
    LOOKED_AT,
    LOOKING,
    NOUNS,
    PARTS,
    READS,
    SURELY_LOOKED_AT,
    SURELY_LOOKING,
    TELLS,
    WRITES,
    name_words,
    words,
)
from sidecritic.types import Effect, ToolSpec

_Verb = Literal["read", "write"]


class Proposed(NamedTuple):
    """A tool with its probable effect; `unknown` where nothing says."""

    tool: ToolSpec
    effect: Effect
    because: str


def propose(tools: Iterable[Declared]) -> tuple[Proposed, ...]:
    """Return what each tool probably does, and what says so."""
    return tuple(_proposed(each.tool, each.hints) for each in tools)


def without_guessed_reads(proposals: Iterable[Proposed]) -> tuple[Proposed, ...]:
    """Return what may count before anyone has looked: a read that is only likely is `unknown`."""
    return tuple(
        each
        if each.effect != "read" or _is_sure(each)
        else each._replace(effect="unknown", because=f"seems a read, by its {each.because}")
        for each in proposals
    )


def _is_sure(read: Proposed) -> bool:
    """Whether it is declared, or its name begins with a plain verb and its text agrees."""
    if read.because == "declared":
        return True
    plain = not SURELY_LOOKING.isdisjoint(name_words(read.tool.name)[:1])
    return plain and _by_words(read.tool).effect == "read"


def _proposed(tool: ToolSpec, hints: Hints) -> Proposed:
    if tool.effect != "unknown":
        return Proposed(tool, tool.effect, "declared")
    if hands_over(tool):
        return Proposed(tool, "hand_over", "name or description")
    if hints.destructive:
        return Proposed(tool, "write", "destructiveHint")
    if hints.read_only:
        return Proposed(tool, "read", "readOnlyHint")
    return _by_words(tool)


def _by_words(tool: ToolSpec) -> Proposed:
    named, described = _of_name(tool.name), _of_text(tool.description)
    if named == "read" and described == "write":
        # The other way round it is taken for a write, which is judged.
        return Proposed(tool, "unknown", "the name looks, the description changes")
    if named is not None:
        return Proposed(tool, named, "name")
    if described is not None:
        return Proposed(tool, described, "description")
    return _by_arguments(tool)


def _of_name(name: str) -> _Verb | None:
    said = name_words(name)
    if not said:
        return None
    first, last = said[0].removesuffix("s"), said[-1]
    looks = last in LOOKED_AT or last in READS
    if looks and (_verb(first) is None or (first in NOUNS and last in SURELY_LOOKED_AT)):
        return "read"
    if looks and first in NOUNS:
        return None  # `email_list`, `transfer_balance`: the description tells
    found = _first_verb(said[:1]) or _first_verb(said[-1:]) or _first_verb(said)
    checks_in = said[0] == "check" and not BESIDE.isdisjoint(said[1:2])
    if found == "read" and (checks_in or _changes_too(said)):
        return "write"
    return found or ("write" if last in CHANGED else None)


def _changes_too(said: Sequence[str]) -> bool:
    """Whether a verb that changes follows on one that looks: `get_or_create_user`."""
    pairs = pairwise(said)
    return any(joint in JOINTS and _verb(word) == "write" for joint, word in pairs)


def _of_text(text: str) -> _Verb | None:
    sentence = text.strip().split("\n", 1)[0].split(". ", 1)[0][:400]
    if spelt := _of_script(sentence):
        return spelt
    said = [word for word in words(sentence) if word not in PARTS]
    if said[:2] and said[0] in ("use", "call", "tool", "function") and len(said) > 1:
        said = said[1:]
    if said[:1] and said[0] in TELLS:
        return "read" if said[0] != "return" else None
    found = _first_verb(said[:1])
    return "write" if found == "read" and _changes_too(said) else found


def _of_script(sentence: str) -> _Verb | None:
    looks, changes = (max(map(sentence.rfind, stems)) for stems in (LOOKING, CHANGING))
    if max(looks, changes) < 0:
        return None
    return "read" if looks > changes else "write"


def _first_verb(said: Sequence[str]) -> _Verb | None:
    return next((verb for word in said if (verb := _verb(word)) is not None), None)


def _verb(word: str) -> _Verb | None:
    for base in (word, word.removesuffix("s"), word.removesuffix("es"), _singular_y(word)):
        if base in WRITES:
            return "write"
        if base in READS:
            return "read"
    return None


def _singular_y(word: str) -> str:
    return f"{word.removesuffix('ies')}y" if word.endswith("ies") else word


_ASKS = frozenset({"query", "q", "filter", "limit", "page", "offset", "sort", "cursor", "search"})


def _by_arguments(tool: ToolSpec) -> Proposed:
    given = tool.parameters.get("properties")
    named = [name.lower() for name in given] if isinstance(given, dict) else []
    if any(name.startswith(("new_", "updated_")) for name in named):
        return Proposed(tool, "write", "arguments")
    if named and _ASKS.intersection(named):
        return Proposed(tool, "read", "arguments")
    return Proposed(tool, "unknown", "nothing says")
