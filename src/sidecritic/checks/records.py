"""Checks of records that many domains share: a pack brings its data, and the policy sentence.

Each function returns what a `CallCheck` examines a call with:

    foreign_order = CallCheck(
        "another user's order", policy="...", risk=0.95, examine=owned(ORDER, identified_user)
    )

As everywhere, what is not known is not held against a call.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sidecritic.checks.base import ExamineCall, Objection
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.checks.looking import Wanted
from sidecritic.checks.sources import shown_at
from sidecritic.values import JsonObject, text_of

Of = Callable[[Case], JsonObject]
"""The record that a call is about; empty when nobody has looked it up."""
Risk = Callable[[Case], float | None]
"""Overrides the risk of a check in some cases."""


def _as_stated(_: Case) -> None:
    return None


@dataclass(frozen=True)
class Kind:
    """A kind of record, such as orders: how calls name it, and which tool reads it."""

    noun: str
    key: str
    """The argument that names it, and the field that holds its id."""
    tool: str
    parameter: str = ""
    """What the tool calls the id, where it is not `key`."""
    owner: str = ""
    """The field, or else the argument, that holds the id of its user."""

    def of(self, case: Case) -> JsonObject:
        """Return the record of a call; empty when it is unknown."""
        return case.record(self.key)

    def seen(self, case: Case) -> JsonObject:
        """Return the same as far as the agent itself has seen it."""
        return case.shown(self.key)

    def owner_of(self, case: Case) -> str:
        return text_of(self.of(case), self.owner) or case.named(self.owner)

    def look_up(self, identity: str) -> Wanted:
        return Wanted(self.tool, {self.parameter or self.key: identity})

    def ask(self, facts: Facts, identity: str) -> Iterator[Wanted]:
        """Ask for a record that is not known yet."""
        if identity and identity not in facts.known.get(self.key, {}):
            yield self.look_up(identity)

    def missing(self, case: Case, tools: Iterable[str]) -> Iterator[Wanted]:
        """Ask for the record of a call of these tools, where it is not known yet."""
        if case.tool in tools and case.named(self.key) and not self.of(case):
            yield self.look_up(case.named(self.key))


def identified(who: Callable[[Facts], object], how: str, *, risk: Risk = _as_stated) -> ExamineCall:
    """Fire before the user of the conversation was identified."""

    def examine(case: Case) -> Objection | None:
        if who(case.facts):
            return None
        return Objection(
            f"The user has not been identified. {how} before you call `{case.tool}`.",
            risk=risk(case),
        )

    return examine


def owned(kind: Kind, who: Callable[[Facts], str]) -> ExamineCall:
    """Fire when the record of a call is not that of the user who was identified."""

    def examine(case: Case) -> Objection | None:
        user, owner = who(case.facts), kind.owner_of(case)
        if not user or not owner or owner == user:
            return None
        return Objection(
            f"This record belongs to {owner}, but you are helping {user}. Deny the request, or "
            "use the record of the user you are helping.",
            evidence=f"{owner} != {user}",
            messages=shown_at(case.facts, kind.of(case)),
        )

    return examine


def looked_up(kind: Kind, then: str, *, risk: Risk = _as_stated) -> ExamineCall:
    """Fire when the agent itself has never read the record of a call."""

    def examine(case: Case) -> Objection | None:
        if kind.seen(case):
            return None
        return Objection(
            f"{case.named(kind.key) or f'The {kind.noun}'} was never looked up. Call "
            f"{kind.tool} and {then}.",
            risk=risk(case),
        )

    return examine


def in_state(kind: Kind, allows: Callable[[Case, str], bool], advice: str) -> ExamineCall:
    """Fire when the last known status of a record does not allow the call."""

    def examine(case: Case) -> Objection | None:
        record = kind.of(case)
        status = text_of(record, "status")
        if not status or allows(case, status):
            return None
        return Objection(
            f"The {kind.noun}'s status is '{status}', so `{case.tool}` is not possible. {advice}",
            evidence=f"status {status}",
            messages=shown_at(case.facts, record),
        )

    return examine


def changed(same: Callable[[Case], str], of: Of, advice: str) -> ExamineCall:
    """Fire when a call sets what is set already; `same` says what, or nothing."""

    def examine(case: Case) -> Objection | None:
        kept = same(case)
        if not kept:
            return None
        return Objection(
            f"Nothing would change: {kept}. {advice}",
            evidence=kept,
            messages=shown_at(case.facts, of(case)),
        )

    return examine


def among(
    chosen: Callable[[Case], Iterable[str]],
    held: Callable[[Case], Mapping[str, JsonObject]],
    of: Of,
    *,
    what: str,
    advice: str,
) -> ExamineCall:
    """Fire when a call names an id that is not among those that a record holds."""

    def examine(case: Case) -> Objection | None:
        there = held(case)
        stray = [one for one in chosen(case) if one not in there]
        if not there or not stray:
            return None
        names = ", ".join(f"{one} {text_of(entry, 'name')}".strip() for one, entry in there.items())
        return Objection(
            f"{stray[0]} is not among {what}: {names}. {advice}",
            evidence=stray[0],
            messages=shown_at(case.facts, of(case)),
        )

    return examine


def refunded(kind: Kind, paid_with: Callable[[JsonObject], str], argument: str) -> ExamineCall:
    """Fire when money goes neither to the method that was paid with nor to a gift card."""

    def examine(case: Case) -> Objection | None:
        record, chosen = kind.of(case), case.named(argument)
        original = paid_with(record)
        if not original or chosen == original or chosen.startswith("gift_card"):
            return None
        return Objection(
            f"The {kind.noun} was paid with {original}; the refund must go there or to an "
            f"existing gift card, not to {chosen}.",
            evidence=f"{chosen} != {original}",
            messages=shown_at(case.facts, record),
        )

    return examine


def users_words(case: Case) -> str:
    """Return what the user said, and the question that they agreed to."""
    return f"{case.facts.said}\n{case.agreed.question.lower if case.agreed else ''}"


def all_words(case: Case) -> str:
    """Return what both sides said."""
    return f"{case.facts.said}\n{case.facts.told}"


def spoken_of(
    does: Callable[[Case], str],
    words: re.Pattern[str],
    advice: str,
    *,
    by: Callable[[Case], str] = users_words,
    risk: Risk = _as_stated,
) -> ExamineCall:
    """Fire when a call does what was never spoken of; `does` says what, or nothing."""

    def examine(case: Case) -> Objection | None:
        what = does(case)
        if not what or words.search(by(case)):
            return None
        return Objection(
            f"The call {what}, which was never spoken of. {advice}",
            evidence=what,
            risk=risk(case),
        )

    return examine
