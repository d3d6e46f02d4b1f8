"""When a conversation closes, what was agreed by then, and how much a hint counts there."""

import re
from collections.abc import Callable
from dataclasses import replace
from math import log

from sidecritic.checks.base import Answer, CallCheck, EndCheck, TextCheck
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Exchange, Facts, Line
from sidecritic.checks.requests import Requests
from sidecritic.english.acts import asks_consent, asks_for_data, closes, says_goodbye

SERVE_ALL = "What the user asks for is done, or declined with the reason, before taking leave."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""
TRANSFER = (
    "You should transfer the user to a human agent if and only if the request cannot be "
    "handled within the scope of your actions."
)

BASE_RATE = 0.3
"""Share of conversations that fail."""
AT_THE_END = 0.2
"""How much a hint counts when the user has taken leave, or is handed over."""
MORE_MAY_COME = 0.12
"""The same while the user may still answer: what is open may be served later."""

Examine = Callable[[Facts], Answer]

_ASKS_PLAINLY = re.compile(r"\b(confirm|proceed|go ahead|shall i|yes)\b")


def _may_be_last(facts: Facts) -> bool:
    return closes(facts.draft.lower(), facts.answer.lower if facts.answer else "")


def end_check(name: str, *, risk: float, policy: str = SERVE_ALL) -> Callable[[Examine], EndCheck]:
    """Make a check of a function that looks at the conversation as a whole."""

    def make(examine: Examine) -> EndCheck:
        def at_hand_over(case: Case) -> Answer:
            return _softened(case.facts, examine(case.facts), risk, AT_THE_END)

        def at_message(facts: Facts, draft: str) -> Answer:
            return _softened(facts, examine(facts), risk, facts.once(_weight))

        return EndCheck(
            call=CallCheck(name, policy, risk, at_hand_over, hand_overs=True),
            text=TextCheck(name, policy, risk, at_message, when=_may_be_last),
        )

    return make


def _softened(facts: Facts, answer: Answer, risk: float, share: float) -> Answer:
    if answer is None:
        return None
    # What the supervisor itself refused in this turn is not the actor's omission.
    refused = {call.name for call in facts.refused}
    if any(request.tools & refused for request in facts.once(Requests.of).distinct):
        return None
    return replace(answer, counts=share * _lift(answer.risk or risk))


def _lift(risk: float) -> float:
    """Return how much of a risk is more than the base rate, as an exponent of 1 - risk."""
    return max(0.0, 1 - log(1 - BASE_RATE) / log(1 - risk))


def _weight(facts: Facts) -> float:
    draft = facts.draft.lower()
    leaving = facts.answer is not None and says_goodbye(facts.answer.lower)
    goes_on = asks_consent(draft) or asks_for_data(draft)
    return AT_THE_END if leaving and not goes_on else MORE_MAY_COME


def is_plan(facts: Facts, exchange: Exchange) -> bool:
    """Whether the agent asked to agree to a change, not merely to look or to continue.

    What is said right after a write is a report, unless it asks for a yes in so many words.
    """
    question = exchange.question
    before = [line.position for line in facts.user_lines if line.position < question.position]
    since = before[-1] if before else -1
    reports = any(since < done.position < question.position for done in facts.writes)
    if reports and not _ASKS_PLAINLY.search(question.lower):
        return False
    # An id that no tool has shown is an example of what the user might say.
    return "$" in question.text or any(i.lstrip("#") in facts.shown for i in question.ids)


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
