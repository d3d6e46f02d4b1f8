"""Checks of the end of a conversation, in every domain: omissions and hand-overs.

An omission can only be seen when the agent takes leave or hands over: what was agreed or
asked for must then be done, or have been declined.
"""

import re

from sidecritic.checks.answers import ANSWERS
from sidecritic.checks.base import CallCheck, Objection, TextCheck, call_check, text_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts, Line
from sidecritic.checks.omissions import HAND_OVERS, OMISSIONS, is_plan
from sidecritic.checks.partings import PARTINGS, TRANSFER
from sidecritic.checks.requests import Requests, outright
from sidecritic.english.acts import asks_consent, asks_for_data, declines, takes_leave, wants_human
from sidecritic.english.listings import words_of
from sidecritic.values import scalars

KEEP_PROMISES = "What the user agreed to is carried out before it is reported."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""


_ALL_DONE = re.compile(
    r"\b(everything|all)\b[^.\n]{0,40}\b(taken care|done|completed?|set|requests?|processed)\b"
)


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


@call_check("premature transfer", policy=TRANSFER, risk=0.6, tools=HAND_OVERS)
def premature_transfer(case: Case) -> Objection | None:
    """Fire on a hand-over while a plan that the user agreed to is not carried out."""
    pending = pending_plan(case.facts)
    if pending is None or wants_human(case.facts.said):
        return None
    return Objection(
        feedback="The user agreed to a plan that your tools can carry out, and it has not been "
        "executed. Execute it; do not transfer what can be served here.",
        evidence=pending.text[:160],
        messages=(pending.position,),
    )


@call_check("transfer of what can be served", policy=TRANSFER, risk=0.5, tools=HAND_OVERS)
def needless_transfer(case: Case) -> Objection | None:
    """Fire on a hand-over while a request was neither tried nor declined."""
    reason = " ".join(scalars(dict(case.arguments))).lower()
    if (
        wants_human(case.facts.said)
        or declines(case.facts.told)
        or declines(reason)
        or _is_stuck(case.facts)
    ):
        return None
    left = case.facts.once(Requests.of).open
    if not left:
        return None
    return Objection(
        feedback=f"The user asked you to {left[0].kind}, which your tools can do, and it was not "
        "tried. Serve the request; do not transfer what can be served here.",
        evidence=left[0].text[:120],
        messages=(left[0].position,),
    )


_WHOLE = (*OMISSIONS, *ANSWERS, *PARTINGS)

ENDING_CALLS: tuple[CallCheck, ...] = (
    premature_transfer,
    needless_transfer,
    *(check.call for check in _WHOLE),
)
ENDING_TEXTS: tuple[TextCheck, ...] = (plan_dropped, unserved, *(check.text for check in _WHOLE))


def _is_stuck(facts: Facts) -> bool:
    """Whether a write failed, or a look-up of a kind that did not succeed later."""
    # "find user id by email" makes up for a "find user id by name zip".
    last = {words_of(done.call.name).split(" ")[0]: done.is_error for done in facts.done}
    return any(last.values()) or any(done.is_error and done.writes for done in facts.done)


def pending_plan(facts: Facts) -> Line | None:
    """Return the plan of the user's last yes, when no write has followed it."""
    if not facts.exchanges:
        return None
    last = facts.exchanges[-1]
    question, answer = last.question, last.answer
    if answer is not facts.answer or not last.agreed or not is_plan(facts, last):
        return None
    tried = any(done.writes and done.position > answer.position for done in facts.done)
    # What the supervisor itself refused in this turn is not the actor's omission.
    return None if tried or facts.refused else question
