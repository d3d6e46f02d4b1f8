"""Upstream servers over HTTP; their addresses come from the operator's settings alone."""

import ipaddress
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from io import BytesIO
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from sidecritic.dialects.providers import PROVIDERS, ProviderApi
from sidecritic.errors import ModelUnavailable
from sidecritic.gateway.settings import UpstreamSettings
from sidecritic.gateway.wire.http import KEY_HEADERS, Headers, Incoming, Outgoing

_CHUNK: Final = 65_536
_LARGE: Final = 2**20
_MAX_CONNECTIONS = 1024
_IDLE = 4.0
"""Seconds that an idle connection is kept; many servers close theirs after five."""


@dataclass
class HttpUpstream:
    """One server, with its connections."""

    name: str
    settings: UpstreamSettings
    key: str | None = field(default=None, repr=False)
    resolver: AbstractResolver | None = None
    """Looks up names; the system's own by default."""
    _session: aiohttp.ClientSession | None = field(default=None, repr=False)

    async def send(self, request: Outgoing) -> Incoming:
        """Return the answer as soon as its head is there.

        Raises:
            ModelUnavailable: no connection, or none in time.
        """
        url = URL(f"{self._api.root(self.settings.base_url)}/{request.path}", encoded=True)
        headers = [*request.headers, *self._credentials(request.headers, request.path)]
        with _failures(self.name):
            try:
                response = await self._request(request, url, headers)
            except aiohttp.ServerDisconnectedError:
                # The server closed an idle connection just as it was used, without an answer.
                response = await self._request(request, url, headers)
        if not 200 <= response.status <= 599:
            response.close()
            raise ModelUnavailable(f"the upstream {self.name!r} answered HTTP {response.status}")
        return _Response(self.name, response)

    async def _request(
        self, request: Outgoing, url: URL, headers: list[tuple[str, str]]
    ) -> aiohttp.ClientResponse:
        return await self._client().request(
            request.method,
            url,
            # A file is sent in pieces, between which the loop serves others.
            data=BytesIO(request.body) if len(request.body) > _LARGE else request.body or None,
            headers=headers,
            allow_redirects=False,
            skip_auto_headers=("User-Agent", "Content-Type", "Accept"),
        )

    @property
    def _api(self) -> ProviderApi:
        return PROVIDERS[self.settings.provider]

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _client(self) -> aiohttp.ClientSession:
        # Created at the first request, as a session belongs to the loop that uses it.
        if self._session is None:
            public = is_public_name(urlsplit(self.settings.base_url).hostname or "")
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    limit=_MAX_CONNECTIONS,
                    keepalive_timeout=_IDLE,
                    resolver=PublicResolver(self.resolver) if public else self.resolver,
                ),
                timeout=aiohttp.ClientTimeout(
                    total=self.settings.timeout,
                    sock_connect=self.settings.connect_timeout,
                    sock_read=self.settings.idle_timeout,
                ),
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                trust_env=False,
                read_bufsize=_CHUNK,
            )
        return self._session

    def _credentials(self, given: Headers, path: str) -> Headers:
        """Return the server's own key, unless the client's is forwarded."""
        if self.key is None or any(name in KEY_HEADERS for name, _ in given):
            return ()
        name, scheme = self._api.key_header
        if path.startswith("openai/"):  # Azure takes a key by this name, and tokens as bearers
            name, scheme = "api-key", ""
        return ((name, f"{scheme}{self.key}"),)


class _Response:
    def __init__(self, upstream: str, response: aiohttp.ClientResponse) -> None:
        self._upstream = upstream
        self._response = response
        self.status = response.status
        self.headers: Headers = tuple(
            (name.decode("latin-1").lower(), value.decode("latin-1"))
            for name, value in response.raw_headers
        )

    async def chunks(self) -> AsyncGenerator[bytes]:
        with _failures(self._upstream):
            async for chunk in self._response.content.iter_any():
                yield chunk

    async def aclose(self) -> None:
        # A connection whose answer was not read to its end cannot be reused.
        self._response.close()


@contextmanager
def _failures(name: str) -> Generator[None]:
    """Put failures of the connection into words that hold no address and no key."""
    try:
        yield
    except TimeoutError as cause:
        raise ModelUnavailable(f"the upstream {name!r} did not answer in time") from cause
    except (aiohttp.ClientError, OSError) as cause:
        raise ModelUnavailable(
            f"the connection to the upstream {name!r} failed ({type(cause).__name__})"
        ) from cause


# --- where a connection may go ------------------------------------------------------------


@lru_cache(1024)
def is_public_name(host: str) -> bool:
    """Whether a host should be on the public internet."""
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".lan", ".localhost"))


class PublicResolver(AbstractResolver):
    """Resolves names to public addresses only, at the moment of connecting.

    Otherwise, who answers for a name could rebind it and lead requests, keys included, to a
    server inside.
    """

    def __init__(self, inner: AbstractResolver | None = None) -> None:
        self._inner = inner or ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        public = [entry for entry in found if is_public_address(entry["host"])]
        if not public:
            raise OSError(f"{host} has no public address")
        return public

    async def close(self) -> None:
        await self._inner.close()


_V4_INSIDE = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("::/96"))
"""Addresses that lead to the IPv4 address in their last 32 bits (RFC 6052, RFC 4291)."""


def is_public_address(address: str) -> bool:
    """Whether an address is on the public internet, however it is written."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            return inner.is_global
        if any(found in network for network in _V4_INSIDE):
            return ipaddress.IPv4Address(int(found) & 0xFFFFFFFF).is_global
    return found.is_global and not found.is_multicast
