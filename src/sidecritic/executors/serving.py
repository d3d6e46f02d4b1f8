"""The worker's side of a pipe: open the job, work what comes, end with the parent."""

import asyncio
import os
import pickle
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any

from sidecritic.errors import ConfigError, SidecriticError, WorkerLost, boundary
from sidecritic.executors.protocol import Job

READY = 0
"""The number under which a worker says that it has opened the job."""
END = None
"""The message after which there are no more items."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What the job made of an item."""

    value: Any


@dataclass(frozen=True, slots=True)
class Raised:
    """What the job raised."""

    error: BaseException


def serve(pipe: Connection, job: Job[Any, Any]) -> None:
    """Work the items that come through the pipe until it says that there are no more."""
    # An interrupt at the terminal reaches every process of it, and the parent's answer counts.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(_serve(pipe, job))


async def _serve(pipe: Connection, job: Job[Any, Any]) -> None:
    [problem] = await asyncio.gather(_open(pipe, job), return_exceptions=True)
    if problem is not None:
        pipe.send((READY, Raised(portable(problem))))


async def _open(pipe: Connection, job: Job[Any, Any]) -> None:
    async with job.open() as work:
        pipe.send((READY, Returned(None)))
        await _work(pipe, work)


async def _work(pipe: Connection, work: Callable[[Any], Awaitable[Any]]) -> None:
    loop, messages = asyncio.get_running_loop(), asyncio.Queue[Any]()

    def read() -> None:
        """Draw off messages, however busy the loop is: the parent must never wait to send one."""
        while True:
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                os._exit(1)  # The parent has been killed; nobody will take results.
            loop.call_soon_threadsafe(messages.put_nowait, message)
            if message is END:
                return

    async def answer(number: int, item: Any) -> None:
        pipe.send((number, await answered(work(item))))

    Thread(target=read, daemon=True).start()
    async with asyncio.TaskGroup() as group:
        while (message := await messages.get()) is not END:
            group.create_task(answer(*message))


async def answered(work: Awaitable[Any]) -> Returned | Raised:
    """Return what comes of it as something that can be sent; the parent attributes errors."""
    [found] = await asyncio.gather(work, return_exceptions=True)
    return Raised(portable(found)) if isinstance(found, BaseException) else Returned(found)


def portable(error: BaseException) -> BaseException:
    """Return the error, or one that says the same where it cannot leave its process."""
    try:
        with boundary(WorkerLost, ""):
            pickle.loads(pickle.dumps(error))
    except SidecriticError:
        if isinstance(error, ConfigError):
            return ConfigError(str(error))
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error
