"""Checks of how a conversation went, told when it closes: not looked up, long, asked again."""

from collections import defaultdict

from sidecritic.checks.base import Answer, Objection
from sidecritic.checks.endings.closing import end_check
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.requests import Requests, outright
from sidecritic.english.acts import affirms, asks_consent

LOOK_FIRST = "You should not make up any information: look up what the tools can tell."
_LONG = 7
"""User messages from which a conversation without a change is a long one."""


@end_check("nothing looked up", risk=0.65, policy=LOOK_FIRST)
def nothing_looked_up(facts: Facts) -> Answer:
    """Fire when a conversation closes in which no look-up succeeded."""
    if facts.once(_looks) or not facts.user_lines:
        return None
    return Objection(
        "You have looked nothing up. Find the customer and their records with your tools before "
        "you tell them what cannot be done.",
        evidence=facts.user_lines[0].text[:120],
        messages=(facts.user_lines[0].position,),
    )


@end_check("long and nothing done", risk=0.56)
def long_and_nothing_done(facts: Facts) -> Answer:
    """Fire when a long conversation has changed nothing."""
    asked = outright(facts.once(Requests.of).distinct)
    if len(facts.user_lines) < _LONG or facts.writes or not asked:
        return None
    return Objection(
        f"After {len(facts.user_lines)} messages of the user nothing is done. Go back to what "
        f"was asked first ({asked[0].text[:80]}), and do it with your tools.",
        evidence=f"{len(facts.user_lines)} messages",
        messages=(asked[0].position,),
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


def _looks(facts: Facts) -> list[Done]:
    """Return the look-ups that told something of a record."""
    return [
        done
        for done in facts.done
        if not done.writes and not done.is_error and done.arguments and _is_record(done)
    ]


def _is_record(done: Done) -> bool:
    """Whether a result is more than a number or a word: an id at least, or JSON."""
    return (
        isinstance(done.value, dict | list)
        or "_" in done.text
        or done.call.name.startswith(("find", "get", "search", "list", "look"))
    )
