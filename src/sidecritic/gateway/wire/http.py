"""HTTP on both sides of the gateway, as far as supervision needs it.

Bodies are bytes and stay bytes: what passes is never parsed and written again.
"""

import re
from collections.abc import AsyncGenerator, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from sidecritic.errors import ModelUnavailable
from sidecritic.gateway.wire.coding import TooLarge, decoded

Headers = tuple[tuple[str, str], ...]
"""Names in lower case."""

KEY_HEADERS = frozenset({"authorization", "x-api-key", "api-key"})
EVENT_STREAM = "text/event-stream"
NO_STORE = ("cache-control", "private, no-store")

_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length", "date", "server", "set-cookie"}
)
# Possessive, and content with an end of the text as well: hostile quotes cost one pass.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request to an upstream server."""

    method: str
    path: str
    """Below the base URL, with its query: `chat/completions`."""
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    def with_headers(self, headers: Headers) -> "Outgoing":
        return Outgoing(self.method, self.path, headers, self.body)

    def decoded(self, limit: int) -> "Outgoing":
        """Return it with the body that its content coding hides.

        Raises:
            ModelError: the body is damaged, too large, or its coding is not known.
        """
        body = decoded(header(self.headers, "content-encoding"), self.body, limit)
        kept = tuple(h for h in self.headers if h[0] != "content-encoding")
        return Outgoing(self.method, self.path, kept, body)


class Incoming(Protocol):
    """An answer whose head has arrived; its reader closes it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Headers: ...

    def chunks(self) -> AsyncGenerator[bytes]:
        """Walk over the body as it arrives, still encoded.

        Raises:
            ModelUnavailable: the connection broke or went silent.
        """
        ...

    async def aclose(self) -> None: ...


class Upstream(Protocol):
    """A server that answers, by a name from the operator's settings."""

    async def send(self, request: Outgoing) -> Incoming:
        """Return the answer as soon as its head is there.

        Raises:
            ModelUnavailable: no connection, or none in time.
        """
        ...


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A whole answer, byte for byte."""

    status: int
    headers: Headers
    raw: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def is_stream(self) -> bool:
        return is_event_stream(self.headers)

    def size(self, limit: int) -> int:
        """Return how many bytes it has, or may have once it is decoded."""
        return limit if header(self.headers, "content-encoding") else len(self.raw)

    def content(self, limit: int) -> bytes:
        """Return the body, decoded.

        Raises:
            TooLarge: it has more than `limit` bytes then.
            ModelUnavailable: its data are damaged.
            ModelError: its encoding was not asked for and is not known.
        """
        return decoded(header(self.headers, "content-encoding"), self.raw, limit)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client gets."""

    status: int
    headers: Headers
    body: bytes | AsyncGenerator[bytes]


async def read_whole(incoming: Incoming, limit: int) -> RawAnswer:
    """Read an answer to its end and close it.

    Raises:
        TooLarge: it has more than `limit` bytes.
        ModelUnavailable: it broke off, or leads elsewhere.
    """
    parts: list[bytes] = []
    size = 0
    try:
        require_no_redirect(incoming.status)
        async for chunk in incoming.chunks():
            size += len(chunk)
            if size > limit:
                raise TooLarge(limit)
            parts.append(chunk)
    finally:
        await incoming.aclose()
    return RawAnswer(incoming.status, incoming.headers, b"".join(parts))


def require_no_redirect(status: int) -> None:
    """Check that an answer does not lead its client past the gateway.

    Raises:
        ModelUnavailable: it does.
    """
    if 300 <= status < 400:
        raise ModelUnavailable(f"the upstream redirects (HTTP {status}), which is not followed")


def header(headers: Headers, name: str) -> str:
    """Return the first value of a header; empty when there is none."""
    return next((value for key, value in headers if key == name), "")


def is_event_stream(headers: Headers) -> bool:
    """Whether an answer is a stream of events; media types are written in any case."""
    return header(headers, "content-type").strip().lower().startswith(EVENT_STREAM)


def end_to_end(headers: Iterable[tuple[str, str]]) -> Headers:
    """Return the headers of an answer that may be passed on; nobody else may set ours."""
    given = tuple(headers)
    named = {n.strip().lower() for k, v in given if k == "connection" for n in v.split(",")}
    return tuple(
        (key, value)
        for key, value in given
        if key not in _HOP_BY_HOP and key not in named and not key.startswith("x-sidecritic")
    )


def has_more_values_than(content: bytes, most: int) -> bool:
    """Whether there are more values, roughly, than `most`: each costs many times its bytes."""
    return _values_in(content) > most and sum(map(_values_in, _outside(content))) > most


def _outside(content: bytes) -> Iterator[bytes]:
    """Walk over what is not in a string, in pieces: one long step would stop all other threads."""
    at = 0
    for string in _STRING.finditer(content):
        yield content[at : string.start()]
        at = string.end()
    yield content[at:]


def _values_in(content: bytes) -> int:
    return content.count(b",") + content.count(b"{") + content.count(b"[")


def is_deeper_than(content: bytes, depth: int) -> bool:
    """Whether brackets are nested more than `depth` deep; does not parse."""
    if content.count(b"{") + content.count(b"[") <= depth:
        return False
    level = 0
    for piece in _outside(content):
        for bracket in _BRACKET.finditer(piece):
            level += 1 if bracket[0] in b"[{" else -1
            if level > depth:
                return True
    return False
