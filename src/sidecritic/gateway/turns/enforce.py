"""Enforce: the answer is withheld until every choice of it is settled.

    request ─▶ upstream ─▶ whole answer ─▶ decide() for each choice ─▶ record ─▶ client
                  ▲                           │ refused
                  └──── hidden round trip ◀───┘

What leaves is, byte for byte, the upstream's last answer, unless the supervisor speaks.
"""

import asyncio
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from time import perf_counter

from sidecritic.dialects.base import Body, WireDraft
from sidecritic.errors import ModelError, StoreError
from sidecritic.gateway.services import Services
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.gateway.turns.attempt import Attempt, attempts_of
from sidecritic.gateway.turns.choice import Choice, Choices
from sidecritic.gateway.turns.deferred import judge_later, marked, unread
from sidecritic.gateway.turns.inference import BrokenStream, UpstreamError, infer
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.wire.http import NO_STORE, Headers, RawAnswer, Reply, end_to_end
from sidecritic.gateway.wire.refusals import HttpError
from sidecritic.trace import Proposed

_FRAMING = frozenset({"content-encoding", "content-type"})
_UNSHOWN = re.compile(r"[^\x20-\x7e]")
"""What no header holds."""
_CACHING = frozenset({"cache-control", "pragma", "expires", "etag", "last-modified", "age", "vary"})
"""Of the upstream's answer: what was decided for one client holds for no other."""


async def enforce(request: SupervisedRequest, services: Services) -> Reply:
    """Return the answer that may leave.

    Raises:
        HttpError: none may.
        ModelError: the upstream gave none.
    """
    started = perf_counter()
    try:
        heard, answer, answered = await infer(request, request.outgoing, services.aside)
    except UpstreamError as error:
        return _verbatim(request, error.heard, "error")
    except BrokenStream as failure:
        if failure.is_whole and request.route.settings.unknown == "pass":
            return await _let_pass(request, services, failure)
        return _failed_stream(request, failure)
    if answered.unknown:
        services.counts.unknown_shape(request.route.name)
    request.require_known(answered.unknown, where="answer")
    choices = Choices(request, services)
    choices.spend(answered.usage, request.outgoing.body, heard)
    try:
        settled = await _settle_all(choices, attempts_of(answered, heard, perf_counter() - started))
    except asyncio.CancelledError:
        _note_abandoned(choices)
        raise
    decisions = await _record(choices, settled)
    request.span.note({"sidecritic.outcome": ",".join(sorted({each.outcome for each in settled}))})
    failure = next((each.failure for each in settled if each.failure is not None), None)
    if isinstance(failure, UpstreamError):
        return _verbatim(request, failure.heard, "error")
    if failure is not None:
        raise failure
    reply = _reply(request, heard, answer, settled)
    return replace(reply, headers=(*reply.headers, *_trouble(decisions)))


async def _settle_all(choices: Choices, attempts: Sequence[Attempt]) -> tuple[Choice, ...]:
    if len(attempts) == 1:
        return (await choices.settle(0, attempts[0]),)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(choices.settle(n, each)) for n, each in enumerate(attempts)]
    return tuple(task.result() for task in tasks)


async def _record(choices: Choices, settled: Sequence[Choice]) -> list[DecisionRecord]:
    services, setup = choices.services, choices.request.setup
    decisions = marked(choices, settled)
    try:
        await services.keep(decisions, is_closed=setup.is_closed)
    except StoreError as failure:
        problem = "the decision could not be recorded; try again later"
        raise HttpError(503, "not_recorded", problem) from failure
    for each in settled:
        await choices.remember(each)
    await judge_later(choices, settled, decisions)
    return decisions


def _trouble(decisions: Sequence[DecisionRecord]) -> Headers:
    """Return a header that says why a critic or a check failed, if one did."""
    said = "; ".join(dict.fromkeys(d.trouble for d in decisions if d.trouble))
    return (("x-sidecritic-failure", _UNSHOWN.sub("?", said)[:300]),) if said else ()


def _note_abandoned(choices: Choices) -> None:
    """Record the drafts of a request whose client left, or whose time was over, before they did."""
    none = {"fate": "withheld", "source": "", "approved": False, "link": ""}
    seen = (each for each in choices.opened if any(isinstance(e, Proposed) for e in each.log))
    kept = [
        d.model_copy(update=none if d.verdict != "none" else {**none, "status": "abandoned"})
        for each in seen
        for d in choices.decisions(each)
    ]
    services = choices.services
    if kept and not services.background.spawn(lambda: services.keep(kept, is_closed=False)):
        services.counts.unrecorded(len(kept))


def _reply(
    request: SupervisedRequest, heard: RawAnswer, answer: Body, settled: Sequence[Choice]
) -> Reply:
    words = {each.outcome for each in settled}
    word = words.pop() if len(words) == 1 else "mixed"
    if len(settled) == 1 and isinstance(settled[0].released, WireDraft):
        return _verbatim(request, settled[0].seat.latest.heard, word)
    if all(each.released is each.seat.first.draft for each in settled):
        return _verbatim(request, heard, word)
    released = [each.released for each in settled if each.released is not None]
    written = request.dialect.rewritten(answer, released, request.body)
    if heard.is_stream:
        body, kind = request.dialect.streamed(written, request.body), "text/event-stream"
    else:
        text = json.dumps(written, ensure_ascii=False, separators=(",", ":"))
        body, kind = text.encode(), "application/json"
    headers = _headers(request, heard, word, without=_FRAMING)
    return Reply(heard.status, (*headers, ("content-type", kind)), body)


def _verbatim(request: SupervisedRequest, heard: RawAnswer, word: str) -> Reply:
    return Reply(heard.status, _headers(request, heard, word), heard.raw)


async def _let_pass(request: SupervisedRequest, services: Services, failure: BrokenStream) -> Reply:
    """Pass on what clients may read differently, as the operator wants it."""
    services.counts.unknown_shape(request.route.name)
    rows = unread(Choices(request, services), failure.heard, str(failure))
    await services.keep(rows, is_closed=False)
    return _verbatim(request, failure.heard, "unapproved")


def _failed_stream(request: SupervisedRequest, failure: BrokenStream) -> Reply:
    """Pass the provider's error on, and nothing of what it said before."""
    heard = failure.heard
    if failure.is_whole:  # asking again would not make it clearer
        raise ModelError(str(failure)) from failure
    if failure.error is None:
        raise failure
    headers = _headers(request, heard, "error", without=frozenset({"content-encoding"}))
    return Reply(heard.status, headers, request.dialect.error_event(failure.error))


def _headers(
    request: SupervisedRequest,
    heard: RawAnswer,
    word: str,
    *,
    without: frozenset[str] = frozenset(),
) -> Headers:
    """Return the upstream's headers with ours."""
    dropped = _CACHING | without
    kept = (h for h in end_to_end(heard.headers) if h[0] not in dropped)
    marks = (("x-sidecritic-request", request.origin.request), ("x-sidecritic", word))
    return (*kept, NO_STORE, *marks)
