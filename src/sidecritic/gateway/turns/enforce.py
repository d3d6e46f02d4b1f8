"""Enforce: the answer is withheld until every choice of it is settled.

    request ─▶ upstream ─▶ whole answer ─▶ decide() for each choice ─▶ record ─▶ client
                  ▲                           │ refused
                  └──── hidden round trip ◀───┘

What leaves is, byte for byte, the upstream's last answer, unless the supervisor speaks.
"""

import asyncio
import json
from collections.abc import Sequence
from time import perf_counter

from sidecritic.dialects.base import Body, Draft
from sidecritic.errors import ModelError, StoreError
from sidecritic.gateway.services import Services
from sidecritic.gateway.turns.attempt import Attempt, Passed
from sidecritic.gateway.turns.choice import Bench, Settled
from sidecritic.gateway.turns.deferred import judge_later, marked
from sidecritic.gateway.turns.inference import Spoilt, infer
from sidecritic.gateway.turns.request import Question, attempts_of
from sidecritic.gateway.wire.http import NO_STORE, Headers, Heard, Reply, end_to_end
from sidecritic.gateway.wire.refusals import Refused
from sidecritic.trace import Proposed

_FRAMING = frozenset({"content-encoding", "content-type"})
_CACHING = frozenset({"cache-control", "pragma", "expires", "etag", "last-modified", "age", "vary"})
"""Of the upstream's answer; what was decided for one client is no other's."""


async def enforce(question: Question, services: Services) -> Reply:
    """Return the answer that may leave.

    Raises:
        Refused: none may.
        ModelError: the upstream gave none.
    """
    started = perf_counter()
    try:
        heard, answer, answered = await infer(question, question.outgoing)
    except Passed as error:
        return _verbatim(question, error.heard, "error")
    except Spoilt as failure:
        return _failed_stream(question, failure)
    if answered.unknown:
        services.counts.unknown_shape(question.route.name)
    question.require_known(answered.unknown, where="answer")
    bench = Bench(question, services)
    bench.spend(answered.usage, question.outgoing.body, heard)
    try:
        settled = await _settle_all(bench, attempts_of(answered, heard, perf_counter() - started))
    except asyncio.CancelledError:
        _note_abandoned(bench)
        raise
    await _record(bench, settled)
    question.span.note({"sidecritic.outcome": ",".join(sorted({each.word for each in settled}))})
    for each in settled:
        if each.failure is not None:
            return _failure(question, each.failure)
    return _reply(question, heard, answer, settled)


async def _settle_all(bench: Bench, attempts: Sequence[Attempt]) -> tuple[Settled, ...]:
    if len(attempts) == 1:
        return (await bench.settle(0, attempts[0]),)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(bench.settle(n, attempt)) for n, attempt in enumerate(attempts)]
    return tuple(task.result() for task in tasks)


async def _record(bench: Bench, settled: Sequence[Settled]) -> None:
    services, setup = bench.services, bench.question.setup
    decisions = marked(bench, settled)
    try:
        await services.keep(decisions, is_closed=setup.is_closed)
    except StoreError as failure:
        raise Refused(
            503, "not_recorded", "the decision could not be recorded; try again later"
        ) from failure
    for each in settled:
        bench.remember(each)
    judge_later(bench, settled, decisions)


def _note_abandoned(bench: Bench) -> None:
    """Record the drafts of a request that ends, by its client or its time, before they left."""
    none = {"fate": "withheld", "source": "", "approved": False, "link": ""}
    seen = (each for each in bench.opened if any(isinstance(e, Proposed) for e in each.log))
    kept = [
        d.model_copy(update=none if d.verdict != "none" else {**none, "status": "abandoned"})
        for each in seen
        for d in bench.decisions(each)
    ]
    services = bench.services
    if kept and not services.background.spawn(lambda: services.keep(kept, is_closed=False)):
        services.counts.unrecorded(len(kept))


def _reply(question: Question, heard: Heard, answer: Body, settled: Sequence[Settled]) -> Reply:
    words = {each.word for each in settled}
    word = words.pop() if len(words) == 1 else "mixed"
    if len(settled) == 1 and isinstance(settled[0].released, Draft):
        return _verbatim(question, settled[0].seat.latest.heard, word)
    if all(each.released is each.seat.first.draft for each in settled):
        return _verbatim(question, heard, word)
    released = [each.released for each in settled if each.released is not None]
    written = question.dialect.rewritten(answer, released, question.body)
    if heard.is_stream:
        body, kind = question.dialect.streamed(written, question.body), "text/event-stream"
    else:
        body, kind = _json(written), "application/json"
    headers = _headers(question, heard, word, without=_FRAMING)
    return Reply(heard.status, (*headers, ("content-type", kind)), body)


def _verbatim(question: Question, heard: Heard, word: str) -> Reply:
    return Reply(heard.status, _headers(question, heard, word), heard.raw)


def _failed_stream(question: Question, failure: Spoilt) -> Reply:
    """Pass the provider's error on, and nothing of what it said before."""
    heard = failure.heard
    if failure.error is None:
        raise failure
    headers = _headers(question, heard, "error", without=frozenset({"content-encoding"}))
    return Reply(heard.status, headers, question.dialect.error_event(failure.error))


def _failure(question: Question, failure: ModelError | Refused) -> Reply:
    if isinstance(failure, Passed):
        return _verbatim(question, failure.heard, "error")
    raise failure


def _headers(
    question: Question, heard: Heard, word: str, *, without: frozenset[str] = frozenset()
) -> Headers:
    """Return the upstream's headers with ours."""
    dropped = _CACHING | without
    kept = (h for h in end_to_end(heard.headers) if h[0] not in dropped)
    marks = (("x-sidecritic-request", question.origin.request), ("x-sidecritic", word))
    return (*kept, NO_STORE, *marks)


def _json(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
