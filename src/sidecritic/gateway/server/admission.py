"""Which clients are admitted, and how many of their requests at a time."""

import hmac
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import urlsplit

from sidecritic.gateway.routes import Tenant
from sidecritic.gateway.server.upstreams import is_public_name
from sidecritic.gateway.settings import ClientSettings
from sidecritic.gateway.store.uses import Uses, own_uses
from sidecritic.gateway.wire.http import Headers, header
from sidecritic.gateway.wire.refusals import HttpError

ANYBODY = ClientSettings(name="anybody", concurrency=1024)
"""The tenant of a server that lists no clients; such a server listens on loopback only."""

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def key_digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogateescape")).digest()


def tenant_of(headers: Headers, tenants: Sequence[Tenant]) -> ClientSettings:
    """Return the client that the request's key belongs to.

    Raises:
        HttpError: the key is unknown; or a server without keys is called by another page or name.
    """
    if not tenants:
        _require_local(headers)
        return ANYBODY
    scheme, _, token = header(headers, "authorization").partition(" ")
    named = header(headers, "x-api-key") or header(headers, "api-key")
    key = named or (token.strip() if scheme.lower() == "bearer" else "")
    given, found = key_digest(key), None
    for tenant in tenants:  # all of them, so that the time does not tell which one matches
        if hmac.compare_digest(given, tenant.key_digest):
            found = tenant.settings
    if found is None or not key:
        raise HttpError(401, "invalid_api_key", "unknown key")
    return found


def _require_local(headers: Headers) -> None:
    """Check that no page of the web asks, in a browser on this machine.

    Such a page is named by `Origin`; or its name leads here since it was loaded, and is the `Host`.

    Raises:
        HttpError: one does.
    """
    origin = header(headers, "origin")
    try:
        host = urlsplit(f"//{header(headers, 'host')}").hostname or ""
        is_local = not origin or urlsplit(origin).hostname in LOOPBACK
    except ValueError:
        is_local, host = False, ""
    if not is_local or is_public_name(host):
        problem = "this server lists no clients, and serves programs of its own machine only"
        raise HttpError(403, "not_local", problem)


@dataclass
class Admission:
    """Counts what each client has under way, and how fast its requests come."""

    monotonic: Callable[[], float]
    """Seconds; the same for all workers of a machine."""
    uses: Callable[[str], Uses] = own_uses
    _known: dict[str, Uses] = field(default_factory=dict[str, Uses])

    @contextmanager
    def enter(self, client: ClientSettings) -> Generator[None]:
        """Count one request for the length of the block.

        Raises:
            HttpError: the client has too many requests under way, or sends them too fast.
        """
        use = self._known.get(client.name)
        if use is None:
            use = self._known[client.name] = self.uses(client.name)
        use.add(1)  # before the look: two workers cannot both take the last place
        try:
            if use.under_way > client.concurrency:
                problem = f"more than {client.concurrency} requests at the same time"
                raise HttpError(429, "too_many_requests", problem, retry_after=1.0)
            self._require_pace(use, client)
            yield
        finally:
            use.add(-1)

    def _require_pace(self, use: Uses, client: ClientSettings) -> None:
        if client.per_minute is None:
            return
        wait = use.take(self.monotonic(), client.per_minute)
        if wait:
            problem = f"more than {client.per_minute} requests a minute"
            raise HttpError(429, "rate_limit_exceeded", problem, retry_after=wait)
