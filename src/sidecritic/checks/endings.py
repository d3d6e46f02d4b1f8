"""Checks of the end of a conversation, in every domain: omissions and hand-overs.

An omission can only be seen when the agent takes leave or hands over: what was agreed or
asked for must then be done, or have been declined.
"""

import re
from collections.abc import Iterator

from sidecritic.checks.answers import ANSWERS
from sidecritic.checks.base import CallCheck, Objection, TextCheck, call_check, text_check
from sidecritic.checks.facts import Facts, Line
from sidecritic.checks.omissions import AT_THE_END, OMISSIONS, is_plan
from sidecritic.checks.partings import PARTINGS, TRANSFER
from sidecritic.checks.requests import Requests, outright
from sidecritic.english.closing import asks_for_data
from sidecritic.english.language import (
    asks_consent,
    declines,
    takes_leave,
    wants_human,
)
from sidecritic.english.listings import words_of
from sidecritic.types import ToolCall
from sidecritic.values import scalars

KEEP_PROMISES = "What the user agreed to is carried out before it is reported."
"""No sentence of a benchmark's policy, but what every one of them takes for granted."""

Kinds = tuple[tuple[str, re.Pattern[str], frozenset[str]], ...]

_REQUESTS: Kinds = (
    ("a cancellation", re.compile(r"\bcancel\b"), frozenset({"cancel"})),
    (
        "a return",
        re.compile(r"\b(to|and|please) return\b(?! (flight|trip|leg))|\bsend back\b"),
        frozenset({"return", "exchange"}),
    ),
    (
        "an exchange",
        re.compile(r"\b(exchange|swap)\b"),
        frozenset({"exchange", "modify", "return"}),
    ),
    (
        "a change of address",
        re.compile(r"\b(change|update|modify)\b[^.\n]*\baddress\b"),
        frozenset({"address"}),
    ),
    ("a booking", re.compile(r"\bbook (a|an|me|another|the|it)\b"), frozenset({"book", "update"})),
    (
        "a change",
        re.compile(r"\b(change|modify|update|upgrade|downgrade)\b"),
        frozenset({"modify", "update", "exchange", "cancel"}),
    ),
)
"""What a user asks for, and words in the names of the tools that serve it."""

_LOOSER_REQUESTS: Kinds = (
    *_REQUESTS,
    (
        "a booking",
        re.compile(
            r"\b(make|create|need|want|like) (a |an |another |the )?(new )?"
            r"(reservation|booking|flight)\b"
        ),
        frozenset({"book"}),
    ),
    (
        "a change of flights",
        re.compile(
            r"\b(reschedule|move|switch)\b[^.\n]{0,30}\b(flights?|trip|reservation)\b"
            r"|\b(earlier|later|different|another|nonstop|direct) flight\b"
        ),
        frozenset({"flights"}),
    ),
    (
        "a change of bags",
        re.compile(
            r"\b(add|more|extra|another)\b[^.\n]{0,25}\b(bags?|baggages?|suitcases?|luggage)\b"
        ),
        frozenset({"baggages"}),
    ),
    (
        "a change of passengers",
        re.compile(r"\b(change|replace|correct|fix|update)\b[^.\n]{0,25}\bpassengers?\b"),
        frozenset({"passengers"}),
    ),
    ("a refund", re.compile(r"\b(refund|money back)\b"), frozenset({"refund"})),
    (
        "a return",
        re.compile(
            r"\breturn (the|my|this|that|it|them|all|both|some|everything)\b(?! (flight|trip|leg))"
            r"|\bor return\b"
        ),
        frozenset({"return"}),
    ),
    (
        "a change of address",
        re.compile(r"\b(moved|moving) (to|from|house)\b|\bi am moving\b|\bshould go to\b"),
        frozenset({"address"}),
    ),
)
"""Ways of asking that are too vague to hold an omission against a goodbye."""

_CONDITION = re.compile(r"\b(if|otherwise|instead|rather|in case|unless|whether|how)\b")
_NEGATED = re.compile(r"\b(not|n't|don't|won't|never|without|no need to)\b[^,.]{0,20}$")
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


@text_check("request not served", policy=TRANSFER, risk=0.4)
def unserved(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent takes leave and what was asked for was neither done nor declined."""
    lower = draft.lower()
    goes_on = asks_consent(lower) or asks_for_data(lower)
    if not takes_leave(lower) or declines(lower) or declines(facts.told) or goes_on:
        return None
    all_done = bool(_ALL_DONE.search(lower))
    open_ones = list(_open_requests(facts, strict=True))
    if all_done:
        left = outright(facts.once(Requests.of).open)
        open_ones += [f"something to {request.kind}" for request in left]
    if not open_ones:
        return None
    return Objection(
        feedback=f"The user asked for {open_ones[0]}, and that is not done yet, nor was it "
        "declined. Serve it, or say why it cannot be done, before you take leave.",
        evidence=", ".join(open_ones),
        risk=0.6 if all_done else None,
        # Without such a claim the agent may still be asked for the rest.
        counts=1.0 if all_done else AT_THE_END,
    )


@call_check("premature transfer", policy=TRANSFER, risk=0.6, hand_overs=True)
def premature_transfer(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a hand-over while a plan that the user agreed to is not carried out."""
    pending = pending_plan(facts)
    if pending is None or wants_human(facts.said):
        return None
    return Objection(
        feedback="The user agreed to a plan that your tools can carry out, and it has not been "
        "executed. Execute it; do not transfer what can be served here.",
        evidence=pending.text[:160],
        messages=(pending.position,),
    )


@call_check("transfer of what can be served", policy=TRANSFER, risk=0.5, hand_overs=True)
def needless_transfer(facts: Facts, call: ToolCall) -> Objection | None:
    """Fire on a hand-over of requests that were neither tried nor declined.

    A look-up that failed is no excuse when it succeeded afterwards.
    """
    reason = " ".join(scalars(dict(call.arguments or {}))).lower()
    if wants_human(facts.said) or declines(facts.told) or declines(reason):
        return None
    if _is_stuck(facts):
        return None
    open_ones = tuple(_open_requests(facts, strict=False))
    if not open_ones:
        return None
    return Objection(
        feedback=f"The user asks for {open_ones[0]}, which your tools can do, and it was not "
        "tried. Serve the request; do not transfer what can be served here.",
        evidence=", ".join(dict.fromkeys(open_ones)),
    )


_WHOLE = (*OMISSIONS, *ANSWERS, *PARTINGS)

ENDING_CALLS: tuple[CallCheck, ...] = (
    premature_transfer,
    needless_transfer,
    *(check.call for check in _WHOLE),
)
ENDING_TEXTS: tuple[TextCheck, ...] = (plan_dropped, unserved, *(check.text for check in _WHOLE))


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


def _is_stuck(facts: Facts) -> bool:
    """Whether a write failed, or a look-up of a kind that did not succeed later."""
    # "find user id by email" makes up for a "find user id by name zip".
    last = {_words(done.call.name)[:2]: done.is_error for done in facts.done}
    return any(last.values()) or any(done.is_error and done.writes for done in facts.done)


def _open_requests(facts: Facts, *, strict: bool) -> Iterator[str]:
    """Walk over what the user asked for and no call has tried.

    When `strict`, a request counts only where it is made outright: not in case something
    else fails, and not in the negative.
    """
    known = {word for tool in facts.tools if facts.may_write(tool) for word in _words(tool)}
    tried = {word for done in facts.done if done.writes for word in _words(done.call.name)}
    tried |= {word for call in facts.refused for word in _words(call.name)}
    for request, pattern, serving in _REQUESTS if strict else _LOOSER_REQUESTS:
        if known & serving and not tried & serving and _asked(facts, pattern, strict=strict):
            yield request


def _asked(facts: Facts, pattern: re.Pattern[str], *, strict: bool) -> bool:
    for sentence in facts.wishes:
        match = pattern.search(sentence)
        if match is None or (strict and _CONDITION.search(sentence)):
            continue
        if not strict or not _NEGATED.search(sentence[: match.start()]):
            return True
    return False


def _words(tool: str) -> tuple[str, ...]:
    return tuple(words_of(tool).split(" "))
