"""Checks of calls that do what is done already, or change nothing."""

import re

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.record_index import has_failed, ids_of
from sidecritic.checks.sources import shown_at
from sidecritic.checks.structural.outcomes import may_have_failed
from sidecritic.english.counts import most_counted
from sidecritic.english.listings import short
from sidecritic.handover import in_words
from sidecritic.values import JsonObject, is_id_key

_SETS = re.compile(r"(update|set|change|modify|edit)\b")
"""How interfaces name what gives a field another value."""

_ASKED_AGAIN = 0.4


@call_check("repeated write", policy="", risk=0.85)
def repeated(case: Case) -> Objection | None:
    """Fire on a call that succeeded before with the same arguments, and nothing undid it."""
    for done in reversed(case.facts.writes):
        if may_have_failed(done):
            continue
        if done.call.name != case.tool or done.arguments != case.arguments:
            # It may have undone the earlier one, or have made it worth another try.
            return None
        return Objection(
            f"`{case.tool}` with exactly these arguments was already executed. Tell the user "
            "that it is done instead of repeating it.",
            evidence=f"executed at message {done.position}",
            messages=(done.position,),
            # Who has spoken since may have asked for it once more.
            risk=_ASKED_AGAIN if _may_be_wanted(case, done.position) else None,
        )
    return None


@call_check("changes nothing", policy="", risk=0.8)
def changes_nothing(case: Case) -> Objection | None:
    """Fire when a call sets the fields of a record to what they are."""
    if not _SETS.match(in_words(case.tool)):
        return None
    given = {k: v for k, v in case.arguments.items() if not is_id_key(k) and v is not None}
    for kind, named in ids_of(case.arguments):
        record: JsonObject = case.facts.known.get(kind, {}).get(named, {})
        if given and record and all(k in record and record[k] == v for k, v in given.items()):
            if _changed_since(case, record):
                return None
            kept = ", ".join(f"{key} is {short(value)}" for key, value in given.items())
            return Objection(
                f"Nothing would change: {kept} already. Ask the user what is to be changed.",
                evidence=kept[:120],
                messages=shown_at(case.facts, record),
            )
    return None


def _may_be_wanted(case: Case, since: int) -> bool:
    """Whether the user has spoken since, or named a number of times that is not reached."""
    made = sum(
        done.call.name == case.tool and done.arguments == case.arguments and not has_failed(done)
        for done in case.facts.writes
    )
    return _has_spoken(case.facts, since) or made < most_counted(case.facts.said)


def _has_spoken(facts: Facts, since: int) -> bool:
    return facts.answer is not None and facts.answer.position > since


def _changed_since(case: Case, record: JsonObject) -> bool:
    """Whether something was written after the record was shown."""
    shown = shown_at(case.facts, record)
    return any(_is_later(done, shown) for done in case.facts.writes)


def _is_later(done: Done, shown: tuple[int, ...]) -> bool:
    return bool(shown) and done.position > shown[-1]
