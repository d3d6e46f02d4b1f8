"""Which tools give the conversation to a person: one answer for gates, checks and simulations.

A name counts when all of it says so: `transfer_to_human_agents`, `escalateToSupervisor`,
`human_handoff`. Its effect does not matter then: a hand-over changes no record, and many servers
declare it as a read. `transfer_funds`, `get_transfer_history` and
`transfer_money_to_agent_account` move or show something else. So may `escalate_ticket`: such a
name counts when the description says that the user, or the case, goes to a person, unless the
tool is declared to read. Where the operator gives a tool the effect `hand_over`, that decides.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from sidecritic.english.listings import words_of
from sidecritic.types import Effect, ToolSpec

_SERVER = re.compile(r"^.*(?:__|[.:/])")
"""What comes before the name of a tool where several servers offer tools."""
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_CLAUSE_ENDS = re.compile(r"[.!?;:,()\n]+")

_CHANNEL = r"(call|chat|conversation|session)"
_SUBJECT = rf"({_CHANNEL}|user|customer|client|caller|guest|ticket|case|issue|request|it|them)"
_ROLES = (
    r"human|agent|person|representative|specialist|supervisor|manager|operator|colleague|nurse"
    r"|doctor|clinician|pharmacist|advisor|adviser|consultant|counsellor|counselor|technician"
    r"|caseworker|receptionist|dispatcher|teller"
)
_PEOPLE = rf"(({_ROLES})s?|people|staff|support)( team| desk)?"
_TO_PEOPLE = (
    r"(transfer|escalate|hand|handoff|handover|connect|redirect|route)s?( off| over)?"
    rf"(( a| an| the| this)? {_SUBJECT})?( off| over| back)? to ((?!of )\w+ ){{0,3}}?{_PEOPLE}"
)
_NAME = re.compile(
    rf"{_TO_PEOPLE}"
    rf"|(escalate|hand ?off|hand ?over)( {_CHANNEL})?|(transfer|redirect|route) {_CHANNEL}"
    rf"|((create|request) )?{_PEOPLE} (hand ?off|hand ?over|escalation)"
    rf"|(call|contact|request) human( agent| assistance| help| operator| support)?"
    r"|(an )?(mensch|mitarbeiter)(en|in)? (weiterleiten|übergeben|uebergeben)"
    r"|(weiterleiten|übergeben|uebergeben) an (mensch|mitarbeiter)(en|in)?"
    r"|(transferir|derivar|pasar)( a)?( un)?( agente)?( humano| agente| persona| operador)"
    r"|(transferer|transférer|passer) (a|à)( un)? (humain|conseiller|agent)"
)
_DESCRIPTION = re.compile(
    rf"(use this( tool)? to )?{_TO_PEOPLE}"
    r"($| (after|and|as|at|because|by|for|if|in|on|or|so|that|to|via|when|who|with)\b)"
)


def hands_over(tool: ToolSpec | str) -> bool:
    """Whether a tool, or one of that name, gives the conversation to a person."""
    if isinstance(tool, str):
        return _hands_over(tool, "", "unknown")
    return _hands_over(tool.name, tool.description, tool.effect)


def hand_overs(tools: Iterable[ToolSpec], called: Iterable[str] = ()) -> frozenset[str]:
    """Return which names of tools, and of calls of whatever tool, are those of hand-overs."""
    declared = {tool.name: tool for tool in tools}
    return frozenset(n for n in (*declared, *called) if hands_over(declared.get(n, n)))


def in_words(name: str) -> str:
    """Return the name of a tool as words, without that of its server."""
    return words_of(_CAMEL.sub(" ", _SERVER.sub("", name)))


@lru_cache(maxsize=1024)
def _hands_over(name: str, description: str, effect: Effect) -> bool:
    if effect == "hand_over" or _NAME.fullmatch(in_words(name)):
        return True
    clauses = _CLAUSE_ENDS.split(description) if effect != "read" else ()
    return any(_DESCRIPTION.match(words_of(clause)) for clause in clauses)
