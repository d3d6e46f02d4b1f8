"""Checks of what was asked for or agreed to, and never done: told when a conversation closes.

Each looks at the whole conversation, at a hand-over as well as at a message that may be the
last. Most are hints: alone they refuse nothing, together they tell which runs will fail.
"""

import re
from collections import defaultdict
from collections.abc import Iterator

from pydantic import JsonValue

from sidecritic.checks.base import Answer, Objection, text_check
from sidecritic.checks.endings.closing import (
    TRANSFER,
    end_check,
    pending_plan,
)
from sidecritic.checks.facts import Facts
from sidecritic.checks.requests import Request, Requests, outright
from sidecritic.english.acts import affirms, asks_consent, asks_for_data, declines, takes_leave
from sidecritic.english.amounts import amounts, cents, stated

KEEP_PROMISES = "What the user agreed to is carried out before it is reported."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""

TELL = "What the user wants to know is looked up or calculated, and told."

_ALL_DONE = re.compile(
    r"\b(everything|all)\b[^.\n]{0,40}\b(taken care|done|completed?|set|requests?|processed)\b"
)


_MONEY_ASKED = re.compile(
    r"\bhow much\b|\b(total|sum|amount|price|cost|balances?|savings?)\b[^.\n]{0,60}\?"
    r"|\b(what|know|tell me|calculate|check)\b[^.?\n]{0,40}"
    r"\b(total|refund|price|cost|difference|balances?|amount|sum|savings?)\b"
)
_MONEY_FIELD = re.compile(r"amount|difference|total|refund|fee", re.IGNORECASE)


@text_check("plan not carried out", policy=KEEP_PROMISES, risk=0.7)
def plan_dropped(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent takes leave although the user's last yes was followed by no write."""
    lower = draft.lower()
    if not takes_leave(lower) or declines(lower) or asks_consent(lower):
        return None
    pending = pending_plan(facts)
    if pending is None:
        return None
    return Objection(
        feedback="The user agreed to your last plan, and nothing of it has been executed. Call "
        "the tool now, before you report or take leave; if it cannot be done, say so.",
        evidence=pending.text[:160],
        messages=(pending.position,),
    )


@text_check("request not served", policy=TRANSFER, risk=0.6)
def unserved(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent reports that all is done, and a request was neither served nor declined.

    Without such a report the agent may still be asked for the rest.
    """
    lower = draft.lower()
    goes_on = asks_consent(lower) or asks_for_data(lower)
    if not _ALL_DONE.search(lower) or not takes_leave(lower) or goes_on:
        return None
    left = outright(facts.once(Requests.of).open)
    if not left or declines(lower) or declines(facts.told):
        return None
    return Objection(
        feedback=f"The user asked you to {left[0].kind}, and that is neither done nor declined. "
        "Serve it, or say why it cannot be done, before you take leave.",
        evidence=left[0].text[:120],
        messages=(left[0].position,),
    )


@end_check("fewer deeds than requests", risk=0.48)
def fewer_deeds(facts: Facts) -> Answer:
    """Fire when at least two requests more were made than writes were executed."""
    asked = outright(facts.once(Requests.of).distinct)
    missing = len(asked) - len(facts.writes)
    if missing < 2:
        return None
    return Objection(
        f"The user asked for {len(asked)} things ({_named(asked)}), and {len(facts.writes)} "
        "calls have changed something. Go through the requests one by one.",
        evidence=f"{len(asked)} asked, {len(facts.writes)} done",
        risk=0.8 if missing > 2 else None,
        messages=_positions(asked),
    )


@end_check("amount of a change not told", risk=0.6, policy=TELL)
def untold_amount(facts: Facts) -> Answer:
    """Fire when the user wants to know amounts, and that of a change was never told."""
    asked = [line for line in facts.user_lines if _MONEY_ASKED.search(line.lower)]
    if not asked:
        return None
    told = _amounts_in(f"{facts.told}\n{facts.draft}")
    for position, amount in _new_amounts(facts):
        if amount and amount not in told:
            return Objection(
                f"The change came to ${amount / 100:.2f}, and the user has not been told. State "
                "the amount of each change, and not their sum alone.",
                evidence=f"{amount / 100:.2f}",
                messages=(asked[0].position, position),
            )
    return None


@end_check("asked again and again", risk=0.62)
def asked_again(facts: Facts) -> Answer:
    """Fire when a request was made in three messages and has no matching write."""
    requests = facts.once(Requests.of)
    seen: dict[object, set[int]] = defaultdict(set)
    for request in requests.every:
        seen[request.key].add(request.position)
    for request in requests.open:
        if len(seen[request.key]) >= 3:
            return Objection(
                f"The user asked to {request.kind} several times, and it is not done. Do it, or "
                "say plainly why not.",
                evidence=request.text[:120],
                messages=tuple(sorted(seen[request.key])),
            )
    return None


@end_check("asks again for a yes", risk=0.75)
def asks_again_for_yes(facts: Facts) -> Answer:
    """Fire when the user has just said yes to a question, and is asked once more."""
    last = facts.exchanges[-1] if facts.exchanges else None
    if last is None or last.answer is not facts.answer or not asks_consent(facts.draft.lower()):
        return None
    if not (asks_consent(last.question.lower) and affirms(last.answer.lower)):
        return None
    return Objection(
        "The user has just said yes. Execute what they agreed to instead of asking again.",
        evidence=last.answer.text[:120],
        messages=(last.question.position, last.answer.position),
    )


def _named(requests: tuple[Request, ...]) -> str:
    return ", ".join(dict.fromkeys(request.kind for request in requests))


def _positions(requests: tuple[Request, ...]) -> tuple[int, ...]:
    return tuple(sorted({request.position for request in requests}))


def _new_amounts(facts: Facts) -> Iterator[tuple[int, int]]:
    """Walk over amounts, in cents, that a write returned and no result before it held."""
    known: set[int] = set()
    for done in facts.done:
        found = set(_cents(done.value)) if not done.is_error else set[int]()
        if done.writes and not done.is_error:
            for amount in sorted(found - known):
                yield done.position, amount
        known |= found


def _cents(value: JsonValue) -> Iterator[int]:
    """Walk over the numbers that are amounts by the names of their fields, without signs."""
    if isinstance(value, list):
        for part in value:
            yield from _cents(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if isinstance(part, int | float) and _MONEY_FIELD.search(key):
                yield abs(cents(part))
            else:
                yield from _cents(part)


def _amounts_in(text: str) -> set[int]:
    return {cents(amount) for amount in (*amounts(text), *stated(text))}
