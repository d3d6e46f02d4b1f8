"""Checks of calls that do again what is done already."""

from sidecritic.checks.base import Objection, call_check
from sidecritic.checks.case import Case


@call_check("repeated write", policy="", risk=0.85)
def repeated(case: Case) -> Objection | None:
    """Fire on a call that has been executed before with the same arguments."""
    for done in case.facts.writes:
        if done.call.name == case.tool and done.arguments == case.arguments:
            return Objection(
                f"`{case.tool}` with exactly these arguments was already executed. Tell the user "
                "that it is done instead of repeating it.",
                evidence=f"executed at message {done.position}",
                messages=(done.position,),
            )
    return None
