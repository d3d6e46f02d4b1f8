"""ReAct: thought and action as text, instead of the provider's tool calling.

Source: Yao et al., *ReAct* (arXiv:2210.03629), as τ-bench plays it in its chat ReAct agent:
each turn is a thought and one JSON action, speaking to the user is an action named `respond`,
and text that holds no action is said to the user as it is.

Different here: the prompt is our own; messages from outside begin with who they are from; a
thought is kept as `Assistant.reasoning` and so reaches neither environment nor critic.
"""

from sidecritic.strategies.base import Account, Strategy
from sidecritic.strategies.text_format import read, rendered
from sidecritic.types import Assistant, Completion, Request


class React(Strategy):
    """Has the model write `Thought:` and `Action:`."""

    label = "react"
    thoughts = True

    async def complete(self, request: Request) -> Completion:
        """Return the action that the model wrote.

        Raises:
            ModelError: the model gave no usable completion.
        """
        account = Account()
        chat = rendered(request.messages, request.tools, thoughts=self.thoughts)
        sampling = request.sampling.model_copy(update={"tool_choice": None})
        completion = await account.ask(
            self._actor, Request.model_construct(messages=chat, tools=(), sampling=sampling)
        )
        number = sum(isinstance(message, Assistant) for message in request.messages)
        action = read(completion.message.text, call_id=f"text_{number}")
        return account.close(completion, action)
