"""Shadow: the client gets the upstream's bytes as they come; what they amount to is judged.

The end of an answer is held only until a record says that it was released, so that a kill
loses no decision; judging takes place afterwards and delays no client.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import ExitStack
from dataclasses import dataclass, field
from time import perf_counter

from sidecritic.dialects.base import ProviderAnswer
from sidecritic.errors import ModelError
from sidecritic.gateway.services import Services
from sidecritic.gateway.telemetry.spans import Span
from sidecritic.gateway.turns.attempt import attempts_of
from sidecritic.gateway.turns.choice import Choices
from sidecritic.gateway.turns.deferred import judge_later, marked, unread
from sidecritic.gateway.turns.genai import asked_of, note_answer
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import (
    Incoming,
    RawAnswer,
    Reply,
    end_to_end,
    is_event_stream,
)

_END = re.compile(
    rb"(^|[\r\n])data: ?\[DONE\]"
    rb'|"type": ?"(message_stop|response\.(completed|incomplete|failed))"'
)
"""What ends a stream; in what a model says, line ends and quotes are escaped."""
_LONGEST_END = 48
"""Bytes that may lie in the chunk before."""


async def shadow(request: SupervisedRequest, services: Services) -> Reply:
    """Return the upstream's answer as it is.

    Raises:
        ModelUnavailable: the upstream cannot be reached.
    """
    stack = ExitStack()
    name, known = asked_of(request)
    span = stack.enter_context(request.span.child(name, known, is_remote=True))
    with stack:
        headers = span.carried(request.outgoing.headers)
        incoming = await request.route.upstream.send(request.outgoing.with_headers(headers))
        still_open = stack.pop_all()
    marks = (("x-sidecritic-request", request.origin.request),)
    passing = _Passing(request, services, incoming, span, still_open)
    return Reply(incoming.status, (*end_to_end(incoming.headers), *marks), passing.chunks())


@dataclass
class _Passing:
    """An answer on its way through."""

    request: SupervisedRequest
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
            # The client may have left after it had read a whole call.
            spawn = self.services.background.spawn
            if not self.is_noted and not spawn(lambda: self._note(is_end=True)):
                self.services.counts.shadow_skipped(1)

    def _keep(self, chunk: bytes) -> None:
        self.size += len(chunk)
        if self.size <= self.request.setup.limits.answer_bytes:
            self.kept.append(chunk)

    async def _note(self, *, is_end: bool) -> None:
        """Record that the answer leaves, and have it judged; what is not whole yet waits."""
        if self.is_noted:
            return
        heard = RawAnswer(self.incoming.status, self.incoming.headers, b"".join(self.kept))
        self.is_noted = not heard.is_success
        if self.is_noted:
            return
        try:
            answered = await self._read(heard)
        except ModelError as failure:
            if is_end:
                await self._note_unread(heard, str(failure))
            return
        self.is_noted = True
        self.kept = []
        if answered.unknown:
            self.services.counts.unknown_shape(self.request.route.name)
        note_answer(self.span, answered)
        choices = Choices(self.request, self.services)
        if self.request.unread:
            await choices.remember_items([draft.raw for draft in answered.drafts])
            await self._note_unread(heard, self.request.unread)
            return
        attempts = attempts_of(answered, heard, perf_counter() - self.started)
        settled = [choices.open(n, attempt).let_pass() for n, attempt in enumerate(attempts)]
        decisions = marked(choices, settled)
        for each in settled:
            await choices.remember(each)
        await self.services.keep(decisions, is_closed=False)
        await judge_later(choices, settled, decisions)

    async def _read(self, heard: RawAnswer) -> ProviderAnswer:
        limit = self.request.setup.limits.answer_bytes
        if self.size > limit:
            raise ModelError("the answer is longer than answer_bytes")
        aside = self.services.aside.run
        return (await aside(heard.size(limit), self.request.read, heard))[2]

    async def _note_unread(self, heard: RawAnswer, why: str) -> None:
        """Record an answer that broke off, or cannot be read: what of it left is not known."""
        self.is_noted = True
        self.kept = []
        self.services.counts.shadow_skipped(1)
        choices = Choices(self.request, self.services)
        await self.services.keep(unread(choices, heard, why), is_closed=False)
