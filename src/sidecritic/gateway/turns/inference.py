"""One request to the upstream and its whole answer, within a span."""

import re
from dataclasses import replace

from sidecritic.dialects.base import Ambiguous, Body, ProviderAnswer, StreamFailed
from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.gateway.services import Aside
from sidecritic.gateway.turns.genai import INPUT, asked_of, note_answer
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import Outgoing, RawAnswer, read_whole
from sidecritic.seats.turn_log import is_empty
from sidecritic.values import object_of

_LINE = re.compile(rb"(?:\A|[\r\n])\s*data:")
_ANSWERS = frozenset({"choices", "content", "output"})


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
        self.is_whole = isinstance(failure, Ambiguous)


async def infer(
    request: SupervisedRequest, outgoing: Outgoing, aside: Aside
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
        limit = request.setup.limits.answer_bytes
        heard = await read_whole(incoming, limit)
        heard, answer, answered = await aside.run(heard.size(limit), _read, request, heard)
        note_answer(span, answered)
    return heard, answer, answered


def _read(request: SupervisedRequest, heard: RawAnswer) -> tuple[RawAnswer, Body, ProviderAnswer]:
    """Read an answer; whatever its status is, one that proposes something is to be judged."""
    try:
        read, answer, answered = request.read(heard)
    except ModelError as failure:
        if not heard.is_success and not _LINE.search(heard.raw):
            raise UpstreamError(heard) from failure
        if isinstance(failure, StreamFailed):
            raise BrokenStream(heard, failure) from failure
        raise
    if all(is_empty(draft.action) for draft in answered.drafts):
        if not heard.is_success:
            raise UpstreamError(heard)
        if answer.get("error") and not answer.keys() & _ANSWERS:
            raise UpstreamError(replace(heard, status=_status(answer)))
    return read, answer, answered


def _status(answer: Body) -> int:
    """Return the status that an error should have had."""
    code = object_of(answer, "error").get("code")
    return code if isinstance(code, int) and 400 <= code < 600 else 502
