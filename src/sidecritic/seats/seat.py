"""A seat: the first draft is there already, and each further one costs a hidden round trip."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from sidecritic.types import Assistant, Completion, Message, Request, ToolResult, User

HAND_OVER = "I've passed this step to a colleague for review. It has not been carried out yet."
"""What is said in place of an action that was escalated, unless the operator says otherwise."""


class Drafted(Protocol):
    """A draft, in whatever form its model wrote it."""

    def completion(self) -> Completion:
        """Return it as the actor's answer."""
        ...


D = TypeVar("D", bound=Drafted)


@dataclass(frozen=True, slots=True)
class Refusal(Generic[D]):
    """A draft that was sent back, and what its model is told."""

    draft: D
    action: Assistant
    """With the call ids that `answers` answer."""
    answers: tuple[User | ToolResult, ...]


Ask = Callable[[Sequence[Refusal[D]]], Awaitable[D]]
"""Ask the model once more, after the refusals of this turn."""


@dataclass
class Seat(Generic[D]):
    """One turn of the model, as `decide()` asks for its drafts."""

    first: D
    base: int
    """Messages of the conversation before this turn."""
    ask: Ask[D]
    name: str = "agent"
    simulated: bool = False
    drafts: list[D] = field(default_factory=list[D])
    """Those that have been proposed."""

    @property
    def latest(self) -> D:
        return self.drafts[-1] if self.drafts else self.first

    async def complete(self, request: Request) -> Completion:
        """Return the next draft; errors of the model come out as they are."""
        draft = self.first
        if self.drafts:
            answered = _answered(request.messages[self.base :])
            pairs = zip(self.drafts, answered, strict=True)
            draft = await self.ask([Refusal(d, action, told) for d, (action, told) in pairs])
        self.drafts.append(draft)
        return draft.completion()


def _answered(
    turn: Sequence[Message],
) -> Iterator[tuple[Assistant, tuple[User | ToolResult, ...]]]:
    """Walk over the refused drafts of a turn, each with what it was answered."""
    starts = [at for at, message in enumerate(turn) if isinstance(message, Assistant)]
    for start, end in zip(starts, [*starts[1:], len(turn)], strict=True):
        shown = turn[start]
        if isinstance(shown, Assistant):
            yield shown, tuple(m for m in turn[start + 1 : end] if isinstance(m, User | ToolResult))
