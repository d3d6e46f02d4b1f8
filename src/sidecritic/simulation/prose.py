"""Calls as sentences that a person can read, and read back.

A simulated actor announces with these words, and a scripted user checks them; the user
also reads announcements that a language model wrote, as far as they name values.
"""

import re
from collections.abc import Mapping, Sequence

from pydantic import JsonValue

from sidecritic.english.listings import words_of
from sidecritic.simulation.task_record import Arguments, argument_leaves

PROCEED = "Shall I go ahead? Please answer yes or no."
CLOSING = "Is there anything else I can help you with?"
IDENTIFY = (
    "I will gladly help you with that. Please tell me who you are first: your name and "
    "zip code, e-mail address, user id or phone number."
)
INQUIRE = "So that I get it right: please tell me why you need this and what matters to you."
REPORT = "Thank you, that went through.\n"
FAILED = "I am sorry, that did not go through.\n"
REGRET = "I am sorry, but our policy does not allow me to do what you asked for."
TRANSFERRED = "YOU ARE BEING TRANSFERRED TO A HUMAN AGENT. PLEASE HOLD ON."


def listing(arguments: Arguments) -> str:
    """Return the arguments of a call as lines, `- order id: #W1`."""
    return "\n".join(f"- {words_of(name)}: {shown(value)}" for name, value in arguments.items())


def shown(value: JsonValue) -> str:
    """Return a value in words: every text and number in it appears unchanged."""
    if isinstance(value, dict):
        return ", ".join(f"{words_of(name)} {shown(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        joint = "; " if any(isinstance(inner, dict) for inner in value) else ", "
        return joint.join(shown(inner) for inner in value) or "none"
    if value is None or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def announcement(name: str, arguments: Arguments) -> str:
    """Return the text that lists a write and asks for confirmation."""
    return f"This is what I am going to do: {words_of(name)}.\n{listing(arguments)}\n{PROCEED}"


def wish(name: str, arguments: Arguments) -> str:
    """Return the same write as the user would ask for it."""
    return f"I would like you to {words_of(name)}.\n{listing(arguments)}"


def question(name: str, missing: Sequence[str]) -> str:
    """Return the text that asks for arguments of a write."""
    wanted = ", ".join(words_of(argument) for argument in missing)
    return f"{asking(name)} {wanted}?"


def asking(name: str) -> str:
    """Return how every question about arguments of this write begins."""
    return f"Could you give me the details that I need to {words_of(name)}:"


def instruction(name: str, arguments: Arguments) -> str:
    """Return the text that has the user do something with their own tool."""
    how = ", ".join(f"{words_of(argument)} {value}" for argument, value in arguments.items())
    what = f"{words_of(name)} ({how})" if how else words_of(name)
    return f"Please do the following on your phone and tell me what you see: {what}."


# --- reading ------------------------------------------------------------------------------

_LINE = re.compile(r"^\s*(?:[-*•]|\d+[.)])\s*\**([\w #/()-]{2,40}?)\**\s*:\s*\**\s*(.+?)\s*$")
_TOKEN = re.compile(r"#?\w[\w@.-]*\w")


def identifiers(text: str) -> frozenset[str]:
    """Return the words of a text that look like identifiers: they contain a digit."""
    return frozenset(
        token for token in _TOKEN.findall(text) if len(token) > 3 and re.search(r"\d", token)
    )


def contradictions(text: str, arguments: Arguments) -> tuple[str, ...]:
    """Return the names of the arguments for which the text says something else.

    A line `label: value` is compared with the argument of that name; where there is none,
    an argument is contradicted when its own identifier is missing while another one of the
    same make stands in the text.
    """
    listed = (_LINE.match(line) for line in text.splitlines())
    lines = {words_of(match[1]): match[2] for match in listed if match is not None}
    foreign = identifiers(text) - {str(leaf) for _, leaf in argument_leaves(arguments)}
    return tuple(
        name
        for name, value in arguments.items()
        if (
            _plain(lines[words_of(name)]) != _plain(shown(value))
            if words_of(name) in lines
            else _displaced(text, value, foreign)
        )
    )


def _displaced(text: str, value: JsonValue, foreign: frozenset[str]) -> bool:
    makes = {make(token) for token in foreign}
    own = [str(leaf) for _, leaf in argument_leaves({"": value})]
    return any(len(t) > 3 and t not in text and make(t) in makes for t in own if identifiers(t))


def make(token: str) -> str:
    """Return how an identifier is built: `#W2378156` and `#W9999999` are of one make."""
    return re.sub(r"[a-z]+", "a", re.sub(r"\d", "9", token))


def _plain(value: str) -> str:
    return " ".join(re.sub(r"[*`'\"$,;]|\.$", " ", value.lower()).split())


def is_about(text: str, name: str) -> bool:
    """Whether all words of a tool's name stand in the text, in any form of word."""
    said = {_stem(word) for word in re.findall(r"[a-z]+", text.lower())}
    return all(_stem(word) in said for word in words_of(name).split())


def _stem(word: str) -> str:
    return re.sub(r"(ation|ing|ed|es|s|e)$", "", word)


# --- the user's grammar -------------------------------------------------------------------

_OBJECT = re.compile(
    r"\b(to|for|with|from|of|at|by|tells?|told|gives?|gave|asks?|asked|lets?|helps?|allows?"
    r"|offers?|offered|informs?|refunds?|charges?|charged|owes?|contacts?|connects?|transfers?)"
    r" you\b",
    re.IGNORECASE,
)
_PERSON: Mapping[str, str] = {
    "you are": "I am",
    "you were": "I was",
    "you're": "I'm",
    "you've": "I've",
    "you'd": "I'd",
    "you'll": "I'll",
    "yourself": "myself",
    "yours": "mine",
    "your": "my",
    "you name": "my name",
    "you": "I",
}
_SECOND = re.compile(
    r"\b(" + "|".join(sorted(_PERSON, key=len, reverse=True)) + r")\b", re.IGNORECASE
)


def first_person(text: str) -> str:
    """Return instructions to a user in the user's own mouth: You -> I, your -> my."""
    return _SECOND.sub(_as_first, _OBJECT.sub(r"\1 me", text))


def _as_first(match: re.Match[str]) -> str:
    found = match.group(0)
    said = _PERSON[found.lower()]
    return said[0].upper() + said[1:] if found[0].isupper() else said
