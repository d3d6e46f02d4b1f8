"""In which messages of the history the grounds of a finding are, whatever the domain."""

from pydantic import JsonValue

from sidecritic.checks.case import Case
from sidecritic.checks.facts import Facts
from sidecritic.values import JsonObject


def shown_at(facts: Facts, *records: JsonObject) -> tuple[int, ...]:
    """Return where a tool showed these very records to the agent.

    What the critic alone has looked up stands in no message.
    """
    return tuple(
        done.position
        for done in facts.done
        if any(record and _holds(done.value, record) for record in records)
    )


def agreed_at(case: Case) -> tuple[int, ...]:
    """Return the question that the user agreed to, and their answer."""
    agreed = case.agreed
    return (agreed.question.position, agreed.answer.position) if agreed is not None else ()


def _holds(value: JsonValue, record: JsonObject) -> bool:
    """Whether a result is the record, or holds it: itself, not one that is equal to it."""
    match value:
        case dict():
            return value is record or any(_holds(part, record) for part in value.values())
        case list():
            return any(_holds(part, record) for part in value)
        case _:
            return False
