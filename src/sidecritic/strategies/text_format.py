"""Actions written as text, for models that are not asked to call tools themselves.

    Thought:
    why (ReAct only)
    Action:
    {"name": TOOL, "arguments": {...}}       {"name": "respond", "arguments": {"content": TEXT}}

A chat is rendered into this format and an answer read from it. Each line from outside begins
with who it is from, so that a user cannot pass for a tool. `Spoken` is the other direction: a
tool-calling model that writes the format, which is how a simulated actor plays these strategies.
"""

import json
import re
from collections.abc import Iterator, Sequence
from json import JSONDecoder
from typing import Any, cast

from sidecritic.models.wrappers import Wrapper
from sidecritic.trace import SUPERVISOR
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Request,
    System,
    ToolCall,
    ToolResult,
    ToolSpec,
    User,
)

RESPOND = "respond"
CUSTOMER = "Customer: "
_RESULT = re.compile(r"(Result|Error) of ([^:\n]+):\n(.*)", re.DOTALL)
_ACTION = re.compile(r"^Action:", re.MULTILINE)

_HOW = """\
# How to act

You act by writing text. In each turn write exactly this, and nothing after it:

{thought}Action:
{{"name": NAME, "arguments": ARGUMENTS}}

The action is one JSON object on one line. NAME is one of the tools below, and ARGUMENTS fit its
parameters; you will be shown its result. To say something to the customer, the name is
"{respond}" and the arguments are {{"content": TEXT}}.

# Tools

{tools}"""

_THOUGHT = """\
Thought:
one or two lines about what to do next, which nobody else reads
"""


# --- a chat as text -----------------------------------------------------------------------


def rendered(
    messages: Sequence[Message], tools: Sequence[ToolSpec], *, thoughts: bool
) -> tuple[Message, ...]:
    """Return the chat in this format; the system prompt says how to act."""
    listed = "\n".join(
        json.dumps({"name": t.name, "description": t.description, "parameters": t.parameters})
        for t in tools
    )
    thought = _THOUGHT if thoughts else ""
    how = _HOW.format(thought=thought, respond=RESPOND, tools=listed)
    system = [message.text for message in messages if isinstance(message, System)]
    rest = (_rendered(m, thoughts=thoughts) for m in messages if not isinstance(m, System))
    return (System(text="\n\n".join((*system, how))), *rest)


def _rendered(message: Message, *, thoughts: bool) -> Message:
    match message:
        case User(text=text):
            return User(text=text if text.startswith(SUPERVISOR) else f"{CUSTOMER}{text}")
        case ToolResult(name=name, text=text, is_error=is_error):
            return User(text=f"{'Error' if is_error else 'Result'} of {name}:\n{text}")
        case Assistant():
            return Assistant(text=written(message, thoughts=thoughts))
        case System():
            return message


def written(action: Assistant, *, thoughts: bool) -> str:
    """Return an action as the model would have written it."""
    actions = [
        {"name": call.name, "arguments": call.raw if call.arguments is None else call.arguments}
        for call in action.calls
    ] or [{"name": RESPOND, "arguments": {"content": action.text}}]
    head = f"Thought:\n{action.reasoning or '...'}\n" if thoughts else ""
    lines = (f"Action:\n{json.dumps(each, ensure_ascii=False)}" for each in actions)
    return head + "\n".join(lines)


# --- text as an action --------------------------------------------------------------------


def read(text: str, *, call_id: str) -> Assistant:
    """Return the action that a text holds; one that holds none is said to the user as it is.

    Of several actions the last counts. What stands before it is the thought.
    """
    starts = list(_ACTION.finditer(text))
    if not starts:
        return Assistant(text=text)
    thought = text[: starts[0].start()].strip().removeprefix("Thought:").strip()
    found = _object(text[starts[-1].end() :])
    name, arguments = found.get("name"), found.get("arguments")
    if not isinstance(name, str) or not name:
        return Assistant(text=text)
    parsed = cast("dict[str, Any]", arguments) if isinstance(arguments, dict) else None
    if name == RESPOND:
        return Assistant(text=str((parsed or {}).get("content", "")), reasoning=thought or None)
    raw = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call = ToolCall(id=call_id, name=name, arguments=parsed, raw=raw)
    return Assistant(calls=(call,), reasoning=thought or None)


def _object(text: str) -> dict[str, Any]:
    """Return the JSON object that the text begins with, whatever follows it."""
    try:
        found, _ = JSONDecoder().raw_decode(text, text.index("{"))
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


# --- the other direction ------------------------------------------------------------------


class Spoken(Wrapper):
    """A model that calls tools, as one that reads and writes this format."""

    def __init__(self, model: Any, *, thoughts: bool) -> None:
        super().__init__(model)
        self._thoughts = thoughts

    async def complete(self, request: Request) -> Completion:
        chat = tuple(heard(request.messages))
        completion = await super().complete(request.model_copy(update={"messages": chat}))
        text = written(completion.message, thoughts=self._thoughts)
        message = Assistant(text=text)
        return completion.model_copy(update={"message": message, "finish": "stop"})


def heard(messages: Sequence[Message]) -> Iterator[Message]:
    """Yield a rendered chat as what it was rendered from, under other call ids."""
    waiting: list[str] = []
    for number, message in enumerate(messages):
        result = _RESULT.fullmatch(message.text) if isinstance(message, User) else None
        if isinstance(message, Assistant):
            action = _whole(message.text, number)
            waiting = [call.id for call in action.calls]
            yield action
        elif result and waiting:
            kind, name, text = result.groups()
            yield ToolResult(call_id=waiting.pop(0), name=name, text=text, is_error=kind == "Error")
        elif isinstance(message, User):
            yield User(text=message.text.removeprefix(CUSTOMER))
        else:
            yield message


def _whole(text: str, number: int) -> Assistant:
    """Read a message with all its actions: a critic may have put several in place of one."""
    parts = _ACTION.split(text)
    each = [
        read(f"Action:{part}", call_id=f"text_{number}_{i}") for i, part in enumerate(parts[1:])
    ]
    if not each or not each[0].calls:
        return each[-1] if each else Assistant(text=text)
    return Assistant(calls=tuple(call for action in each for call in action.calls))
