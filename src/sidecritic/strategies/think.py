"""Think tool: a tool without any effect, in which the model can write down a thought.

Source: Anthropic's engineering post *The "think" tool*: a no-op tool that the model may call
between looking things up and acting.

Different here: the tool is the strategy's, not the environment's. A thought is answered with an
empty result before the action is made, so the call never reaches environment or critic and
costs no turn; it comes back to the model as a call in the next request. One request makes at
most `max_thoughts`; after that the tool is no longer offered. Where an environment brings its
own `think`, that one is used. The post's prompt with worked examples is not added.
"""

import json

from sidecritic.ports import Model
from sidecritic.strategies.base import Account, Strategy, extended
from sidecritic.types import Assistant, Completion, Message, Request, ToolCall, ToolResult, ToolSpec

THINK = ToolSpec(
    name="think",
    description="Write down a thought. It changes nothing and nobody else reads it. Use it to "
    "go through the rules that apply, to check that you have what you need, and to look over "
    "what tools have returned, before you act.",
    parameters={
        "type": "object",
        "properties": {"thought": {"type": "string", "description": "What you think."}},
        "required": ["thought"],
        "additionalProperties": False,
    },
    effect="read",
)


class Think(Strategy):
    """Offers `think`, and answers it itself."""

    label = "think"

    def __init__(self, actor: Model, *, max_thoughts: int = 5) -> None:
        super().__init__(actor)
        self._max_thoughts = max_thoughts

    async def complete(self, request: Request) -> Completion:
        """Return the first action that is more than a thought.

        Raises:
            ModelError: the model gave no usable completion.
        """
        account = Account()
        if any(tool.name == THINK.name for tool in request.tools):
            return await account.ask(self._actor, request)
        bare, thoughts = _remembered(request), list[str]()
        current = bare.model_copy(update={"tools": (*request.tools, THINK)})
        for number in range(self._max_thoughts):
            completion = await account.ask(self._actor, current)
            message = completion.message
            new = [_thought(call) for call in message.calls if call.name == THINK.name]
            thoughts.extend(new)
            if not new or len(new) < len(message.calls):
                return account.close(completion, _action(message, thoughts))
            exchange = _exchange("\n".join(new), f"think_now_{number}")
            bare, current = extended(bare, *exchange), extended(current, *exchange)
        completion = await account.ask(self._actor, bare)
        return account.close(completion, _action(completion.message, thoughts))


def _action(message: Assistant, thoughts: list[str]) -> Assistant:
    """Return the action without calls of the tool, which a model may make unasked."""
    calls = tuple(call for call in message.calls if call.name != THINK.name)
    reasoning = "\n\n".join(thoughts) or None
    return Assistant(text=message.text, calls=calls, reasoning=reasoning)


def _thought(call: ToolCall) -> str:
    thought = (call.arguments or {}).get("thought")
    return thought if isinstance(thought, str) else call.raw


def _remembered(request: Request) -> Request:
    """Return the request with each kept thought as the call that it was."""
    chat: list[Message] = []
    for number, message in enumerate(request.messages):
        if isinstance(message, Assistant) and message.reasoning:
            chat.extend(_exchange(message.reasoning, f"think_{number}"))
            message = message.model_copy(update={"reasoning": None})
        chat.append(message)
    return request.model_copy(update={"messages": tuple(chat)})


def _exchange(thought: str, call_id: str) -> tuple[Message, Message]:
    arguments = {"thought": thought}
    call = ToolCall(id=call_id, name=THINK.name, arguments={**arguments}, raw=json.dumps(arguments))
    return Assistant(calls=(call,)), ToolResult(call_id=call_id, name=THINK.name, text="")
