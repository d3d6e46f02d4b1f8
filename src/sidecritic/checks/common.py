"""Checks of a call that hold in every domain: consent, consistency, grounding, repetition.

They know a tool only by its name, arguments and results, so that the pack of any domain may
include them.
"""

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.consent import asks_for
from sidecritic.english.listings import (
    agrees,
    is_id,
    listing,
    short,
    words_of,
)
from sidecritic.money import means
from sidecritic.values import scalars, texts_in

CONSENT = (
    "Before taking any action that updates the database, you must list the action details and "
    "obtain explicit user confirmation (yes) to proceed."
)
NO_INVENTION = (
    "You should not make up any information or knowledge or procedures not provided by the "
    "user or the tools."
)


EVIDENCE = 0.12
"""Risk of what is told and refuses nothing, neither alone nor with four of its kind.

A check has it where, on runs of users that it was not written on, less than half of what it
fired on was wrong, or where the tool refuses the call by itself.
"""


@call_check("unconfirmed write", policy=CONSENT, risk=0.7)
def unconfirmed(case: Case) -> Objection | None:
    """Fire when the user has agreed to nothing that covers the call."""
    if case.agreed is not None:
        return None
    return Objection(
        feedback=f"The user has not agreed to `{case.tool}` yet. First send a message that lists "
        f"what will be done ({listing(case.call)}) and ask for a yes; call the tool after that.",
        evidence=case.facts.answer.text[:120] if case.facts.answer else "the user has said nothing",
        # A user who asks for what was spoken of wants it, even without being asked for a yes.
        risk=EVIDENCE if _is_asked_for(case) and _is_announced(case) else None,
        messages=(case.facts.answer.position,) if case.facts.answer else (),
    )


@call_check("not as listed", policy=CONSENT, risk=0.9)
def not_as_listed(case: Case) -> Objection | None:
    """Fire when the listing that the user agreed to gives an argument another value."""
    agreed = case.agreed
    if agreed is None:
        return None
    listed = agreed.question.listed
    for key, value in case.arguments.items():
        announced = listed.get(words_of(key))
        schema = case.schema
        if announced and not any(
            agrees(one, value) or means(one, key, value, schema) for one in announced
        ):
            return Objection(
                feedback=f"`{key}` is {short(value)}, but the user agreed to {announced[0]}. "
                "Call with what was agreed, or list the change and ask again.",
                evidence=f"listed {words_of(key)}: {announced[0]}",
                messages=(agreed.question.position, agreed.answer.position),
            )
    return None


@call_check("made-up id", policy=NO_INVENTION, risk=0.85)
def ungrounded(case: Case) -> Objection | None:
    """Fire on an id that neither the user nor a tool has ever named."""
    for value in texts_in(dict(case.arguments)):
        lower = value.lower()
        if (
            is_id(value)
            and lower not in case.facts.shown
            and lower.lstrip("#") not in case.facts.said
        ):
            return Objection(
                feedback=f"{value} was named neither by the user nor by a tool. Look the id up "
                "and use the one that the tool returns.",
                evidence=value,
            )
    return None


@call_check("repeated write", policy=CONSENT, risk=EVIDENCE)
def repeated(case: Case) -> Objection | None:
    """Fire on a call that has been executed before with the same arguments."""
    for done in case.facts.writes:
        if done.call.name == case.tool and done.arguments == case.arguments:
            return Objection(
                feedback=f"`{case.tool}` with exactly these arguments was already executed. "
                "Tell the user that it is done instead of repeating it.",
                evidence=f"executed at message {done.position}",
                messages=(done.position,),
            )
    return None


def _is_asked_for(case: Case) -> bool:
    """Whether the user's last message asks for the deed."""
    answer = case.facts.answer
    return answer is not None and asks_for(answer.lower, case.tool)


def _is_announced(case: Case) -> bool:
    """Whether the agent has told the user a value of the call since the last write."""
    since = max((done.position for done in case.facts.writes), default=-1)
    told = [line.lower for line in case.facts.agent_lines if line.position > since]
    values = [value.lower().lstrip("#") for value in scalars(dict(case.arguments))]
    return any(value in line for line in told for value in values if len(value) > 2)
