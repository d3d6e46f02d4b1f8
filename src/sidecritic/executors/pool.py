"""Workers, and which of them has room; one that ends is replaced while the others go on."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from math import ceil
from typing import Generic, Protocol, TypeVar

from sidecritic.errors import ConfigError, SidecriticError, WorkerLost, boundary
from sidecritic.executors.protocol import Item, Result

_STARTS = 3
"""How often a worker may end before it is ready."""

Item_contra = TypeVar("Item_contra", contravariant=True)
Result_co = TypeVar("Result_co", covariant=True)


class Worker(Protocol[Item_contra, Result_co]):
    """A process that has opened the job."""

    async def work(self, item: Item_contra) -> Result_co:
        """Return the result of an item.

        Raises:
            WorkerLost: the process is gone.
        """
        ...

    async def end(self) -> None:
        """Let it close what it has opened, and end."""
        ...

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        ...


Hire = Callable[[], Awaitable[Worker[Item, Result]]]
"""Starts a worker and returns it when it is ready; raises `WorkerLost` if it ends before."""


@dataclass(frozen=True, slots=True)
class Size:
    """How many workers, and how many items are under way in all of them at the most."""

    workers: int
    at_once: int


class Pool(Generic[Item, Result]):
    """The workers of one map; get one from `pool_of`."""

    def __init__(self, hire: Hire[Item, Result], size: Size) -> None:
        self.size = size
        self._hire = hire
        self._load: dict[Worker[Item, Result], int] = {}
        """Items under way, by worker that is there."""
        self._coming = size.workers
        """Workers that have not been there yet. A replacement may never come, as when a node is
        gone for good: the others take its share until it does."""
        self._starting: set[asyncio.Task[None]] = set()
        self._problem: SidecriticError | None = None
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def seat(self, *, alone: bool) -> AsyncGenerator[Worker[Item, Result]]:
        """Wait until a worker has room, and take it up; of an empty one, if `alone`.

        Raises:
            SidecriticError: there are no workers, and will be none.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._problem or self._free(alone=alone))
            if self._problem is not None:
                raise self._problem
            worker = min(self._load, key=self._load.__getitem__)
            self._load[worker] += 1
        try:
            yield worker
        finally:
            if worker in self._load:
                self._load[worker] -= 1
            async with self._changed:
                self._changed.notify()

    def _free(self, *, alone: bool) -> bool:
        room = 1 if alone else ceil(self.size.at_once / (len(self._load) + self._coming or 1))
        return min(self._load.values(), default=room) < room

    def lose(self, worker: Worker[Item, Result]) -> None:
        """Replace a worker that has ended; each item that was under way there may say so."""
        if self._load.pop(worker, None) is not None:
            worker.kill()
            self._start()

    def start(self) -> None:
        """Start all workers; none of them is waited for."""
        for _ in range(self.size.workers):
            self._start(first=True)

    def _start(self, *, first: bool = False) -> None:
        task = asyncio.create_task(self._started(first=first))
        self._starting.add(task)
        task.add_done_callback(self._starting.discard)

    async def _started(self, *, first: bool) -> None:
        worker, problem = await self._hired()
        async with self._changed:
            self._coming -= first
            if worker is not None:
                self._load[worker] = 0
            elif not isinstance(problem, WorkerLost):
                self._problem = problem
            elif not self._load:
                self._problem = ConfigError(f"no worker can be started: {problem}")
            self._changed.notify_all()

    async def _hired(self) -> tuple[Worker[Item, Result] | None, SidecriticError | None]:
        problem: SidecriticError | None = None
        for _ in range(_STARTS):
            try:
                with boundary(ConfigError, "starting a worker"):
                    return await self._hire(), None
            except WorkerLost as loss:
                problem = loss
            except SidecriticError as error:
                return None, error
        return None, problem

    async def end(self) -> None:
        """Let the workers close what they have opened, and end."""
        await self._stop_starting()
        await asyncio.gather(*(worker.end() for worker in self._load))

    async def kill(self) -> None:
        """End the workers at once."""
        for worker in self._load:
            worker.kill()
        await self._stop_starting()

    async def _stop_starting(self) -> None:
        starting = list(self._starting)
        for task in starting:
            task.cancel()
        await asyncio.gather(*starting, return_exceptions=True)


@asynccontextmanager
async def pool_of(hire: Hire[Item, Result], size: Size) -> AsyncGenerator[Pool[Item, Result]]:
    """Yield a pool of workers, which end with the block: at once, if it is left by an error."""
    pool = Pool(hire, size)
    pool.start()
    try:
        yield pool
    except BaseException:
        await pool.kill()
        raise
    await pool.end()
