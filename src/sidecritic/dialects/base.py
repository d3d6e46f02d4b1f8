"""One model of requests and answers behind every wire format.

    request ──asked──▶ ClientRequest (history, tools)          what the critic is shown
    answer ──answered──▶ ProviderAnswer (drafts)             what is judged: one draft a choice
    request + refused drafts ──again──▶ request        the hidden round trip
    answer + what may leave ──rewritten──▶ answer      when it is not the model's own words

A dialect reads and writes bodies, and does nothing else. It names in `unknown` what it does not
know; whether that passes is the operator's setting.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

from pydantic import JsonValue

from sidecritic.errors import ModelUnavailable
from sidecritic.types import Assistant, Finish, Message, ToolResult, ToolSpec, Usage, User
from sidecritic.values import JsonObject

Body = JsonObject
Provider = Literal["openai", "anthropic"]


@dataclass(frozen=True, slots=True)
class Hints:
    """What the maker of a tool claims about it."""

    read_only: bool = False
    destructive: bool = False


@dataclass(frozen=True, slots=True)
class ClientRequest:
    """A request, as far as supervision is concerned."""

    model: str
    stream: bool
    system: str
    history: tuple[Message, ...]
    """The conversation without system prompts."""
    tools: tuple[ToolSpec, ...]
    hints: dict[str, Hints] = field(default_factory=dict[str, Hints])
    """By tool name."""
    continues: str = ""
    """Id of the stored answer that the request continues; empty when the history is complete."""
    kept: tuple[str, ...] = ()
    """Other references to what the provider keeps of earlier conversations."""
    is_kept: bool = False
    """Whether a later request may name the answer instead of repeating it."""
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WireDraft:
    """One choice of an answer."""

    action: Assistant
    raw: JsonValue
    """The choice in the provider's own form, every field of it."""
    finish: Finish = "stop"


@dataclass(frozen=True, slots=True)
class ProviderAnswer:
    """A complete answer, as far as supervision is concerned."""

    drafts: tuple[WireDraft, ...]
    model: str = ""
    id: str = ""
    usage: Usage = field(default_factory=Usage)
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A draft that was sent back, and what the model is told."""

    raw: JsonValue
    action: Assistant
    """With the call ids that `answers` answer."""
    answers: tuple[User | ToolResult, ...]


Released = WireDraft | Assistant
"""What leaves: a draft as the provider wrote it, or an action of the supervisor's."""


class Assembled(NamedTuple):
    """What a stream adds up to."""

    answer: Body
    is_plain: bool
    """Whether all clients read the stream so; one that is not plain is written anew."""


class Dialect(Protocol):
    """One wire format of one endpoint."""

    @property
    def endpoint(self) -> str:
        """Its path below `/v1`, which is also its name in records."""
        ...

    @property
    def keeps_history(self) -> bool:
        """Whether a request may name history that the provider keeps."""
        ...

    def asked(self, body: Body) -> ClientRequest:
        """Read a request; what is malformed reads as empty, and the provider will refuse it."""
        ...

    def answered(self, answer: Body) -> ProviderAnswer:
        """Read a complete answer."""
        ...

    def assembled(self, raw: bytes, asked: Body) -> Assembled:
        """Return the complete answer to `asked` that a stream adds up to.

        Raises:
            StreamFailed: it was cut off, or carries an error.
            Ambiguous: nothing settles how it is to be read.
        """
        ...

    def again(self, body: Body, rejected: Sequence[Rejected]) -> Body:
        """Return the request that asks for one more draft; each call id is answered once."""
        ...

    def rewritten(self, answer: Body, released: Sequence[Released], asked: Body) -> Body:
        """Return the answer to `asked` with these choices in place of its own."""
        ...

    def streamed(self, answer: Body, asked: Body) -> bytes:
        """Return a complete answer as the stream that a model would have sent."""
        ...

    def error_event(self, error: Body) -> bytes:
        """Return an error as the end of a stream that has begun."""
        ...


class StreamFailed(ModelUnavailable):
    """A stream that is not a whole answer; `error` is the provider's own event, if any."""

    def __init__(self, message: str, error: Body | None = None) -> None:
        super().__init__(message)
        self.error = error


class Ambiguous(StreamFailed):
    """A stream that clients may read differently, and nothing says which of them is right."""
