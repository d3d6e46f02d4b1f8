"""Airline: users who are helped, or told no, and not sent away."""

import re

from sidecritic.checks.base import CallCheck, EndCheck, Objection, TextCheck, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.english.acts import takes_leave
from sidecritic.packs.airline.records import says
from sidecritic.packs.airline.sources import said_at

# τ² also says that the agent should help to locate the reservation; τ-bench has this alone.
_SERVE = (
    "You should transfer the user to a human agent if and only if the request cannot be handled "
    "within the scope of your actions."
)
_UNKNOWN = re.compile(
    r"(\b(not|cannot|never|unable to)|n['’]t)( \w+){0,3} "
    r"(have|know|remember|recall|find|locate|sure)\b"
    r"[^.!?\n]{0,40}\b(reservation|booking|confirmation|id|number|it)\b"
    r"|\b(forgot|forgotten|lost|misplaced)\b[^.!?\n]{0,30}\b(reservation|booking|id|number)\b"
)
_MORE = re.compile(
    r"\b(cancel\w*|refund\w*|compensat\w*|(up|down)grad\w*|cabin|insurance|bags?|baggages?"
    r"|(change|move|switch)\w* [^.?!\n]{0,20}\b(flights?|dates?|day))\b"
)
_NUMBER = re.compile(
    r"\b(remov|tak|drop|cancel)\w*\b[^.?!\n]{0,25}\b(passenger|companion)\b"
    r"|\badd\w*\b[^.?!\n]{0,25}\b(passenger|companion|person|traveler)\b"
)
_ASKS_ID = re.compile(r"\b(reservation|booking|confirmation) (id|number|code)\b")


def _unhelped(facts: Facts) -> Objection | None:
    asked = _ASKS_ID.search(facts.told)
    if facts.records.get("reservation_id") or not asked or not _UNKNOWN.search(facts.said):
        return None
    return Objection(
        "The user does not know the reservation id. Ask for the user id, call get_user_details, "
        "and read the reservations of the profile to find the one that they mean.",
        messages=said_at(facts, _UNKNOWN),
    )


def _unhelped_still(facts: Facts, draft: str) -> Objection | None:
    """Fire when the agent takes leave, or asks for the id again, and never looked for it."""
    lower = draft.lower()
    return _unhelped(facts) if takes_leave(lower) or _ASKS_ID.search(lower) else None


not_located = EndCheck(
    CallCheck(
        "reservation not located",
        _SERVE,
        0.6,
        lambda case: _unhelped(case.facts),
        hand_overs=True,
    ),
    TextCheck("reservation not located", _SERVE, 0.6, _unhelped_still),
)


@call_check(
    "transfer for what nobody can do",
    hand_overs=True,
    policy="Even a human agent cannot modify the number of passengers.",
    risk=0.6,
)
def transferred_in_vain(case: Case) -> Objection | None:
    """Fire on a transfer over the number of passengers, and over nothing else."""
    wished = next((one for one in case.facts.user_lines if _NUMBER.search(one.lower)), None)
    if wished is None or _MORE.search(case.facts.said):
        return None
    if not says(case.facts, "even a human agent cannot modify the number of passengers"):
        return None
    return Objection(
        "Not even a human agent can change the number of passengers. Say so instead of handing "
        "the user over.",
        evidence=wished.text[:120],
        messages=(wished.position,),
    )
