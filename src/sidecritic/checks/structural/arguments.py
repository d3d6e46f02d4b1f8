"""Checks of the form of a call: an object, of the kind that the tool's schema demands."""

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case
from sidecritic.json_schema import broken

_MOST_SHOWN = 200


@call_check("arguments are no object", policy="", risk=0.97)
def no_object(case: Case) -> Objection | None:
    """Fire when the arguments of a call are not a JSON object."""
    if case.call.arguments is not None or not case.call.raw.strip():
        return None
    return Objection(
        f"The arguments of `{case.tool}` are not a JSON object. Write the call anew.",
        evidence=case.call.raw[:_MOST_SHOWN],
    )


@call_check("arguments break the schema", policy="", risk=0.95)
def breaks_schema(case: Case) -> Objection | None:
    """Fire when an argument is missing, unknown, or not what the schema of the tool demands."""
    spec = next((tool for tool in case.facts.specs if tool.name == case.tool), None)
    if spec is None or not spec.parameters or case.call.arguments is None:
        return None
    what = broken(spec.parameters, case.arguments)
    if not what:
        return None
    return Objection(
        f"`{case.tool}` cannot be called like this: {what}. Correct the arguments.",
        evidence=what[:_MOST_SHOWN],
    )
