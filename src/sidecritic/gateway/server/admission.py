"""Which clients are admitted, and how many of their requests at a time."""

import hmac
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from hashlib import sha256

from sidecritic.gateway.routes import Tenant
from sidecritic.gateway.settings import ClientSettings
from sidecritic.gateway.wire.http import Headers, header
from sidecritic.gateway.wire.refusals import HttpError

ANYBODY = ClientSettings(name="anybody", concurrency=1024)
"""The tenant of a server that lists no clients; such a server listens on loopback only."""


def key_digest(key: str) -> bytes:
    return sha256(key.encode(errors="surrogateescape")).digest()


def tenant_of(headers: Headers, tenants: Sequence[Tenant]) -> ClientSettings:
    """Return the client that the request's key belongs to.

    Raises:
        HttpError: the key is unknown.
    """
    if not tenants:
        return ANYBODY
    scheme, _, token = header(headers, "authorization").partition(" ")
    key = header(headers, "x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    given, found = key_digest(key), None
    for tenant in tenants:  # all of them, so that the time does not tell which one matches
        if hmac.compare_digest(given, tenant.key_digest):
            found = tenant.settings
    if found is None or not key:
        raise HttpError(401, "invalid_api_key", "unknown key")
    return found


@dataclass
class _Use:
    under_way: int = 0
    allowance: float = 0.0
    at: float | None = None

    def __enter__(self) -> None:
        self.under_way += 1

    def __exit__(self, *_: object) -> None:
        self.under_way -= 1


@dataclass
class Admission:
    """Counts what each client has under way, and how fast its requests come."""

    monotonic: Callable[[], float]
    _uses: dict[str, _Use] = field(default_factory=dict[str, _Use])

    def enter(self, client: ClientSettings) -> AbstractContextManager[None]:
        """Return a context that counts one request, to be entered at once.

        Raises:
            HttpError: the client has too many requests under way, or sends them too fast.
        """
        use = self._uses.setdefault(client.name, _Use())
        if use.under_way >= client.concurrency:
            problem = f"more than {client.concurrency} requests at the same time"
            raise HttpError(429, "too_many_requests", problem, retry_after=1.0)
        self._require_pace(use, client)
        return use

    def _require_pace(self, use: _Use, client: ClientSettings) -> None:
        """Attempt one from a bucket that holds a minute's worth and fills evenly."""
        if client.per_minute is None:
            return
        now, full = self.monotonic(), float(client.per_minute)
        passed = full if use.at is None else (now - use.at) * full / 60
        use.allowance, use.at = min(full, use.allowance + passed), now
        if use.allowance < 1:
            problem, wait = f"more than {client.per_minute} requests a minute", 1 - use.allowance
            raise HttpError(429, "rate_limit_exceeded", problem, retry_after=wait * 60 / full)
        use.allowance -= 1
