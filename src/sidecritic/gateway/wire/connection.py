"""The connection to one client: its request, our answer, and whether it is still there."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import TYPE_CHECKING, TypeVar

from sidecritic.dialects.sse import KEEP_ALIVE
from sidecritic.errors import SidecriticError
from sidecritic.gateway.wire.http import EVENT_STREAM, NO_STORE, Headers, header
from sidecritic.gateway.wire.refusals import HttpError

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

_Result = TypeVar("_Result")


class ClientGone(SidecriticError):
    """The client has closed the connection."""


class Connection:
    """One request and its answer, over ASGI."""

    def __init__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self.method: str = scope["method"]
        self.query: bytes = scope["query_string"]
        self.headers: Headers = tuple(
            (name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]
        )
        self.status = 0
        """Of the answer; 0 before it begins."""

    @property
    def path(self) -> str:
        """The raw path, because a decoded one hides what was encoded."""
        raw: bytes = self._scope.get("raw_path") or self._scope["path"].encode()
        return raw.decode("latin-1").partition("?")[0]

    async def body(self, limit: int) -> bytes:
        """Read the request's body.

        Raises:
            HttpError: it has more than `limit` bytes, announced or sent.
            ClientGone: the client left before its end.
        """
        too_large = HttpError(413, "too_large", f"the body has more than {limit:,} bytes")
        announced = header(self.headers, "content-length")
        if announced.isdigit() and int(announced) > limit:
            raise too_large
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("the client left before its request was complete")
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > limit:
                raise too_large
            parts.append(part)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def while_there(self, work: Coroutine[None, None, _Result]) -> _Result:
        """Return the result of `work`, which ends when the client leaves.

        Raises:
            ClientGone: the client left.
        """
        # A deadline that is brought forward when the client leaves: one task instead of two.
        until = asyncio.timeout(None)
        try:
            async with until:
                gone = asyncio.create_task(self._end_when_gone(until))
                try:
                    return await work
                finally:
                    gone.cancel()
        except TimeoutError as cause:
            if not until.expired():
                raise
            raise ClientGone("the client left before its answer was complete") from cause

    async def while_held(
        self, work: Coroutine[None, None, _Result], keep_alive: float, mark: tuple[str, str]
    ) -> _Result:
        """Do the same, with a stream that begins after `keep_alive` seconds.

        It carries a comment each time they have passed, and the header `mark`.

        Raises:
            ClientGone: the client left.
        """
        task = asyncio.create_task(work)

        async def kept_alive() -> _Result:
            while not (await asyncio.wait({task}, timeout=keep_alive))[0]:
                if not self.status:
                    await self.begin(200, (("content-type", EVENT_STREAM), NO_STORE, mark))
                await self.put(KEEP_ALIVE)
            return task.result()

        try:
            return await self.while_there(kept_alive())
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def begin(self, status: int, headers: Headers) -> None:
        self.status = status
        encoded = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        await self._emit({"type": "http.response.start", "status": status, "headers": encoded})

    async def put(self, body: bytes, *, more: bool = True) -> None:
        await self._emit({"type": "http.response.body", "body": body, "more_body": more})

    async def whole(self, status: int, headers: Headers, body: bytes) -> None:
        """Send a whole answer."""
        await self.begin(status, (*headers, ("content-length", str(len(body)))))
        await self.put(body, more=False)

    async def stream(self, chunks: AsyncGenerator[bytes]) -> None:
        """Send chunks as they come; the generator is closed at the end."""
        async with aclosing(chunks):
            async for chunk in chunks:
                await self.put(chunk)
        await self.put(b"", more=False)

    async def _end_when_gone(self, until: asyncio.Timeout) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        until.reschedule(asyncio.get_running_loop().time())

    async def _emit(self, message: "Message") -> None:
        try:
            await self._send(message)
        except OSError as cause:
            raise ClientGone("the client left before its answer was complete") from cause
