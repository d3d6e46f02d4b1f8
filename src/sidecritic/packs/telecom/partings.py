"""Telecom: how a conversation ends in which nothing but a transfer can help."""

import re

from sidecritic.checks.base import Objection, text_check
from sidecritic.checks.facts import Exchange, Facts, Line
from sidecritic.english.acts import (
    affirms,
    asks_consent,
    asks_for_data,
    declines,
    says_goodbye,
    says_no,
    takes_leave,
)
from sidecritic.english.scope import ahead, negated
from sidecritic.english.text import sentences
from sidecritic.packs.telecom.phone import sim_locked
from sidecritic.packs.telecom.records import TRANSFER

_BYE = re.compile(
    r"\b(good ?bye|take care(?! of)"
    r"|have a (\w+ )?(great|nice|good|wonderful|lovely|pleasant) \w+)\b"
)
_SOLVED = re.compile(
    r"\b(issues?|problems?|service|signal|sim( card)?|everything)\b( \w+){0,2}"
    r" (is|are|has been|have been|was)( \w+)?"
    r" (resolved|solved|fixed|restored|unlocked|working|back)\b"
)
_ELSEWHERE = re.compile(
    r"\b(contact(ing)?|call(ing)?|visit(ing)?|go(ing)? to|reach(ing)? out to|get in touch with)\b"
    r"[^.!?\n]{0,30}\b(support|stores?|shop|carrier|provider|customer (service|care))\b"
)
_WHAT_ELSE = re.compile(r"\b(else|further|other|any more|anything more|help|assist)\b")
_STEP = re.compile(
    r"\bplease\b[^.!?\n]{0,25}\b(try|turn|(re)?start|reboot|reset|enter|remove|(re)?insert|open"
    r"|switch|disconnect|enable|disable|follow|select)\b"
    r"|\blet me know (what|how|whether|if (this|it|that|your|the issue))\b"
)
_HANDS_OVER = re.compile(
    r"\b(transfer\w*|escalat\w*|connect you|(human|live) agent|real person|specialist)\b"
)
_PERSON = re.compile(r"\b(transfer|escalat|human|person|agent|specialist|anyone|someone)")
_HANDING = re.compile(
    r"\bbeing transferred\b|\b(i'll|i will|i am|i'm|let me)( \w+)?"
    r" (transfer(ring)?|escalat(e|ing)|connect(ing)?) (you|this|your)\b"
)


@text_check(
    "locked SIM card left",
    risk=0.7,
    policy='If it shows "Locked" (due to incorrect PIN or PUK entries), escalate to technical '
    "support for assistance with SIM security.",
)
def locked_sim_left(facts: Facts, draft: str) -> Objection | None:
    """Fire when a conversation ends without a transfer while the SIM card is locked.

    An offer to transfer, and another question or step, do not end it.
    """
    locked = sim_locked(facts)
    if locked is None or _is_handed_over(facts) or _is_declined(facts, locked):
        return None
    if not _ends(facts, draft.lower()):
        return None
    return Objection(
        "The user's SIM card is locked, and nothing that you or the user can do unlocks it. Call "
        f"`{TRANSFER}` before you take leave or report that it is solved.",
        evidence=locked.text[:120],
        messages=(locked.position,),
    )


def _is_handed_over(facts: Facts) -> bool:
    """Whether the transfer was made, or was tried in this turn and refused by the supervisor."""
    made = any(done.call.name in facts.hand_overs and not done.is_error for done in facts.done)
    return made or any(call.name in facts.hand_overs for call in facts.refused)


def _is_declined(facts: Facts, locked: Line) -> bool:
    """Whether the user was offered the transfer since then, and does without it."""
    return any(
        exchange.question.position > locked.position and _does_without(exchange)
        for exchange in facts.exchanges
    )


def _does_without(exchange: Exchange) -> bool:
    answer = exchange.answer.lower
    if not _HANDS_OVER.search(exchange.question.lower) or affirms(answer):
        return False
    named = _PERSON.finditer(answer)
    return says_no(answer) or any(negated(answer, found.start()) for found in named)


def _ends(facts: Facts, lower: str) -> bool:
    """Whether a message takes leave, reports success, or sends the user elsewhere."""
    # Only the call itself hands the user over.
    announces = _reports(_HANDING, lower) and not asks_consent(lower)
    if _BYE.search(lower) or announces:
        return True
    if _ELSEWHERE.search(lower) and not _HANDS_OVER.search(lower):
        return True
    if _goes_on(lower):
        return False
    leaving = facts.answer is not None and says_goodbye(facts.answer.lower)
    return leaving or takes_leave(lower) or declines(lower) or _reports(_SOLVED, lower)


def _goes_on(lower: str) -> bool:
    """Whether a message asks for an answer or a step, and not whether anything else is left."""
    asked = (one for one in sentences(lower) if "?" in one)
    return (
        bool(_STEP.search(lower))
        or asks_for_data(lower)
        or asks_consent(lower)
        or any(not _WHAT_ELSE.search(one) for one in asked)
    )


def _reports(pattern: re.Pattern[str], lower: str) -> bool:
    """Whether a sentence says so, and not under which condition it will be so."""
    found = ((one, pattern.search(one)) for one in sentences(lower))
    return any(match and not ahead(one, match.start()) for one, match in found)
