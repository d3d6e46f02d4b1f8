"""How a simulated user arrives at what it says: the user strategies of τ-bench, as `Model`s.

    llm          the model's answer as it is
    react        a thought first, which nobody else reads
    verify       the same model checks the answer, and writes another if it is not satisfied
    reflection   the same model says what is wrong with the answer, and writes a better one

Different from the original: the prompts are ours, the check is a form instead of a word in
prose, and a thought never reaches the agent, where the original's parser lets it through.
"""

from typing import Literal

from sidecritic.models.wrappers import Wrapper
from sidecritic.ports import Model
from sidecritic.strategies.base import Account, extended
from sidecritic.types import Assistant, Completion, Record, Request, System, User

UserStrategy = Literal["llm", "react", "verify", "reflection"]

MAX_ATTEMPTS = 3
"""Answers of one turn that are checked; the last one stands."""

_REACT = """\


Write exactly this, and nothing after it:
Thought:
what you want to do next, which nobody else reads
Response:
what you say to the agent"""
_CHECK = """\
[check, not part of the conversation] You are about to say this as the customer:
{text}
Does it fit the instruction and the conversation, and does it make nothing up? Answer with one \
JSON object and nothing else: {{"fits": true or false, "problem": what is wrong, or ""}}."""
_AGAIN = """\
[check, not part of the conversation] This does not fit, because: {problem}
Write what you say to the agent instead, and nothing else."""


class Check(Record):
    """What the model says about its own answer."""

    fits: bool
    problem: str


class ThinkingUser(Wrapper):
    """A user that writes down a thought before it speaks."""

    async def complete(self, request: Request) -> Completion:
        first, *rest = request.messages
        if isinstance(first, System):
            first = System(text=f"{first.text}{_REACT}")
        told = request.model_copy(update={"messages": (first, *rest)})
        completion = await super().complete(told)
        message = completion.message
        if message.calls or "Response:" not in message.text:
            return completion
        thought, _, said = message.text.partition("Response:")
        thought = thought.strip().removeprefix("Thought:").strip()
        spoken = Assistant(text=said.strip(), reasoning=thought or None)
        return completion.model_copy(update={"message": spoken})


class CheckedUser(Wrapper):
    """A user that checks what it is about to say; `reflects` decides how it mends it."""

    def __init__(self, model: Model, *, reflects: bool) -> None:
        super().__init__(model)
        self._reflects = reflects

    async def complete(self, request: Request) -> Completion:
        account = Account()
        completion = await account.ask(self._model, request)
        for _ in range(MAX_ATTEMPTS - 1):
            text = completion.message.text
            if completion.message.calls or not text.strip():
                break
            check = await account.fill(self._model, Check, request, _CHECK.format(text=text))
            if check.fits:
                break
            again = request
            if self._reflects:
                problem = check.problem or "it is not what the customer would say"
                about = User(text=_AGAIN.format(problem=problem))
                again = extended(request, Assistant(text=text), about)
            completion = await account.ask(self._model, again)
        return account.close(completion)


def with_strategy(user: Model, strategy: UserStrategy) -> Model:
    """Return the user as it acts under a strategy."""
    match strategy:
        case "llm":
            return user
        case "react":
            return ThinkingUser(user)
        case "verify":
            return CheckedUser(user, reflects=False)
        case "reflection":
            return CheckedUser(user, reflects=True)
