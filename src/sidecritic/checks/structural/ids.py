"""Checks of the ids that a call names: nobody gave them, or nobody found them."""

from collections.abc import Iterator

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.checks.facts import Done, Facts
from sidecritic.checks.record_index import has_failed, ids_of
from sidecritic.types import ToolSpec
from sidecritic.values import JsonObject, scalars

_FEWEST = 3
"""Characters of an id; shorter ones stand in any text."""
_MOST = 40
"""Ids of a call that are looked at."""


@call_check("made-up id", policy="", risk=0.85)
def made_up(case: Case) -> Objection | None:
    """Fire on an id that neither the user, the operator nor a tool has ever named."""
    known = case.facts.once(_known)
    for key, value in _named(case):
        if value.lower().lstrip("#") not in known and value.lower() not in _told(case):
            return Objection(
                f"{value} was named neither by the user nor by a tool. Look the id up and use the "
                "one that the tool returns.",
                evidence=f"{key} {value}",
            )
    return None


@call_check("never found", policy="", risk=0.85)
def never_found(case: Case) -> Objection | None:
    """Fire on an id of which every look-up failed."""
    for _, value in _named(case):
        looked = [done for done in case.facts.done if _is_look_up(case.facts, done, value)]
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


def _is_look_up(facts: Facts, done: Done, value: str) -> bool:
    return not facts.may_write(done.call.name) and value in scalars(dict(done.arguments))


def _found(facts: Facts) -> str:
    """Return what tools returned without failing, in lower case."""
    return "\n".join(done.text for done in facts.done if not has_failed(done)).lower()
