"""The door: one ASGI application for every path of a provider's API.

key ─▶ place ─▶ limits ─▶ supervised? ─▶ enforce or shadow ─▶ answer
                              └─ no ──▶ passed on, if the operator lets it
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import token_bytes
from time import perf_counter

from starlette.types import Receive, Scope, Send

from sidecritic.dialects.errors import openai_error
from sidecritic.dialects.strict_json import REPEATED, read_object
from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.routes import Place, Setup
from sidecritic.gateway.server.admission import Admission, tenant_of
from sidecritic.gateway.services import Services
from sidecritic.gateway.telemetry.spans import NO_SPAN
from sidecritic.gateway.turns.decided import Keeping
from sidecritic.gateway.turns.deciding import decide, is_decision
from sidecritic.gateway.turns.enforce import enforce
from sidecritic.gateway.turns.read_request import Caller, parsed, read_request, require_own
from sidecritic.gateway.turns.request import SupervisedRequest
from sidecritic.gateway.turns.routing import outgoing, place_of, readable, require_proxied
from sidecritic.gateway.turns.shadow import shadow
from sidecritic.gateway.wire.connection import ClientGone, Connection
from sidecritic.gateway.wire.http import NO_STORE, Outgoing, Reply, end_to_end, require_no_redirect
from sidecritic.gateway.wire.refusals import HttpError

log = logging.getLogger("sidecritic.gateway")

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def _random() -> Iterator[str]:
    """Walk over ten random bytes each, as hexadecimal digits.

    The system is asked for many at a time: each time, another thread may take its turn, and this
    one waits.
    """
    while True:
        drawn = token_bytes(2_000).hex()
        yield from (drawn[at : at + 20] for at in range(0, len(drawn), 20))


@dataclass(slots=True)
class Door:
    setup: Setup
    """The configuration in force; a reload replaces it as a whole."""
    services: Services
    admission: Admission
    random: Iterator[str] = field(default_factory=_random)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        id = f"{int(self.services.clock() * 1000):012x}{next(self.random)}"  # sorts by time
        await Visit(self, Connection(scope, receive, send), id).serve()


class Visit:
    """One request, from its first byte to the last of its answer."""

    def __init__(self, door: Door, line: Connection, id: str) -> None:
        self._door = door
        self._setup = door.setup
        self._line = line
        self._id = id
        self._mark = ("x-sidecritic-request", id)
        self._place: Place | None = None
        self._client = ""
        self._span = NO_SPAN
        self._is_held = False
        """Whether a stream that has begun is ours to end."""

    async def serve(self) -> None:
        services = self._door.services
        counts, started = services.counts, perf_counter()
        services.background.stir()
        counts.began()
        try:
            with services.traces.request(self._line.headers) as span:
                self._span = span
                await self._serve()
                self._note_span()
        finally:
            route = self._place.route.name if self._place else ""
            seconds = perf_counter() - started
            counts.ended(route, self._line.status, seconds)
            services.background.stir()
            log.info(
                "request",
                extra={
                    "request": self._id,
                    "tenant": self._client,
                    "route": route,
                    "endpoint": self._endpoint,
                    "status": self._line.status,
                    "seconds": round(seconds, 4),
                },
            )

    async def _serve(self) -> None:
        try:
            async with asyncio.timeout(self._setup.limits.seconds):
                await self._answer()
        except HttpError as refusal:
            await self._refuse(refusal)
        except TimeoutError:
            await self._refuse(HttpError(504, "timeout", "the request took too long"))
        except ModelUnavailable as failure:
            await self._refuse(HttpError(502, "upstream_unavailable", str(failure)))
        except ModelError as failure:
            await self._refuse(HttpError(403, "upstream_unusable", str(failure)))
        except ClientGone:
            pass

    async def _answer(self) -> None:
        setup, line = self._setup, self._line
        client = tenant_of(line.headers, setup.tenants)
        self._client = client.name
        place = self._place = place_of(setup, line.path, line.headers)
        with self._door.admission.enter(client):
            raw = await line.body(setup.limits.body_bytes)
            request = outgoing(place, line, raw)
            mode = strictest_mode(place.route.settings)
            if is_decision(place, line.method):
                await self._decide(place, request)
                return
            if place.dialect is None or line.method != "POST":
                require_proxied(setup, place, line.method)
                await line.while_there(self._pass(place, request))
                return
            services, limit = self._door.services, setup.limits.body_bytes
            plain = await readable(request, limit, services, insists=mode == "enforce")
            if mode == "off":
                require_own(place, plain, setup)
                await line.while_there(self._pass(place, request))
            else:
                caller = Caller(client.name, self._id, self._span)
                read = await read_request(place, plain, setup, services, caller)
                await self._supervise(place, read, enforces=mode == "enforce")

    async def _decide(self, place: Place, request: Outgoing) -> None:
        setup = self._setup
        plain = await readable(request, setup.limits.body_bytes, self._door.services)
        body, repeats = parsed(plain, setup.limits)
        if repeats:
            raise HttpError(400, "invalid_decision_request", f"the request holds {REPEATED}")
        caller = Caller(self._client, self._id, self._span)
        work = decide(place, body, Keeping(place, setup, caller, self._door.services).keep)
        answer = json.dumps(await self._line.while_there(work), ensure_ascii=False)
        headers = (("content-type", "application/json"), NO_STORE, self._mark)
        await self._line.whole(200, headers, answer.encode())

    async def _pass(self, place: Place, request: Outgoing) -> None:
        with self._span.child("pass", {}, is_remote=True) as s:
            sent = request.with_headers(s.carried(request.headers))
            incoming = await place.route.upstream.send(sent)
            try:
                if strictest_mode(place.route.settings) == "enforce":
                    require_no_redirect(incoming.status)
                await self._line.begin(incoming.status, end_to_end(incoming.headers))
                await self._line.stream(incoming.chunks())
            finally:
                await incoming.aclose()

    async def _supervise(self, place: Place, request: SupervisedRequest, *, enforces: bool) -> None:
        if not enforces:
            await self._line.while_there(self._shadow(place, request))
            return
        self._is_held = True
        request.require_known(request.asked.unknown, where="request")
        work, line = enforce(request, self._door.services), self._line
        if request.asked.stream:
            reply = await line.while_held(work, self._setup.limits.keep_alive, self._mark)
        else:
            reply = await line.while_there(work)
        await self._send(place, request, reply)

    async def _shadow(self, place: Place, request: SupervisedRequest) -> None:
        await self._send(place, request, await shadow(request, self._door.services))

    async def _send(self, place: Place, request: SupervisedRequest, reply: Reply) -> None:
        line, body = self._line, reply.body
        if not isinstance(body, bytes):
            await line.begin(reply.status, reply.headers)
            await line.stream(body)
        elif not line.status:
            await line.whole(reply.status, reply.headers, body)
        else:
            # The head is out, and said 200 and a stream: whatever came since has to be events.
            answer = read_object(body)[0] if reply.status == 200 else None
            if answer is not None:
                body = request.dialect.streamed(answer, request.body)
            if reply.status != 200:
                said = f"the upstream answered HTTP {reply.status}"
                error = read_object(body)[0] or place.error(reply.status, "upstream_error", said)
                body = request.dialect.error_event(error)
            await line.put(body, more=False)

    async def _refuse(self, refusal: HttpError) -> None:
        place, line = self._place, self._line
        wrap = place.error if place is not None else openai_error
        error = wrap(refusal.status, refusal.code, str(refusal))
        if line.status:
            # A stream that was passed on in shadow mode breaks off as the upstream's did.
            if self._is_held and place is not None and place.dialect is not None:
                await line.put(place.dialect.error_event(error), more=False)
            return
        headers = (*refusal.headers, NO_STORE, self._mark)
        with suppress(ClientGone):
            await line.whole(refusal.status, headers, json.dumps(error).encode())

    @property
    def _endpoint(self) -> str:
        # A path that is not one of ours is a client's text.
        return self._place.dialect.endpoint if self._place and self._place.dialect else "other"

    def _note_span(self) -> None:
        """Name the request by what it is."""
        if not self._span.is_recorded:
            return
        place, status, endpoint = self._place, self._line.status, self._endpoint
        method = self._line.method if self._line.method in _METHODS else "_OTHER"
        self._span.named(f"{method} {endpoint}")
        self._span.note(
            {
                "http.request.method": method,
                "http.route": endpoint,
                "http.response.status_code": status,
                "sidecritic.request": self._id,
                "sidecritic.tenant": self._client,
                "sidecritic.route": place.route.name if place else "",
                "sidecritic.mode": place.route.settings.mode if place else "",
            }
        )
        if status >= 500:
            self._span.note({"error.type": str(status)})
