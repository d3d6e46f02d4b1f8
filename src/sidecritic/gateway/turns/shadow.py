"""Shadow: the client gets the upstream's bytes as they come; what they amount to is judged.

The end of an answer is held only until a record says that it was released, so that a kill
loses no decision; judging attempts place afterwards and delays nobody.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from sidecritic.dialects.base import Answered, Draft
from sidecritic.errors import ModelError
from sidecritic.gateway.services import Services
from sidecritic.gateway.telemetry.spans import Span
from sidecritic.gateway.turns.attempt import Attempt
from sidecritic.gateway.turns.choice import Bench, let_pass
from sidecritic.gateway.turns.deferred import judge_later, marked
from sidecritic.gateway.turns.genai import asked_of, note_answer
from sidecritic.gateway.turns.request import Question, attempts_of
from sidecritic.gateway.wire.http import Heard, Incoming, Reply, end_to_end, is_event_stream
from sidecritic.types import Assistant, Usage

_END = re.compile(
    rb"(^|[\r\n])data: ?\[DONE\]"
    rb'|"type": ?"(message_stop|response\.(completed|incomplete|failed))"'
)
"""What ends a stream; in what a model says, line ends and quotes are escaped."""
_LONGEST_END = 48
"""Bytes that may lie in the chunk before."""


async def shadow(question: Question, services: Services) -> Reply:
    """Return the upstream's answer as it is.

    Raises:
        ModelUnavailable: the upstream cannot be reached.
    """
    stack = ExitStack()
    name, known = asked_of(question)
    span = stack.enter_context(question.span.child(name, known, is_remote=True))
    with stack:
        headers = span.carried(question.outgoing.headers)
        incoming = await question.route.upstream.send(question.outgoing.with_headers(headers))
        still_open = stack.pop_all()
    marks = (("x-sidecritic-request", question.origin.request),)
    passing = _Passing(question, services, incoming, span, still_open)
    return Reply(incoming.status, (*end_to_end(incoming.headers), *marks), passing.chunks())


@dataclass
class _Passing:
    """An answer on its way through."""

    question: Question
    services: Services
    incoming: Incoming
    span: Span
    spans: ExitStack
    """Closes the span with the end of the answer."""
    kept: list[bytes] = field(default_factory=list[bytes])
    size: int = 0
    is_noted: bool = False
    started: float = field(default_factory=perf_counter)

    async def chunks(self) -> AsyncGenerator[bytes]:
        is_stream = is_event_stream(self.incoming.headers)
        # Where the end cannot be told from the bytes, the last ones wait for it.
        waits = not is_stream
        tail = last = b""
        try:
            async for chunk in self.incoming.chunks():
                self._keep(chunk)
                if not waits and _END.search(tail + chunk):
                    await self._note(is_end=False)
                    waits = not self.is_noted
                tail = (tail + chunk)[-_LONGEST_END:]
                if waits:
                    last, chunk = chunk, last
                if chunk:
                    yield chunk
            await self._note(is_end=True)
            if last:
                yield last
        finally:
            self.spans.close()
            await self.incoming.aclose()
            if not self.is_noted:
                # The client left, and may have read a whole call before it did.
                is_kept = self.services.background.spawn(lambda: self._note(is_end=True))
                if not is_kept:
                    self.services.counts.shadow_skipped(1)

    def _keep(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self.question.setup.limits.answer_bytes:
            self.kept.append(chunk)

    async def _note(self, *, is_end: bool) -> None:
        """Record that the answer leaves, and have it judged; what is not whole yet waits."""
        if self.is_noted:
            return
        heard = Heard(self.incoming.status, self.incoming.headers, b"".join(self.kept))
        if not heard.is_success:
            self.is_noted = True
            return
        try:
            answered = self._read(heard)
        except ModelError as failure:
            if is_end:
                await self._note_unread(heard, str(failure))
            return
        self.is_noted = True
        self.kept = []
        if answered.unknown:
            self.services.counts.unknown_shape(self.question.route.name)
        note_answer(self.span, answered)
        bench = Bench(self.question, self.services)
        attempts = attempts_of(answered, heard, perf_counter() - self.started)
        settled = [let_pass(bench.open(n, attempt)) for n, attempt in enumerate(attempts)]
        decisions = marked(bench, settled)
        for each in settled:
            bench.remember(each)
        await self.services.keep(decisions, is_closed=False)
        judge_later(bench, settled, decisions)

    def _read(self, heard: Heard) -> Answered:
        if self.size > self.question.setup.limits.answer_bytes:
            raise ModelError("the answer is longer than what is kept of it")
        return self.question.read(heard)[1]

    async def _note_unread(self, heard: Heard, why: str) -> None:
        """Record an answer that broke off, or cannot be read: what of it left is not known."""
        self.is_noted = True
        self.kept = []
        self.services.counts.shadow_skipped(1)
        bench = Bench(self.question, self.services)
        nothing = Draft(Assistant(text=""), None, "stop")
        attempt = Attempt(nothing, heard, model="", usage=Usage(), seconds=0.0, id="")
        kept = bench.decisions(let_pass(bench.open(0, attempt)))
        says = {"status": "unread", "link": "", "category": why}
        unread = [d.model_copy(update=says) for d in kept]
        await self.services.keep(unread, is_closed=False)
