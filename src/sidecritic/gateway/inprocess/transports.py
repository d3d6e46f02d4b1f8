"""Transports of httpx2 that do in process what the gateway does on the network."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from uuid import uuid4

import httpx2

from sidecritic.dialects.base import Dialect
from sidecritic.dialects.providers import PROVIDERS
from sidecritic.errors import ModelError, ModelUnavailable
from sidecritic.gateway.inprocess.threaded_client import DECODED, ThreadedClient
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.routes import Place, Route, Setup
from sidecritic.gateway.services import Services
from sidecritic.gateway.telemetry.spans import NO_SPAN
from sidecritic.gateway.turns.enforce import enforce
from sidecritic.gateway.turns.read_request import Caller, read_request
from sidecritic.gateway.turns.routing import readable, require_proxied
from sidecritic.gateway.turns.shadow import shadow
from sidecritic.gateway.wire.http import Headers, Incoming, Outgoing, Reply
from sidecritic.gateway.wire.refusals import HttpError
from sidecritic.seats.loop_thread import LoopThread

SendingClient = httpx2.AsyncClient | ThreadedClient
"""An SDK's own client."""

_OWN = frozenset({"content-length", "transfer-encoding", "accept-encoding", "host"})


@dataclass(frozen=True, slots=True)
class Supervision:
    """What the requests of a supervised client share."""

    setup: Setup
    services: Services
    route: Callable[..., Route]
    """Takes the `upstream`."""


def supervised(own: httpx2.Client | httpx2.AsyncClient, supervision: Supervision) -> Any:
    """Return a client of the same kind whose requests are supervised, and sent by `own`."""
    if isinstance(own, httpx2.Client):
        blocking = SyncTransport(supervision, own)
        return httpx2.Client(transport=blocking, timeout=None, follow_redirects=True)
    transport = AsyncTransport(supervision, own)
    return httpx2.AsyncClient(transport=transport, timeout=None, follow_redirects=True)


class AsyncTransport(httpx2.AsyncBaseTransport):
    """Supervises the requests that carry actions, and passes the others on."""

    def __init__(self, supervision: Supervision, own: SendingClient) -> None:
        self._supervision = supervision
        self._own = own

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return what may leave; a refusal is an answer with a status, as from a server."""
        body = await request.aread()
        upstream = _Sender(self._own, request)
        route = self._supervision.route(upstream=upstream)
        dialect = _dialect(route, request)
        try:
            if dialect is None or strictest_mode(route.settings) == "off":
                _require_proxied(self._supervision.setup, route, request)
                return await upstream.passed(body)
            return _response(await self._reply(route, dialect, upstream.outgoing(body)), request)
        except HttpError as refusal:
            return _error(route, request, refusal)
        except ModelUnavailable as failure:
            raise httpx2.RemoteProtocolError(str(failure), request=request) from failure
        except ModelError as failure:
            return _error(route, request, HttpError(403, "upstream_unusable", str(failure)))

    async def aclose(self) -> None:
        background = self._supervision.services.background
        await background.finish(self._supervision.setup.limits.shutdown)
        await self._own.aclose()

    async def _reply(self, route: Route, dialect: Dialect, request: Outgoing) -> Reply:
        setup, services = self._supervision.setup, self._supervision.services
        place = Place(route, dialect.endpoint, dialect)
        is_shadow = strictest_mode(route.settings) == "shadow"
        limit = setup.limits.body_bytes
        request = await readable(request, limit, services, insists=not is_shadow)
        caller = Caller("client", uuid4().hex, NO_SPAN)
        read = await read_request(place, request, setup, services, caller)
        if is_shadow:
            return await shadow(read, services)
        read.require_known(read.asked.unknown, where="request")
        return await enforce(read, services)


class SyncTransport(httpx2.BaseTransport):
    """The same for blocking clients: the work runs on a loop in another thread."""

    def __init__(self, supervision: Supervision, own: httpx2.Client) -> None:
        self._loop = LoopThread("sidecritic-supervise")
        self._inner = AsyncTransport(supervision, ThreadedClient(own))

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return what may leave."""
        request.read()
        asked = httpx2.Request(
            request.method,
            request.url,
            headers=request.headers,
            content=request.content,
            extensions=request.extensions,
        )
        answer = self._loop.run(self._inner.handle_async_request(asked))
        body: Any = answer.stream
        if not isinstance(body, httpx2.SyncByteStream):
            body = _Blocking(body, self._loop.run)
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=body, request=request
        )

    def close(self) -> None:
        if not self._loop.is_closed:
            self._loop.run(self._inner.aclose())
            self._loop.close()


class _Blocking(httpx2.SyncByteStream):
    """An async stream, read from outside its loop."""

    def __init__(self, stream: Any, run: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._stream = stream
        self._run = run

    def __iter__(self) -> Iterator[bytes]:
        chunks = aiter(self._stream)
        while (chunk := self._run(_next(chunks))) is not None:
            yield chunk

    def close(self) -> None:
        self._run(self._stream.aclose())


async def _next(chunks: AsyncIterator[bytes]) -> bytes | None:
    return await anext(chunks, None)


class _Passing(httpx2.AsyncByteStream):
    """The body of a reply that arrives as it is read."""

    def __init__(self, chunks: AsyncGenerator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def aclose(self) -> None:
        await self._chunks.aclose()


@dataclass(frozen=True, slots=True)
class _Sender:
    """The provider, reached as the SDK would have reached it."""

    client: SendingClient
    request: httpx2.Request
    name: str = "client"

    def outgoing(self, body: bytes) -> Outgoing:
        kept = [(k.lower(), v) for k, v in self.request.headers.items() if k.lower() not in _OWN]
        # An answer that is compressed would have to be unpacked to be judged.
        kept.append(("accept-encoding", "identity"))
        return Outgoing(self.request.method, "", tuple(kept), body)

    async def send(self, request: Outgoing) -> Incoming:
        return _Received(await self._sent(list(request.headers), request.body))

    async def passed(self, body: bytes) -> httpx2.Response:
        """Return the answer to the request as it is."""
        return await self._sent(self.request.headers, body)

    async def _sent(self, headers: Any, body: bytes) -> httpx2.Response:
        # Built by the client that sends it, for the headers and cookies that it adds.
        sent = self.client.build_request(
            self.request.method,
            self.request.url,
            headers=headers,
            content=body,
            extensions=self.request.extensions,
        )
        return await self.client.send(sent, stream=True)


class _Received:
    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self.status = response.status_code
        # What a hook of the client has read has been decoded.
        untrue = DECODED if response.is_stream_consumed else ()
        given = ((name.lower(), value) for name, value in response.headers.multi_items())
        self.headers: Headers = tuple(header for header in given if header[0] not in untrue)

    async def chunks(self) -> AsyncGenerator[bytes]:
        if self._response.is_stream_consumed:
            yield self._response.content
            return
        async for chunk in self._response.aiter_raw():
            yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


def _require_proxied(setup: Setup, route: Route, request: httpx2.Request) -> None:
    """Refuse a path that might carry an action past the critic.

    A client's base URL may end anywhere, so a pattern may match any end of the path.

    Raises:
        HttpError: the path is not known to be harmless.
    """
    segments = request.url.path.strip("/").split("/")
    ends = ["/".join(segments[at:]) for at in range(len(segments))]
    lines = {end: f"{request.method} {end}" for end in ends}
    listed = (e for e in ends if any(fnmatchcase(lines[e], each) for each in setup.proxied))
    require_proxied(setup, Place(route, next(listed, ends[-1]), None), request.method)


def _dialect(route: Route, request: httpx2.Request) -> Dialect | None:
    if request.method != "POST":
        return None
    path = request.url.path
    known = PROVIDERS[route.provider].dialects
    return next((known[end] for end in known if path.endswith(f"/{end}")), None)


def _error(route: Route, request: httpx2.Request, refusal: HttpError) -> httpx2.Response:
    status = refusal.status
    error = PROVIDERS[route.provider].error(status, refusal.code, str(refusal))
    headers = list(refusal.headers)
    return httpx2.Response(status, headers=headers, content=json.dumps(error), request=request)


def _response(reply: Reply, request: httpx2.Request) -> httpx2.Response:
    status, headers = reply.status, list(reply.headers)
    if isinstance(reply.body, bytes):
        return httpx2.Response(status, headers=headers, content=reply.body, request=request)
    body = _Passing(reply.body)
    return httpx2.Response(status, headers=headers, stream=body, request=request)
