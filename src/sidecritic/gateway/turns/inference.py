"""One question to the upstream, and its whole answer, within a span."""

from sidecritic.dialects.base import Answered, Body, StreamFailed
from sidecritic.errors import ModelUnavailable
from sidecritic.gateway.turns.attempt import Passed
from sidecritic.gateway.turns.genai import INPUT, asked_of, note_answer
from sidecritic.gateway.turns.request import Question
from sidecritic.gateway.wire.http import Heard, Outgoing, hear


class Spoilt(ModelUnavailable):
    """A stream that is no whole answer, with what was heard of it."""

    def __init__(self, heard: Heard, failure: StreamFailed) -> None:
        super().__init__(f"the upstream's stream is no whole answer: {failure}")
        self.heard = heard
        self.error = failure.error
        """The provider's own event, where it sent one."""


async def infer(question: Question, request: Outgoing) -> tuple[Heard, Body, Answered]:
    """Return the upstream's answer, as bytes, as an object, and what it proposes.

    Raises:
        Passed: the upstream answered with an error.
        Spoilt: a stream that is no whole answer.
        ModelError: no answer of the provider.
    """
    name, known = asked_of(question)
    with question.span.child(name, known, is_remote=True) as span:
        if span.keeps_content:
            span.content(INPUT, [m.model_dump(mode="json") for m in question.asked.history])
        sent = request.with_headers(span.carried(request.headers))
        incoming = await question.route.upstream.send(sent)
        heard = await hear(incoming, question.setup.limits.answer_bytes)
        if not heard.is_success:
            raise Passed(heard)
        try:
            answer, answered = question.read(heard)
        except StreamFailed as failure:
            raise Spoilt(heard, failure) from failure
        note_answer(span, answered)
    return heard, answer, answered
