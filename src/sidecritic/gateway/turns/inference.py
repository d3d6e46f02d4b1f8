"""One request to the upstream and its whole answer, within a span."""

from sidecritic.dialects.base import Body, ProviderAnswer, StreamFailed
from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.gateway.turns.genai import INPUT, asked_of, note_answer
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import Outgoing, RawAnswer, read_whole


class UpstreamError(ModelError):
    """The upstream answered with an error, which is passed on."""

    def __init__(self, heard: RawAnswer) -> None:
        super().__init__(f"the upstream answered with HTTP {heard.status}")
        self.heard = heard


class BrokenStream(ModelUnavailable):
    """A stream that is not a whole answer, with what was heard of it."""

    def __init__(self, heard: RawAnswer, failure: StreamFailed) -> None:
        super().__init__(f"the upstream's stream is not a whole answer: {failure}")
        self.heard = heard
        self.error = failure.error
        """The provider's own event, where it sent one."""


async def infer(
    request: SupervisedRequest, outgoing: Outgoing
) -> tuple[RawAnswer, Body, ProviderAnswer]:
    """Return the upstream's answer as bytes, as an object, and what it proposes.

    Raises:
        UpstreamError: the upstream answered with an error.
        BrokenStream: the stream is not a whole answer.
        ModelError: the provider would not answer like this.
    """
    name, known = asked_of(request)
    with request.span.child(name, known, is_remote=True) as span:
        if span.keeps_content:
            span.content(INPUT, [m.model_dump(mode="json") for m in request.asked.history])
        sent = outgoing.with_headers(span.carried(outgoing.headers))
        incoming = await request.route.upstream.send(sent)
        heard = await read_whole(incoming, request.setup.limits.answer_bytes)
        if not heard.is_success:
            raise UpstreamError(heard)
        try:
            answer, answered = request.read(heard)
        except StreamFailed as failure:
            raise BrokenStream(heard, failure) from failure
        note_answer(span, answered)
    return heard, answer, answered
