"""Checks of what was asked for or agreed to, and never done: told when a conversation closes.

Each looks at the whole conversation, at a hand-over as well as at a message that may be the
last. Most are hints: alone they refuse nothing, together they tell which runs will fail.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import log

from sidecritic.checks.base import Answer, CallCheck, Objection, TextCheck
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Exchange, Facts
from sidecritic.checks.requests import Request, Requests, outright
from sidecritic.english.acts import asks_consent, asks_for_data, closes, says_goodbye

SERVE_ALL = "What the user asks for is done, or declined with the reason, before taking leave."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""
HAND_OVERS = ("transfer_to_human_agents", "transfer_to_human")

BASE_RATE = 0.3
"""Share of conversations that fail; the risk of a check that only ever speaks for an end."""
AT_THE_END = 0.2
"""How much a hint counts when the user has taken leave, or is handed over."""
MORE_MAY_COME = 0.12
"""The same while the user may still answer: what is open may be served later."""

Examine = Callable[[Facts], Answer]

_ASKS_PLAINLY = re.compile(r"\b(confirm|proceed|go ahead|shall i|yes)\b")


@dataclass(frozen=True, slots=True)
class EndCheck:
    """A check of the end of a conversation, whether by words or by a hand-over."""

    call: CallCheck
    text: TextCheck


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
            call=CallCheck(name, policy, risk, at_hand_over, frozenset(HAND_OVERS)),
            text=TextCheck(name, policy, risk, at_message, when=_may_be_last),
        )

    return make


@end_check("nothing done", risk=0.48)
def nothing_done(facts: Facts) -> Answer:
    """Fire when changes were asked for and none was made."""
    asked = outright(facts.once(Requests.of).distinct)
    if not asked or facts.writes:
        return None
    return Objection(
        f"The user asked you to {asked[0].kind}, and nothing was changed. Do it, or make sure "
        "that the policy forbids it and say why.",
        evidence=asked[0].text[:120],
        messages=(asked[0].position,),
    )


@end_check("thing left out", risk=0.6)
def thing_left_out(facts: Facts) -> Answer:
    """Fire when a thing that the user asked about was touched by no write."""
    left = facts.once(Requests.of).left_things
    if not left:
        return None
    names = " and the ".join(sorted(left)[:3])
    return Objection(
        f"The user asked about the {names}, and no call has touched it. Serve that request "
        "too, or say why it cannot be served.",
        evidence=names,
        messages=tuple(sorted(set(left.values()))),
    )


@end_check("record left out", risk=0.6)
def record_left_out(facts: Facts) -> Answer:
    """Fire when a record that the user asked to change was never changed."""
    requests = facts.once(Requests.of)
    left = {i: at for i, at in requests.wanted_ids.items() if i not in requests.touched}
    if not left:
        return None
    return Objection(
        f"The user asked for a change of {', '.join(sorted(left)[:3])}, and no call has changed "
        "it. Do it, or say why it cannot be done.",
        evidence=", ".join(sorted(left)),
        messages=tuple(sorted(set(left.values()))),
    )


@end_check("agreed and not done", risk=0.58)
def agreed_not_done(facts: Facts) -> Answer:
    """Fire when the user agreed to a plan and no write was tried afterwards."""
    last = facts.once(dropped_plan)
    if last is None:
        return None
    return Objection(
        "The user agreed to your plan, and nothing was executed after that. Execute it, or say "
        "why it cannot be done.",
        evidence=last.question.text[:120],
        messages=(last.question.position, last.answer.position),
    )


@end_check("requests open", risk=0.42)
def requests_open(facts: Facts) -> Answer:
    """Fire when kinds of requests have no matching write; surer when there are several."""
    left = outright(facts.once(Requests.of).open)
    if not left:
        return None
    return Objection(
        f"Not done yet: {_named(left)}. Serve each request, or say why it cannot be served.",
        evidence=_named(left),
        risk=0.62 if len(left) > 1 else None,
        messages=_positions(left),
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


@end_check("failed and left", risk=0.56)
def failed_and_left(facts: Facts) -> Answer:
    """Fire when a write failed and did not succeed later."""
    failed = facts.once(Requests.of).failed
    if not failed:
        return None
    return Objection(
        f"`{failed[-1].call.name}` failed ({failed[-1].text[:80]}) and was not repaired. Find "
        "out why and call it again with the right arguments, or say that it was not done.",
        evidence=failed[-1].text[:120],
        messages=tuple(done.position for done in failed),
    )


@end_check("another tool would do", risk=0.78)
def another_tool(facts: Facts) -> Answer:
    """Fire when a request was declined for the state of a record that another tool works on."""
    found = facts.once(Requests.of).servable
    if found is None:
        return None
    request, tool, state = found
    return Objection(
        f"You declined to {request.kind} because of the status. `{tool}` is for what is "
        f"{state}: see whether it serves the request.",
        evidence=request.text[:120],
        messages=(request.position,),
    )


OMISSIONS: tuple[EndCheck, ...] = (
    nothing_done,
    thing_left_out,
    record_left_out,
    agreed_not_done,
    requests_open,
    fewer_deeds,
    failed_and_left,
    another_tool,
)


def _softened(facts: Facts, answer: Answer, risk: float, share: float) -> Answer:
    if not isinstance(answer, Objection):
        return answer
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


def dropped_plan(facts: Facts) -> Exchange | None:
    """Return the last plan that the user agreed to, when no write was tried after it."""
    tried = max((done.position for done in facts.done if done.writes), default=-1)
    for exchange in reversed(facts.exchanges):
        if exchange.answer.position < tried or facts.refused:
            return None
        if exchange.agreed and is_plan(facts, exchange):
            return exchange
    return None


def is_plan(facts: Facts, exchange: Exchange) -> bool:
    """Whether the agent asked to agree to a deed, and not merely to look or to go on.

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


def _named(requests: tuple[Request, ...]) -> str:
    return ", ".join(dict.fromkeys(request.kind for request in requests))


def _positions(requests: tuple[Request, ...]) -> tuple[int, ...]:
    return tuple(sorted({request.position for request in requests}))
