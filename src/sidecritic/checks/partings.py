"""Checks of how a conversation ends: refusals, hand-overs, and users who leave empty-handed."""

import re
from collections import defaultdict
from dataclasses import replace

from sidecritic.checks.base import Answer, Objection, Support
from sidecritic.checks.facts import Done, Facts, Line
from sidecritic.checks.omissions import (
    BASE_RATE,
    EndCheck,
    dropped_plan,
    end_check,
)
from sidecritic.checks.requests import Requests, outright
from sidecritic.checks.statements import false_claim
from sidecritic.checks.things import unread_records
from sidecritic.english.closing import defers, is_grateful, is_unhappy, says_goodbye
from sidecritic.english.language import affirms, asks_consent, declines, wants_human

LOOK_FIRST = "You should not make up any information: look up what the tools can tell."
TRANSFER = (
    "You should transfer the user to a human agent if and only if the request cannot be "
    "handled within the scope of your actions."
)
ONLY_TOOLS = "You can do what your tools do, and nothing else."

_PROMISE = re.compile(
    r"\b(i|we)(['’]ll| will| can)( \w+)? (notify|monitor|follow up|keep an eye"
    r"|keep you (posted|updated)|update you|let you know (when|as soon|once)|get back to you"
    r"|loop you in|contact you)\b"
)
_MISSING = re.compile(
    r"\b(do not|don['’]t|cannot|can['’]t|could(n['’]t| not)|(un|not )able to) (see|find|locate)"
    r"|\b(no|not) [^.\n]{0,40}(found|listed|on file|included)\b"
    r"|\bthere (is|are) (no|not)\b|\bthere (isn|aren)['’]t\b"
    r"|\bdoes(n['’]t| not) (contain|include|appear|exist|have)\b"
)
_UNSURE = re.compile(r"\b(don['’]?t|do not|can['’]?t|not) (have|remember|know|recall|sure)\b")
_BEST = re.compile(r"\b(cheapest|most expensive|lowest|highest|dearest|fastest|shortest)\b")
_RULE = re.compile(
    r"\b(polic(y|ies)|rules?|not (allowed|permitted|eligible)|only (if|when|for|be|within))\b"
)
_ACCEPTS = re.compile(
    r"\b(i understand|understood|i see|okay|ok|alright|fair enough|no problem|got it"
    r"|makes sense)\b"
)
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


@end_check("refused before looking", risk=0.33, policy=LOOK_FIRST)
def refused_before_looking(facts: Facts) -> Answer:
    """Fire when something was said to be impossible before anything was looked up."""
    looks = facts.once(_looks)
    first = looks[0].position if looks else None
    for line in facts.agent_lines:
        if (first is None or line.position < first) and declines(line.lower):
            return Objection(
                "You said that something cannot be done before you had looked anything up. Look "
                "it up, and correct yourself if it can be done.",
                evidence=line.text[:120],
                messages=(line.position,),
            )
    return None


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


@end_check("person asked for", risk=0.5, policy=TRANSFER)
def person_asked_for(facts: Facts) -> Answer:
    """Fire when a user who came for something else had to ask for a person."""
    if _before_hand_over(facts) is None or facts.writes or not wants_human(facts.said):
        return None
    asked = outright(facts.once(Requests.of).distinct)
    if not asked:
        return None
    return Objection(
        f"The user came to {asked[0].kind} something and gave up. See whether your tools can do "
        "it before you transfer.",
        evidence=asked[0].text[:120],
        messages=(asked[0].position,),
    )


@end_check("handed over within the policy", risk=BASE_RATE, policy=TRANSFER)
def handed_over_rightly(facts: Facts) -> Answer:
    """Speak for a hand-over that the agent found necessary, with records read and no failure."""
    before = _before_hand_over(facts)
    if before is None or wants_human(facts.said) or any(done.is_error for done in before[-3:]):
        return None
    looks = facts.once(_looks)
    if not looks:
        return None
    return Support(evidence="records read", messages=(looks[-1].position,))


@end_check("put off", risk=0.6)
def put_off(facts: Facts) -> Answer:
    """Fire when the user leaves to come back later, and nothing was changed."""
    last = facts.user_lines[-2:]
    delayed = [line for line in last if defers(line.lower)]
    asked = outright(facts.once(Requests.of).distinct)
    if not delayed or facts.writes or not asked:
        return None
    return Objection(
        f"The user came to {asked[0].kind} something and leaves without it. Offer to look up "
        "what is missing yourself, and do it now.",
        evidence=delayed[-1].text[:120],
        messages=(delayed[-1].position,),
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


@end_check("not found, not searched", risk=0.43, policy=LOOK_FIRST)
def not_searched(facts: Facts) -> Answer:
    """Fire when something was said to be missing while listed records were never read."""
    missing = [line for line in facts.agent_lines if _MISSING.search(line.lower)]
    unread = facts.once(unread_records)
    if not missing or not unread:
        return None
    return Objection(
        f"You said that something is not there, and never looked at {', '.join(unread[:4])}. Look "
        "at every record before you say so.",
        evidence=", ".join(unread[:4]),
        messages=(missing[0].position,),
    )


@end_check("records never read", risk=0.4, policy=LOOK_FIRST)
def records_never_read(facts: Facts) -> Answer:
    """Fire when nothing was done for a user some of whose records nobody has looked at."""
    unread = facts.once(unread_records)
    if not unread or facts.writes or not facts.once(Requests.of).distinct:
        return None
    return Objection(
        f"Nothing is done, and you never looked at {', '.join(unread[:4])}. What the user means "
        "may be there: look.",
        evidence=", ".join(unread[:4]),
    )


@end_check("best offer asked for", risk=0.36, policy=LOOK_FIRST)
def best_offer(facts: Facts) -> Answer:
    """Fire when the user wants the cheapest or dearest, where agents often err."""
    asked = [line for line in facts.user_lines if _BEST.search(line.lower)]
    if not asked:
        return None
    return Objection(
        "The user wants the best offer by some measure. Compare all that is available, and tell "
        "them what you chose and why.",
        evidence=asked[0].text[:120],
        messages=tuple(line.position for line in asked),
    )


@end_check("refused by a rule", risk=BASE_RATE)
def refused_by_rule(facts: Facts) -> Answer:
    """Speak for an end after a refusal that named its rule, once the record had been read."""
    refusals = [line for line in facts.once(_refusals) if _RULE.search(line.lower)]
    if not refusals or facts.once(dropped_plan):
        return None
    return Support(evidence=refusals[-1].text[:120], messages=(refusals[-1].position,))


@end_check("refusal accepted", risk=BASE_RATE)
def refusal_accepted(facts: Facts) -> Answer:
    """Speak for an end after a refusal, once the record had been read, that the user accepts."""
    refusals = facts.once(_refusals)
    if not refusals or facts.once(dropped_plan):
        return None
    for line in facts.user_lines:
        if line.position > refusals[-1].position and _ACCEPTS.search(line.lower):
            return Support(
                evidence=line.text[:120], messages=(refusals[-1].position, line.position)
            )
    return None


@end_check("user unsure", risk=0.41, policy=LOOK_FIRST)
def user_unsure(facts: Facts) -> Answer:
    """Fire when the user twice did not know what the agent asked for."""
    unsure = [line for line in facts.user_lines if _UNSURE.search(line.lower)]
    if len(unsure) < 2:
        return None
    return Objection(
        "The user does not know what you ask for. Look it up by what they do know.",
        evidence=unsure[-1].text[:120],
        messages=tuple(line.position for line in unsure),
    )


@end_check("user unhappy", risk=0.33)
def user_unhappy(facts: Facts) -> Answer:
    """Fire when the user's last words show that they are not satisfied."""
    unhappy = [line for line in facts.user_lines[-2:] if is_unhappy(line.lower)]
    if not unhappy:
        return None
    return Objection(
        "The user is not satisfied. Ask what is still missing, and see whether you can do it.",
        evidence=unhappy[-1].text[:120],
        messages=(unhappy[-1].position,),
    )


@end_check("promise without a tool", risk=0.45, policy=ONLY_TOOLS)
def empty_promise(facts: Facts) -> Answer:
    """Fire when the agent promises to be in touch later, which no tool does."""
    for position, text in _told(facts):
        found = _PROMISE.search(text)
        if found:
            return Objection(
                "You promise to be in touch later, and no tool of yours does that. Say what you "
                "can do now instead.",
                evidence=found[0],
                messages=(position,) if position >= 0 else (),
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


@end_check("claim never made good", risk=0.4, policy=ONLY_TOOLS)
def claim_never_made_good(facts: Facts) -> Answer:
    """Fire when an earlier message reported a deed that no call has done up to now."""
    for line in facts.agent_lines:
        claim = false_claim.examine(replace(facts, draft=line.text), line.text)
        if isinstance(claim, Objection):
            return replace(claim, risk=None, messages=(line.position,))
    return None


@end_check("thanks for what was done", risk=BASE_RATE)
def thanked(facts: Facts) -> Answer:
    """Speak for an end at which the user takes leave with thanks, after a change."""
    answer = facts.answer
    if answer is None or not facts.writes or defers(answer.lower):
        return None
    if not (is_grateful(answer.lower) and says_goodbye(answer.lower)):
        return None
    return Support(evidence=answer.text[:120], messages=(answer.position,))


PARTINGS: tuple[EndCheck, ...] = (
    nothing_looked_up,
    refused_before_looking,
    handed_over_after_error,
    person_asked_for,
    handed_over_rightly,
    put_off,
    long_and_nothing_done,
    asked_again,
    not_searched,
    records_never_read,
    best_offer,
    refused_by_rule,
    refusal_accepted,
    user_unsure,
    user_unhappy,
    empty_promise,
    asks_again_for_yes,
    claim_never_made_good,
    thanked,
)


def _looks(facts: Facts) -> list[Done]:
    """Return the look-ups that told something of a record: a customer, an order, a flight."""
    return [
        done
        for done in facts.done
        if not done.writes and not done.is_error and done.arguments and _is_record(done)
    ]


def _refusals(facts: Facts) -> list[Line]:
    """Return the messages that declined something after a look-up had succeeded."""
    looks = facts.once(_looks)
    if not looks:
        return []
    since = looks[0].position
    return [one for one in facts.agent_lines if one.position > since and declines(one.lower)]


def _is_record(done: Done) -> bool:
    """Whether a result is more than a number or a word: an id at least, or JSON."""
    return (
        isinstance(done.value, dict | list)
        or "_" in done.text
        or done.call.name.startswith(("find", "get", "search", "list", "look"))
    )


def _before_hand_over(facts: Facts) -> list[Done] | None:
    """Return the calls before the hand-over that is proposed or was made; `None` without one."""
    for index, done in enumerate(facts.done):
        if done.call.name in facts.hand_overs:
            return list(facts.done[:index])
    handing = any(call.name in facts.hand_overs for call in facts.proposed)
    return list(facts.done) if handing else None


def _told(facts: Facts) -> list[tuple[int, str]]:
    """Return what the agent said, and is about to say (position -1), in lower case."""
    told = [(line.position, line.lower) for line in facts.agent_lines]
    return [*told, (-1, facts.draft.lower())]
