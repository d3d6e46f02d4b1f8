"""An event loop in a thread, for callers that block, or have loops of their own."""

import asyncio
import threading
import weakref
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

_Result = TypeVar("_Result")


class LoopThread:
    """Runs coroutines for any thread, in the context of the caller.

    The thread starts with the first coroutine, and ends with `close()` or with this object.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: weakref.finalize[[asyncio.AbstractEventLoop, threading.Thread], LoopThread]

    def run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Return the result of the work."""
        return self._submitted(work).result()

    async def reach(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        """Return the result of the work to another loop; to cancel the one cancels the other."""
        return await asyncio.wrap_future(self._submitted(work))

    def close(self) -> None:
        with self._lock:
            if self._loop is not None:
                self._end()

    @property
    def is_closed(self) -> bool:
        return self._loop is not None and self._loop.is_closed()

    def _submitted(self, work: Coroutine[Any, Any, _Result]) -> Future[_Result]:
        with self._lock:
            loop = self._loop or self._begin()
        return asyncio.run_coroutine_threadsafe(work, loop)

    def _begin(self) -> asyncio.AbstractEventLoop:
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, name=self._name, daemon=True)
        thread.start()
        self._loop, self._end = loop, weakref.finalize(self, _end, loop, thread)
        return loop


def _end(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
