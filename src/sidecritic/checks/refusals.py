"""Whether what was asked for and never done is allowed, by the rules and the records.

An agent that wrongly says no fails as surely as one that wrongly says yes. When a conversation
closes, what the user asked for is held against the rules of its call, as if it were proposed.
A domain says what was refused and why the rules forbid it; the rest is the same everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sidecritic.checks.base import Answer, CallCheck, Objection, Support, TextCheck
from sidecritic.checks.facts import Facts
from sidecritic.checks.omissions import BASE_RATE, EndCheck, end_check

SERVE = (
    "You should transfer the user to a human agent if and only if the request cannot be handled "
    "within the scope of your actions."
)
_OPEN = frozenset(
    {
        "nothing done",
        "requests open",
        "asked again and again",
        "long and nothing done",
        "record left out",
        "several asked, one done",
        "fewer deeds than requests",
        "request not served",
        "transfer of what can be served",
    }
)
"""Checks of requests that are left open, whatever the reason."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Something that was asked for and not done, and why the rules forbid it; empty if not."""

    deed: str
    why_not: str
    position: int
    sure: bool = True
    """Whether nothing but the rules that were tested can stand against it."""


RefusedOf = Callable[[Facts], tuple[Refused, ...]]
_Check = TypeVar("_Check", CallCheck, TextCheck)


def refusal_checks(refused_of: RefusedOf, *, wrong: float = 0.0) -> tuple[EndCheck, ...]:
    """Return the two checks of the end of a conversation in which something was refused.

    `wrong` is how often a run fails whose refusals the rules demand; 0 where that says little,
    because another deed would have served the user.
    """

    @end_check("allowed and not done", risk=0.5, policy=SERVE)
    def allowed(facts: Facts) -> Answer:
        refused = facts.once(refused_of)
        first = next((one for one in refused if one.sure and not one.why_not), None)
        if first is None:
            return None
        return Objection(
            f"The user asked to {first.deed}, and the rules allow it. Do it, or say what stands "
            "against it.",
            evidence=first.deed,
            messages=(first.position,),
        )

    @end_check("not allowed, and not done", risk=BASE_RATE, policy=SERVE)
    def forbidden(facts: Facts) -> Answer:
        refused = facts.once(refused_of)
        if not _all_forbidden(refused):
            return None
        return Support(
            evidence="; ".join(f"{one.deed}: {one.why_not}" for one in refused),
            messages=tuple(sorted({one.position for one in refused})),
            risk=wrong,
        )

    return allowed, forbidden


def unless_forbidden(check: _Check, refused_of: RefusedOf) -> _Check:
    """Return a check that says nothing of open requests where the rules forbid each of them."""
    if check.name not in _OPEN:
        return check
    examine = check.examine

    def excused(facts: Facts, *about: Any) -> Answer:
        return None if _all_forbidden(facts.once(refused_of)) else examine(facts, *about)

    return replace(check, examine=excused)


def _all_forbidden(refused: tuple[Refused, ...]) -> bool:
    return bool(refused) and all(one.why_not for one in refused)
