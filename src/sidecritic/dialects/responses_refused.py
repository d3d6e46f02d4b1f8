"""A refused draft of Responses as items of the next request, with a result for each call."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from sidecritic.dialects.base import Body, Rejected
from sidecritic.dialects.parts import listed
from sidecritic.types import User
from sidecritic.values import text_of

CLIENT_CALLS: Mapping[str, str] = MappingProxyType(
    {
        "function_call": "arguments",
        "custom_tool_call": "input",
        "computer_call": "action",
        "local_shell_call": "action",
        "shell_call": "action",
        "apply_patch_call": "operation",
    }
)
"""Kinds of call that the client carries out, and the field that says what."""


def user_item(text: str) -> Body:
    return {"role": "user", "content": text}


def input_items(body: Body) -> list[JsonValue]:
    """Return what a request says, where one text stands for a message of the user's."""
    given = body.get("input")
    return [user_item(given)] if isinstance(given, str) else listed(given)


def refused_items(refusal: Rejected, *, is_stored: bool) -> Iterator[Body]:
    """Return the draft's items and what each call is answered."""
    ids = iter([call.id for call in refusal.action.calls])
    kinds: dict[str, str] = {}
    items = [item for item in listed(refusal.raw) if isinstance(item, dict)]
    if any(text_of(item, "type") == "computer_call" for item in items):
        # It can only be answered with a screenshot, and what never happened has none.
        yield from (user_item(answer.text) for answer in refusal.answers)
        return
    for item in items:
        kind = text_of(item, "type")
        if kind in CLIENT_CALLS:
            id = next(ids, text_of(item, "call_id"))
            kinds[id] = kind
            yield {**item, "call_id": id}
        elif kind != "reasoning" or is_stored or item.get("encrypted_content"):
            yield item
    if not items:
        yield {"role": "assistant", "content": refusal.action.text or "(empty message)"}
    for answer in refusal.answers:
        if isinstance(answer, User):
            yield user_item(answer.text)
        else:
            kind = kinds.get(answer.call_id, "function_call")
            yield {"type": f"{kind}_output", **_result(kind, answer.call_id, answer.text)}


def _result(kind: str, id: str, text: str) -> Body:
    """Return a failed result in the form of a kind of call."""
    match kind:
        case "shell_call":
            outcome: Body = {"type": "exit", "exit_code": 1}
            said: Body = {"stdout": "", "stderr": text, "outcome": outcome}
            return {"call_id": id, "output": [said]}
        case "local_shell_call":
            return {"id": id, "output": text}
        case "apply_patch_call":
            return {"call_id": id, "status": "failed", "output": text}
        case _:
            return {"call_id": id, "output": text}
