"""Checks of what was asked for or agreed to, and never done: told when a conversation closes.

Each looks at the whole conversation, at a hand-over as well as at a message that may be the
last. Most are hints: alone they refuse nothing, together they tell which runs will fail.
"""

from collections import defaultdict

from sidecritic.checks.base import Answer, Objection, text_check
from sidecritic.checks.endings.closing import (
    end_check,
    pending_plan,
)
from sidecritic.checks.facts import Facts
from sidecritic.checks.requests import Request, Requests, outright
from sidecritic.english.acts import affirms, asks_consent, declines, takes_leave

KEEP_PROMISES = "What the user agreed to is carried out before it is reported."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""


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
