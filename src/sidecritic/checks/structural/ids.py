"""Checks of the ids that a call names: nobody gave them, or nobody found them."""

import re
from collections.abc import Iterator

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.record_index import has_failed, ids_of
from sidecritic.english.text import mentions
from sidecritic.handover import in_words
from sidecritic.types import ToolSpec
from sidecritic.values import JsonObject, scalars

_FEWEST = 3
"""Characters of an id; shorter ones stand in any text."""
_FEWEST_DIGITS = 4
_DIGITS = re.compile(r"\d+")
_FRESH = re.compile(r"(idempotency|correlation|trace|nonce|dedup\w*|client re\w+|external re\w+)\b")
"""Fields of ids that whoever calls is to make."""
_CREATES = re.compile(
    r"(create|register|new|make|start|open|issue|generate|insert|define|import)\b"
)
_ADDS = re.compile(r"(add|enrol\w*|sign up|invite|join)\b")
_PLAIN = frozenset(
    [
        "internal",
        "get",
        "find",
        "search",
        "lookup",
        "look",
        "up",
        "list",
        "fetch",
        "read",
        "show",
        "view",
        "query",
        "retrieve",
        "check",
        "detail",
        "info",
        "information",
        "by",
        "id",
        "record",
        "data",
        "statu",
        "profile",
        "exist",
        "the",
    ]
)
"""Words of the names of look-ups that do not say what is sought, without their last `s`."""
_MOST = 40
"""Ids of a call that are looked at."""


@call_check("made-up id", policy="", risk=0.85)
def made_up(case: Case) -> Objection | None:
    """Fire on an id that neither the user, the operator nor a tool has ever named.

    What has no digit is a word such as `primary`, and what the agent is to make is no mistake.
    """
    if case.facts.notes:
        # Some of the talk was not read: it may stand there.
        return None
    for key, value in _named(case):
        if any(map(str.isdigit, value)) and not _is_known(case, value) and not _is_own(case, key):
            return Objection(
                f"{value} was named neither by the user nor by a tool. Look the id up and use the "
                "one that the tool returns.",
                evidence=f"{key} {value}",
            )
    return None


def _is_known(case: Case, value: str) -> bool:
    """Whether an id was named, however it was spaced and punctuated."""
    bare = _squeezed(value.lower())
    digits = max(_DIGITS.findall(value), key=len, default="")
    return (
        value.lower().lstrip("#") in case.facts.once(_known)
        or value.lower() in _told(case)
        or (bool(bare) and bare in case.facts.once(_known_squeezed))
        # Who says "88213" may mean the id with a letter before it.
        or (len(digits) >= _FEWEST_DIGITS and mentions(case.facts.said, digits))
    )


def _is_own(case: Case, key: str) -> bool:
    """Whether the agent is to make an id: of what it creates, or against doing a thing twice."""
    if _FRESH.match(in_words(key)):
        return True
    kind = _kind(key)
    if kind == {"request"}:
        tools = (word for tool in case.facts.tools for word in in_words(tool).split())
        return "request" not in map(_singular, tools) and key not in case.facts.known
    nouns = set(map(_singular, in_words(case.tool).split()))
    return bool(_CREATES.match(in_words(case.tool))) and kind <= nouns


@call_check("never found", policy="", risk=0.85)
def never_found(case: Case) -> Objection | None:
    """Fire on an id of which every look-up failed, unless the call is to create it."""
    if _CREATES.match(in_words(case.tool)) or _ADDS.match(in_words(case.tool)):
        return None
    for key, value in _named(case):
        looked = [done for done in case.facts.done if _is_look_up(case, done, key, value)]
        if not looked or not all(has_failed(done) for done in looked):
            continue
        if value.lower() in case.facts.once(_found):
            continue
        return Objection(
            f"{value} could not be found: `{looked[-1].call.name}` failed. Look up what is right "
            "before you change anything.",
            evidence=looked[-1].text[:120],
            messages=(looked[-1].position,),
        )
    return None


def _named(case: Case) -> Iterator[tuple[str, str]]:
    """Walk over the ids among the arguments; a number is none, whatever its name."""
    ids = [pair for part in _objects(dict(case.arguments)) for pair in _texts(part)]
    yield from (pair for pair in ids[:_MOST] if len(pair[1].lstrip("#")) >= _FEWEST)


def _texts(arguments: JsonObject) -> Iterator[tuple[str, str]]:
    texts = {key: value for key, value in arguments.items() if not isinstance(value, int | float)}
    yield from ids_of(texts)


def _objects(arguments: JsonObject) -> Iterator[JsonObject]:
    yield arguments
    for value in arguments.values():
        for part in value if isinstance(value, list) else (value,):
            if isinstance(part, dict):
                yield part


def _known(facts: Facts) -> str:
    """Return all that was said and shown, and what the operator wrote, in lower case."""
    own = f"{facts.policy}\n{facts.context}".lower()
    return "\n".join((facts.shown, facts.said, facts.told, own))


def _told(case: Case) -> str:
    """Return how the tool itself is described: an id may be one of its constants."""
    spec = next((tool for tool in case.facts.specs if tool.name == case.tool), ToolSpec(name=""))
    return f"{spec.description}\n{spec.parameters}".lower()


def _is_look_up(case: Case, done: Done, key: str, value: str) -> bool:
    """Whether a call looked up the very thing that an id names, and not something of it."""
    if case.facts.may_write(done.call.name) or value not in scalars(dict(done.arguments)):
        return False
    sought = set(map(_singular, in_words(done.call.name).split())) - _PLAIN
    return sought <= (_kind(key) or set(map(_singular, in_words(case.tool).split())))


def _kind(key: str) -> set[str]:
    """Return the words of what a field names the id of: `boat` of `boat_id` and `boatIds`."""
    return {_singular(word) for word in in_words(key).split()} - {"id", "uuid", "guid"}


def _singular(word: str) -> str:
    return word.removesuffix("s")


def _squeezed(lower: str) -> str:
    return "".join(filter(str.isalnum, lower))


def _known_squeezed(facts: Facts) -> str:
    return _squeezed(facts.once(_known))


def _found(facts: Facts) -> str:
    """Return what tools returned without failing, in lower case."""
    return "\n".join(done.text for done in facts.done if not has_failed(done)).lower()
