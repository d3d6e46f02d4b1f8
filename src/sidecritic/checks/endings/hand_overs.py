"""Checks of hand-overs to a person: too early, needless, after an error, not announced."""

import re

from sidecritic.checks.base import Answer, Objection, call_check, text_check
from sidecritic.checks.case import Case
from sidecritic.checks.endings.closing import TRANSFER, end_check, pending_plan
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.requests import Requests
from sidecritic.english.acts import declines, wants_human
from sidecritic.english.listings import words_of
from sidecritic.values import scalars

_PRESCRIBED = re.compile(r"then send the message ['\"]([^'\"\n]+)['\"] to the user")
_NO_WORD = re.compile(r"\W+")


@call_check("premature transfer", policy=TRANSFER, risk=0.6, hand_overs=True)
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


@call_check("transfer of what can be served", policy=TRANSFER, risk=0.5, hand_overs=True)
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


@end_check("handed over after an error", risk=0.68, policy=TRANSFER)
def handed_over_after_error(facts: Facts) -> Answer:
    """Fire when a hand-over follows a failed call instead of another try."""
    before = _before_hand_over(facts)
    if before is None or not any(done.is_error for done in before[-3:]):
        return None
    failed = next(done for done in reversed(before) if done.is_error)
    return Objection(
        f"`{failed.call.name}` failed ({failed.text[:80]}). Correct the arguments or look up what "
        "is right, and try again; a failed call is no reason for a transfer.",
        evidence=failed.text[:120],
        messages=(failed.position,),
    )


@text_check("transfer not announced", policy=TRANSFER, risk=0.6)
def transfer_not_announced(facts: Facts, draft: str) -> Objection | None:
    """Fire when words other than the prescribed ones follow a transfer."""
    handed = [d for d in facts.done if d.call.name in facts.hand_overs and not d.is_error]
    words = _PRESCRIBED.search(facts.policy) if handed else None
    if words is None:
        return None
    since = handed[-1].position
    said = [line.text for line in facts.agent_lines if line.position > since]
    if any(_bare(words[1]) in _bare(text) for text in (*said, draft)):
        return None
    return Objection(
        f"The user is being transferred. Send them the message that the policy prescribes: "
        f"'{words[1]}'",
        evidence=draft[:120],
        messages=(since,),
    )


def _is_stuck(facts: Facts) -> bool:
    """Whether a write failed, or a look-up of a kind that did not succeed later."""
    # "find user id by email" makes up for a "find user id by name zip".
    last = {words_of(done.call.name).split(" ")[0]: done.is_error for done in facts.done}
    return any(last.values()) or any(done.is_error and done.writes for done in facts.done)


def _before_hand_over(facts: Facts) -> list[Done] | None:
    """Return the calls before the hand-over that is proposed or was made; `None` without one."""
    for index, done in enumerate(facts.done):
        if done.call.name in facts.hand_overs:
            return list(facts.done[:index])
    handing = any(call.name in facts.hand_overs for call in facts.proposed)
    return list(facts.done) if handing else None


def _bare(text: str) -> str:
    """Return the words of a text, whatever their case and punctuation."""
    return f" {_NO_WORD.sub(' ', text).strip().lower()} "
