"""What a pack looks up before it judges: read-only, bounded, and outside the trajectory."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace

from sidecritic.checks.facts import Done, Facts, parsed
from sidecritic.errors import CriticError, SidecriticError, boundary, place_of
from sidecritic.types import Flag, ReadOnlyTools, ToolCall
from sidecritic.values import JsonObject

FAILED = " failed"
"""Ends the name of a note about a check that broke."""

ROUNDS = 3
"""Rounds of look-ups: what an order holds is asked once the order is known."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One look-up: a tool that reads, and its arguments."""

    tool: str
    arguments: JsonObject


Wants = Callable[[Facts], Iterable[Wanted]]
"""Says what is worth knowing, most wanted first; asked again after each round."""


Run = Callable[[Callable[[Facts], list[Wanted]], Facts], Awaitable[list[Wanted]]]
"""Runs a function of facts, here or in a thread."""


async def informed(facts: Facts, wants: Wants, look: ReadOnlyTools, run: Run) -> Facts:
    """Return the facts with what could be looked up; a look-up that fails is kept as failed.

    Nothing is asked twice. How many look-ups there are is the budget of `look`.
    """
    asked: list[Wanted] = []
    for _ in range(ROUNDS):
        fresh: list[Wanted] = []
        try:
            with boundary(CriticError, "look-ups"):
                found = await run(lambda known: list(wants(known)), facts)
        except SidecriticError as failed:
            return replace(facts, notes=(*facts.notes, failure("look-ups", failed)))
        for wanted in found:
            if wanted not in asked and wanted not in fresh:
                fresh.append(wanted)
        if not fresh:
            return facts
        asked.extend(fresh)
        results = [await _result(wanted, look, len(facts.done)) for wanted in fresh]
        facts = replace(facts, looked=(*facts.looked, *results))
    return facts


def failure(name: str, error: SidecriticError) -> tuple[str, str]:
    """Return as a note what failed, with what and where; the text of an error may be anybody's."""
    cause = error.__cause__ or error
    return f"{name}{FAILED}", f"{type(cause).__name__} at {place_of(cause)}"


def failures_in(flags: Iterable[Flag]) -> str:
    """Return which checks failed, with what and where, as `CHECK: KeyError at checks.py:12`."""
    broken = {
        f"{flag.name.removesuffix(FAILED)}: {flag.evidence}": None
        for flag in flags
        if flag.name.endswith(FAILED) and not flag.risk
    }
    return "; ".join(broken)


async def _result(wanted: Wanted, look: ReadOnlyTools, position: int) -> Done:
    result = await look.call(wanted.tool, wanted.arguments)
    call = ToolCall(id="look", name=wanted.tool, arguments=wanted.arguments, raw="")
    return Done(position, call, result.text, parsed(result.text), result.is_error, writes=False)
