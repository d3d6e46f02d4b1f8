"""HTTP whose heads are bounded in size, number and time, before anybody looks at a key."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class _Joining:
    """A transport that sends a head together with the body that follows in the same step.

    uvicorn writes them one after the other, and each write would be a call of the system and a
    wake-up of the client. A head whose body takes longer leaves with the next turn of the loop.
    """

    def __init__(self, transport: Any, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if self._head:
            data, self._head = self._head + data, b""
        elif data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)
            return
        self._transport.write(data)

    def close(self) -> None:
        self._flush()
        self._transport.close()

    def _flush(self) -> None:
        head, self._head = self._head, b""
        if head and not self._transport.is_closing():
            self._transport.write(head)


class BoundedHttp(HttpToolsProtocol):
    """One connection. Where too many wait for a head, the one that has waited longest goes."""

    size = 65_536
    fields = 200
    seconds = 10.0
    """From the opening of a connection, or a later request's first byte, to the end of its head."""
    most = 512
    """Connections that may wait for a head, idle ones among them."""

    _arrived = _read = 0
    """Bytes of the request so far, and those that are read as its head."""
    _late: asyncio.TimerHandle | None = None
    _since: float | None = None
    """When it began to wait for a head."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(cast(asyncio.Transport, _Joining(transport, self.loop)))
        self._wait()
        if len(self.connections) > self.most:
            waits = [(since, c) for c in self.connections if (since := getattr(c, "_since", None))]
            if len(waits) > self.most:
                min(waits, key=lambda wait: wait[0])[1].transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        self._go_on()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._arrived += len(data)
        super().data_received(data)
        if self._late is not None and self._arrived > self.size:
            self._refuse()

    def on_message_begin(self) -> None:
        self._arrived = self._read = 0
        if self._late is None:
            self._wait()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._read += len(name) + len(value)
        if self._read > self.size or len(self.headers) > self.fields:
            self._refuse()
            raise ValueError("the head is too large")  # ends the parser

    def on_headers_complete(self) -> None:
        self._go_on()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        # A request that was sent ahead is being answered now.
        if self._since is None and self.cycle.response_complete:
            self._since = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        if not self.transport.is_closing():
            super().send_400_response(msg)

    def _refuse(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def _wait(self) -> None:
        self._since = self.loop.time()
        self._late = self.loop.call_later(self.seconds, lambda: self.transport.close())

    def _go_on(self) -> None:
        if self._late is not None:
            self._late.cancel()
        self._late = self._since = None
