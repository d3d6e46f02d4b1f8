"""A request to a supervised endpoint, read and routed: who asks what, on which route."""

import re
from codecs import BOM_UTF8
from dataclasses import dataclass, field, replace

from pydantic import JsonValue

from sidecritic.dialects.base import Body, ClientRequest, Dialect, ProviderAnswer
from sidecritic.dialects.strict_json import REPEATED, read_object
from sidecritic.errors import ModelUnavailable
from sidecritic.gateway.modes import with_effects
from sidecritic.gateway.routes import Route, Setup
from sidecritic.gateway.store.decisions import Origin
from sidecritic.gateway.telemetry.spans import NO_SPAN, Span
from sidecritic.gateway.wire.http import EVENT_STREAM, Outgoing, RawAnswer
from sidecritic.gateway.wire.refusals import HttpError
from sidecritic.types import Briefing

_EVENT = re.compile(rb"(?:\A|\A\xef\xbb\xbf|[\r\n])(?:data|event):")


@dataclass(frozen=True, slots=True)
class SupervisedRequest:
    tenant: str
    setup: Setup
    route: Route
    dialect: Dialect
    asked: ClientRequest
    body: Body = field(repr=False)
    outgoing: Outgoing
    origin: Origin
    head: tuple[str, list[JsonValue]]
    """The digest of the history, and what was said since its last link."""
    span: Span = NO_SPAN
    """Of the whole request."""
    unread: str = ""
    """Why no critic can be shown the conversation; only shadow mode lets it pass then."""

    def briefing(self) -> Briefing:
        """Return what the critic is told; the upstream gets the client's own request."""
        return Briefing.of_parts(
            policy=self.route.policy or self.asked.system,
            tools=with_effects(self.asked, self.route.settings),
            system="",
            context=self.asked.system if self.route.policy else "",
        )

    def again(self, body: bytes) -> Outgoing:
        """Return the request of a hidden round trip."""
        # An idempotent server would answer with the refused draft once more.
        headers = tuple(h for h in self.outgoing.headers if h[0] != "idempotency-key")
        return Outgoing(self.outgoing.method, self.outgoing.path, headers, body)

    def read(self, heard: RawAnswer) -> tuple[RawAnswer, Body, ProviderAnswer]:
        """Return an answer as all clients read it, as an object, and what it proposes.

        Raises:
            StreamFailed: the stream is not a whole answer.
            ModelUnavailable: it is not an answer of the provider.
        """
        content = heard.content(self.setup.limits.answer_bytes)
        if holds_events(heard, content):
            answer, is_plain = self.dialect.assembled(content, self.body)
            if not is_plain or not heard.is_stream:
                heard = self._streamed(heard, answer)
            return heard, answer, self._answered(answer)
        answer, repeats = read_object(content.removeprefix(BOM_UTF8))
        if answer is None:
            raise ModelUnavailable("the upstream's answer is not a JSON object")
        answered = self._answered(answer)
        if repeats:
            answered = replace(answered, unknown=(*answered.unknown, REPEATED))
        elif heard.is_stream and heard.is_success and "error" not in answer:
            heard = self._streamed(heard, answer)
        return heard, answer, answered

    def _answered(self, answer: Body) -> ProviderAnswer:
        answered = self.dialect.answered(answer)
        if all(call.name for draft in answered.drafts for call in draft.action.calls):
            return answered
        return replace(answered, unknown=(*answered.unknown, "a tool call without a name"))

    def _streamed(self, heard: RawAnswer, answer: Body) -> RawAnswer:
        """Return an answer in the one form that all clients read alike."""
        kept = (h for h in heard.headers if h[0] not in ("content-type", "content-encoding"))
        headers = (*kept, ("content-type", EVENT_STREAM))
        return RawAnswer(heard.status, headers, self.dialect.streamed(answer, self.body))

    def require_known(self, unknown: tuple[str, ...], *, where: str) -> None:
        """Refuse what no dialect knows, unless the operator lets it pass.

        Raises:
            HttpError: the route blocks such shapes.
        """
        if unknown and self.route.settings.unknown == "block":
            shown = ", ".join(shape[:80] for shape in unknown[:5])
            raise HttpError(
                400 if where == "request" else 403,
                "unknown_shape",
                f"the {where} holds what cannot be supervised: {shown}; "
                "leave it out, or let the operator set unknown = 'pass' on this route",
            )


def holds_events(heard: RawAnswer, content: bytes) -> bool:
    """Whether an answer is a stream, whatever its type says."""
    if content.removeprefix(BOM_UTF8).lstrip().startswith(b"{"):
        return False
    return heard.is_stream or _EVENT.search(content) is not None
