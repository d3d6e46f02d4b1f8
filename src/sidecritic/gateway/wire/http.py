"""HTTP on both sides of the gateway, as far as supervision needs it.

Bodies are bytes and stay bytes: what passes is never parsed and written again.
"""

import re
import zlib
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from sidecritic.errors import ModelError, ModelUnavailable

Headers = tuple[tuple[str, str], ...]
"""Names in lower case."""

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

    def content(self, limit: int) -> bytes:
        """Return the body, decoded.

        Raises:
            TooLarge: it has more than `limit` bytes then.
            ModelError: its encoding was not asked for and is not known.
        """
        coding = header(self.headers, "content-encoding")
        try:
            match coding:
                case "" | "identity":
                    return self.raw
                case "gzip":
                    return _inflated(self.raw, 31, limit)
                case "deflate":
                    return _inflated(self.raw, 15, limit)
                case _:
                    raise ModelError(f"the answer's content-encoding {coding!r} is not known")
        except zlib.error as cause:
            raise ModelUnavailable(f"the answer's {coding} data is damaged") from cause


def _inflated(raw: bytes, window: int, limit: int) -> bytes:
    """Decompress; of a bomb no more than a byte over `limit`."""
    inflating = zlib.decompressobj(window)
    found = inflating.decompress(raw, limit + 1)
    if len(found) > limit:
        raise TooLarge(limit)
    if not inflating.eof or inflating.unused_data:
        raise zlib.error("cut off, or followed by something else")
    return found


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client gets."""

    status: int
    headers: Headers
    body: bytes | AsyncGenerator[bytes]


class TooLarge(ModelError):
    """An answer is larger than the operator allows."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"the answer has more than {limit:,} bytes; see answer_bytes")


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
    return _values_in(content) > most and _values_in(_STRING.sub(b"", content)) > most


def _values_in(content: bytes) -> int:
    return content.count(b",") + content.count(b"{") + content.count(b"[")


def is_deeper_than(content: bytes, depth: int) -> bool:
    """Whether brackets are nested more than `depth` deep; does not parse."""
    if content.count(b"{") + content.count(b"[") <= depth:
        return False
    level = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", content)):
        level += 1 if bracket in b"[{" else -1
        if level > depth:
            return True
    return False
