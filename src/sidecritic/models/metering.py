"""Estimates of the tokens and money that a model would cost.

Episodes are played with simulated parties, free of charge, and the cost of the same requests is
counted: four characters a token, input at the uncached price. Real models talk more or less than
simulated ones, and reason, so this is an order of magnitude, for the prompts that would be sent.
"""

import json
from collections.abc import Mapping

from sidecritic.models.wrappers import Price, Wrapper
from sidecritic.ports import Model
from sidecritic.types import Assistant, Completion, Message, Request, Usage

CHARACTERS_PER_TOKEN = 4
TOKENS_PER_MESSAGE = 4


class Metered(Wrapper):
    """A stand-in whose completions report what those of the model `name` would cost."""

    def __init__(self, model: Model, name: str, prices: Mapping[str, Price]) -> None:
        super().__init__(model)
        self._price = prices.get(name)

    async def complete(self, request: Request) -> Completion:
        completion = await super().complete(request)
        usage = Usage(
            input_tokens=tokens_of(request), output_tokens=_message_tokens(completion.message)
        )
        if self._price is not None:
            usage = usage.model_copy(update={"cost_usd": self._price.of(usage)})
        return completion.model_copy(update={"usage": usage})


def tokens_of(request: Request) -> int:
    """Return about how many tokens a request has."""
    tools = sum(
        len(tool.name) + len(tool.description) + len(json.dumps(tool.parameters))
        for tool in request.tools
    )
    return sum(map(_message_tokens, request.messages)) + tools // CHARACTERS_PER_TOKEN


def _message_tokens(message: Message) -> int:
    length = len(message.text)
    if isinstance(message, Assistant):
        length += sum(len(call.name) + len(call.raw) for call in message.calls)
    return length // CHARACTERS_PER_TOKEN + TOKENS_PER_MESSAGE
