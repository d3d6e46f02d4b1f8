"""One request of a client, read and placed: who asks what, on which route."""

from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from sidecritic.dialects.base import Answered, Asked, Body, Dialect
from sidecritic.errors import ModelError
from sidecritic.gateway.modes import with_effects
from sidecritic.gateway.routes import Route, Setup
from sidecritic.gateway.store.decisions import Origin
from sidecritic.gateway.telemetry.spans import NoSpan, Span
from sidecritic.gateway.turns.attempt import Attempt
from sidecritic.gateway.wire.http import Heard, Outgoing
from sidecritic.gateway.wire.refusals import Refused
from sidecritic.strict_json import REPEATED, read_object
from sidecritic.types import Briefing, Usage


@dataclass(frozen=True, slots=True)
class Question:
    tenant: str
    setup: Setup
    route: Route
    dialect: Dialect
    asked: Asked
    body: Body = field(repr=False)
    outgoing: Outgoing
    origin: Origin
    head: tuple[str, list[JsonValue]]
    """The digest chain of the history, and what was said since its last link."""
    span: Span = field(default_factory=NoSpan)
    """Of the whole request."""

    def briefing(self) -> Briefing:
        """Return what the critic is told; the upstream gets the client's own request."""
        return Briefing.of_parts(
            policy=self.route.policy or self.asked.system,
            tools=with_effects(self.asked, self.route.settings),
            system="",
        )

    def again(self, body: bytes) -> Outgoing:
        """Return the request of a hidden round trip."""
        # An idempotent server would answer with the refused draft once more.
        headers = tuple(h for h in self.outgoing.headers if h[0] != "idempotency-key")
        return Outgoing(self.outgoing.method, self.outgoing.path, headers, body)

    def read(self, heard: Heard) -> tuple[Body, Answered]:
        """Return a successful answer as an object, and what it proposes.

        Raises:
            StreamFailed: a stream that is no whole answer.
            ModelError: no answer of the provider.
        """
        content = heard.content(self.setup.limits.answer_bytes)
        if heard.is_stream:
            answer = self.dialect.assembled(content)
            return answer, self.dialect.answered(answer)
        answer, repeats = read_object(content)
        if answer is None:
            raise ModelError("the upstream's answer is no JSON object")
        answered = self.dialect.answered(answer)
        if repeats:
            answered = replace(answered, unknown=(*answered.unknown, REPEATED))
        return answer, answered

    def require_known(self, unknown: tuple[str, ...], *, where: str) -> None:
        """Refuse what no dialect knows, unless the operator lets it pass.

        Raises:
            Refused: the route blocks such shapes.
        """
        if unknown and self.route.settings.unknown == "block":
            status = 400 if where == "request" else 502
            shown = ", ".join(shape[:80] for shape in unknown[:5])
            raise Refused(
                status,
                "unknown_shape",
                f"the {where} holds what cannot be supervised: {shown}; "
                "leave it out, or let the operator set unknown = 'pass' on this route",
            )


def attempts_of(answered: Answered, heard: Heard, seconds: float) -> tuple[Attempt, ...]:
    """Return one attempt for each choice; the first bears the cost of all."""
    return tuple(
        Attempt(
            draft=draft,
            heard=heard,
            model=answered.model,
            usage=answered.usage if number == 0 else Usage(),
            seconds=seconds if number == 0 else 0.0,
            id=answered.id,
        )
        for number, draft in enumerate(answered.drafts)
    )
