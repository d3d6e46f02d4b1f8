"""What all strategies share: a name, an account of what they spent, and private thoughts.

**Where a strategy keeps its private thoughts.** A model has no state between calls, and a
thought must reach neither environment nor critic. Both are solved by `Assistant.reasoning`: it
is recorded with the action, shown to neither user nor critic, and comes back with the history.
A strategy that thinks writes it, and renders it again in the next request in its own way. So
`reasoning` in the history of a strategy's request is always the strategy's own.
"""

import json

from pydantic import JsonValue

from sidecritic.forms import Filler, Form
from sidecritic.ports import Model
from sidecritic.trace import SUPERVISOR
from sidecritic.types import Assistant, Completion, Message, Request, Usage, User


class Strategy:
    """A way to act: `actor` makes the actions, `helper` does the strategy's other work."""

    label = "strategy"

    def __init__(self, actor: Model, helper: Model | None = None) -> None:
        self._actor = actor
        self._helper = helper or actor

    @property
    def name(self) -> str:
        """The strategy around its models, such as `reflection(gpt-4.1)`."""
        parts = dict.fromkeys((self._actor.name, self._helper.name))
        return f"{self.label}({', '.join(parts)})"

    @property
    def simulated(self) -> bool:
        return self._actor.simulated or self._helper.simulated


class Account:
    """What one call of a strategy spends on its models."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.seconds = 0.0

    async def ask(self, model: Model, request: Request) -> Completion:
        completion = await model.complete(request)
        self._add(completion.usage, completion.seconds)
        return completion

    async def fill(self, model: Model, form: type[Form], request: Request, question: str) -> Form:
        """Ask a question about the chat of a request, whose answer is a form.

        The chat is the actor's own, so that a provider's prompt cache serves both.

        Raises:
            ModelError: the model does not fill in the form.
        """
        chat = (*request.messages, User(text=question))
        filled = await Filler(model).fill(form, chat, request.tools)
        self._add(filled.usage, filled.seconds)
        return filled.form

    def close(self, completion: Completion, message: Assistant | None = None) -> Completion:
        """Return the completion that the strategy gives, with everything that it cost."""
        update: dict[str, object] = {"usage": self.usage, "seconds": self.seconds}
        if message is not None:
            finish = "tool_calls" if message.calls else "stop"
            update |= {"message": message, "finish": finish}
        return completion.model_copy(update=update)

    def _add(self, usage: Usage, seconds: float) -> None:
        self.usage += usage
        self.seconds += seconds


def extended(request: Request, *messages: Message) -> Request:
    """Return the request with messages at its end; its parts are validated records already."""
    return request.model_copy(update={"messages": (*request.messages, *messages)})


def shown(action: Assistant) -> str:
    """Return an action as JSON, for a model that is asked about it."""
    said: dict[str, JsonValue] = {"message": action.text} if action.text else {}
    if action.calls:
        said["calls"] = [
            {"tool": c.name, "arguments": c.raw if c.arguments is None else c.arguments}
            for c in action.calls
        ]
    return json.dumps(said, ensure_ascii=False)


def is_from_user(message: Message) -> bool:
    """Whether the user said it; the supervisor's feedback comes in the same role."""
    return isinstance(message, User) and not message.text.startswith(SUPERVISOR)
