"""A blocking client of httpx2, used from a loop: each of its steps runs in a thread."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import partial
from typing import TypeVar

import httpx2

_Result = TypeVar("_Result")

_THREADS = 256
"""Answers that may be waited for at the same time; threads start when they are needed."""

DECODED = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that are no longer true of a body that has been decoded."""


class ThreadedClient:
    """An async interface of a blocking client."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client
        self.build_request = client.build_request
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="sidecritic-send")

    async def send(self, request: httpx2.Request, *, stream: bool) -> httpx2.Response:
        """Return the answer as soon as its head is there."""
        heard = await _in(self._threads, partial(self._client.send, request, stream=stream))
        if heard.is_stream_consumed:  # by a hook, and decoded since
            kept = [(k, v) for k, v in heard.headers.multi_items() if k.lower() not in DECODED]
            return httpx2.Response(
                heard.status_code, headers=kept, content=heard.content, request=request
            )
        body = _Chunks(heard, self._threads)
        return httpx2.Response(
            heard.status_code, headers=heard.headers, stream=body, request=request
        )

    async def aclose(self) -> None:
        await _in(self._threads, self._client.close)
        self._threads.shutdown(wait=False)


class _Chunks(httpx2.AsyncByteStream):
    """A body as it arrives."""

    def __init__(self, heard: httpx2.Response, threads: Executor) -> None:
        self._heard = heard
        self._threads = threads

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks: Iterator[bytes] = self._heard.iter_raw()
        while (chunk := await _in(self._threads, partial(next, chunks, None))) is not None:
            yield chunk

    async def aclose(self) -> None:
        await _in(self._threads, self._heard.close)


async def _in(threads: Executor, work: Callable[[], _Result]) -> _Result:
    return await asyncio.get_running_loop().run_in_executor(threads, work)
