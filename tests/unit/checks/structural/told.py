"""Conversations written as short lists of steps, for tests of what passes and what does not.

A step is a text that begins with `U:` for the user, `A:` for the agent or `S:` for the operator,
or a call with its result: `("find_order", {"id": 7}, RESULT)`. A `!` before the name says that
the tool writes. The last step is the call that is judged.
"""

from collections.abc import Sequence
from dataclasses import replace

from pydantic import JsonValue

from sidecritic.checks.base import Finding
from sidecritic.checks.structural import STRUCTURAL
from sidecritic.critics.policy import noisy_or
from sidecritic.types import Proposal, ToolSpec
from sidecritic.values import JsonObject
from tests.talk import Talk

Step = str | tuple[str, JsonObject] | tuple[str, JsonObject, JsonValue]


def told(steps: Sequence[Step], schema: JsonObject | None = None, says: str = "") -> Proposal:
    """Return the proposal that a conversation ends in."""
    last = steps[-1]
    assert not isinstance(last, str)
    name, arguments = last[0].removeprefix("!"), last[1]
    calls = [step for step in steps if not isinstance(step, str)]
    writes = {step[0][1:] for step in calls if step[0].startswith("!")} | {name}
    described = {name: says}
    named = dict.fromkeys(step[0].removeprefix("!") for step in calls)
    tools = [
        ToolSpec(
            name=tool,
            description=described.get(tool, ""),
            effect="write" if tool in writes else "read",
            parameters=(schema or {}) if tool == name else {},
        )
        for tool in named
    ]
    talk = Talk(tools=tuple(tools))
    for step in steps[:-1]:
        talk = _after(talk, step)
    return talk.calls(name, **arguments)


def _after(talk: Talk, step: Step) -> Talk:
    match step:
        case str() if step.startswith("S: "):
            return replace(talk, policy=step[3:])
        case str():
            return talk.user(step[3:]) if step.startswith("U: ") else talk.agent(step[3:])
        case (name, arguments, result):
            return talk.did(name.removeprefix("!"), result, **arguments)
        case _:
            raise AssertionError("a call in the middle needs a result")


def held_against(proposal: Proposal) -> dict[str, Finding]:
    """Return what the structural checks say of a proposal, notes left out."""
    return {each.check: each for each in STRUCTURAL.findings(proposal) if each.feedback}


def risk_of(proposal: Proposal) -> float:
    return noisy_or(each.risk for each in STRUCTURAL.findings(proposal))
