"""Airline: what the agent must have from the user, or must have asked, before it writes."""

import re

from sidecritic.checks.base import CallCheck, Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.packs.airline.records import BOOK, says, user_of
from sidecritic.packs.airline.sources import read_at

_NO_WORD = re.compile(r"[\W_]+")


@call_check("user id not given", risk=0.6, policy="The user must provide their user id.")
def user_id_not_given(case: Case) -> Objection | None:
    """Fire on a write for a user who never gave the id of its owner."""
    owner = user_of(case)
    stated = says(case.facts, "must provide their user id", "obtain the user id from the user")
    if not stated or not owner or _bare(owner) in _bare(case.facts.said):
        return None
    return Objection(
        "The user has not given their user id. Ask for it before you change anything.",
        evidence=owner,
        messages=read_at(case),
    )


@call_check(
    "insurance never asked about",
    tools=(BOOK,),
    risk=0.4,
    policy="The agent should ask if the user wants to buy the travel insurance.",
)
def insurance_not_asked(case: Case) -> Objection | None:
    """Fire on a booking without insurance in a conversation that never spoke of it."""
    if case.named("insurance") != "no":
        return None
    asked = "insurance" in case.facts.said or "insurance" in case.facts.told
    if asked or not says(case.facts, "should ask if the user wants to buy the travel insurance"):
        return None
    return Objection(
        "Nobody has spoken of the travel insurance. Ask whether the user wants to buy it, for 30 "
        "dollars per passenger, before you book."
    )


AIRLINE_USERS: tuple[CallCheck, ...] = (user_id_not_given, insurance_not_asked)


def _bare(text: str) -> str:
    """Return letters and digits alone: an id may be typed with spaces, or spelled out with them."""
    return _NO_WORD.sub("", text).lower()
