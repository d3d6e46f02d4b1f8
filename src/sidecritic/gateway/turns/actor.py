"""The upstream model in the actor's seat of `Supervisor.decide()`.

Its first draft has arrived already. Each further one is a hidden round trip: the client's own
request, grown by the drafts that were refused and by what was said about them.
"""

import json
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field

from sidecritic.dialects.base import Body, Dialect, Draft, Rejected
from sidecritic.errors import ModelError
from sidecritic.gateway.wire.http import Heard
from sidecritic.trace import Event, Executed, Observed
from sidecritic.types import (
    Assistant,
    Completion,
    Message,
    Observation,
    Request,
    ToolResult,
    Usage,
    User,
)

_NO_USAGE = Usage.of_parts(input_tokens=0, output_tokens=0, cached_tokens=0, cost_usd=None)


class Passed(ModelError):
    """The upstream answered a hidden round trip with an error, which is passed on."""

    def __init__(self, heard: Heard) -> None:
        super().__init__(f"the upstream answered with HTTP {heard.status}")
        self.heard = heard


class BudgetSpent(ModelError):
    """A request has used the tokens that the operator allows it."""


@dataclass(frozen=True, slots=True)
class Take:
    """One draft, with the answer that brought it."""

    draft: Draft
    heard: Heard
    model: str
    usage: Usage
    seconds: float
    id: str = ""
    """Of the answer, as the provider names it."""

    def completion(self) -> Completion:
        """Return it as the actor's answer."""
        return Completion.of_parts(
            message=self.draft.action,
            finish=self.draft.finish,
            model=self.model,
            usage=self.usage,
            seconds=self.seconds,
            logprobs=(),
            faults=(),
        )


AskAgain = Callable[[bytes], Awaitable[Take]]


@dataclass
class UpstreamActor:
    """One choice of an answer, and how to get another draft of it."""

    first: Take
    body: Body
    """The client's request."""
    base: int
    """Messages of the conversation before this turn."""
    dialect: Dialect
    ask: AskAgain
    takes: list[Take] = field(default_factory=list[Take])
    name: str = "upstream"
    simulated: bool = False

    async def complete(self, request: Request) -> Completion:
        """Return the next draft.

        Raises:
            Passed: the upstream answered with an error.
            BudgetSpent: too many tokens have been used.
            ModelError: no usable answer.
        """
        take = self.first if not self.takes else await self._again(request.messages[self.base :])
        self.takes.append(take)
        return take.completion()

    async def _again(self, told: Sequence[Message]) -> Take:
        rejected = tuple(_rejected(told, self.takes))
        grown = self.dialect.again(self.body, rejected)
        return await self.ask(json.dumps(grown, ensure_ascii=False).encode())


def _rejected(told: Sequence[Message], takes: Sequence[Take]) -> Iterator[Rejected]:
    """Pair each refused draft, in the provider's form, with what it was answered."""
    for take, (shown, answers) in zip(takes, refusals(told), strict=True):
        yield Rejected(take.draft.raw, shown, answers)


def refusals(
    told: Sequence[Message],
) -> Iterator[tuple[Assistant, tuple[User | ToolResult, ...]]]:
    """Walk over the refused drafts of a turn, each with what it was answered."""
    starts = [at for at, message in enumerate(told) if isinstance(message, Assistant)]
    for start, end in zip(starts, [*starts[1:], len(told)], strict=False):
        shown = told[start]
        if isinstance(shown, Assistant):
            yield shown, tuple(m for m in told[start + 1 : end] if isinstance(m, User | ToolResult))


def log_of(history: Sequence[Message]) -> tuple[list[Event], int]:
    """Return a conversation as the log of an episode, and the turn that comes next."""
    log: list[Event] = []
    heard: list[Message] = []
    turn = 0
    for message in history:
        if not isinstance(message, Assistant):
            heard.append(message)
            continue
        if heard:
            log.append(_observed(heard))
            heard = []
        log.append(
            Executed.of_parts(
                event="executed", turn=turn, action=message, source="actor", approved=True
            )
        )
        turn += 1
    if heard:
        log.append(_observed(heard))
    return log, turn


def _observed(messages: Sequence[Message]) -> Observed:
    # Every part is a validated record already; a long chat would be validated once a turn.
    # Fields are all given, because looking up defaults costs more than the rest.
    observation = Observation.of_parts(
        messages=tuple(messages), backstage=(), done=False, usage=_NO_USAGE, seconds=0.0
    )
    return Observed.of_parts(event="observed", observation=observation)
