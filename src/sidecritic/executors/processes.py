"""A map over the cores of this machine: processes that each open the job once.

The parent alone draws items and takes results. A worker that is killed costs what was under way
in it, which is worked again; the others go on meanwhile.
"""

import asyncio
from collections.abc import Iterable
from multiprocessing import get_context
from typing import Any, Generic

from sidecritic.errors import WorkerLost
from sidecritic.executors.dispatch import dispatch
from sidecritic.executors.pool import Size
from sidecritic.executors.protocol import Item, Job, Result, Take
from sidecritic.executors.serving import END, READY, Raised, Returned, serve

_PATIENCE = 10.0
"""Seconds that a worker has to close what it opened."""


class ProcessExecutor:
    """Works items in so many processes, `at_once` in all of them together."""

    def __init__(self, workers: int, at_once: int) -> None:
        self.size = Size(min(workers, at_once), at_once)

    async def each(
        self, job: Job[Item, Result], items: Iterable[Item], take: Take[Item, Result]
    ) -> None:
        """Work every item in one of the processes; see `Executor`."""

        async def hire() -> _ProcessWorker[Item, Result]:
            worker = _ProcessWorker(job)
            try:
                await worker.ready()
            except BaseException:
                worker.kill()
                raise
            return worker

        await dispatch(hire, self.size, items, take)


class _ProcessWorker(Generic[Item, Result]):
    def __init__(self, job: Job[Item, Result]) -> None:
        # Spawned, not forked: a fork copies the threads and locks that are held here.
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, job), daemon=True)
        self._process.start()
        # With the worker's end in the worker alone, the pipe tells when that has ended.
        theirs.close()
        self._loop = asyncio.get_running_loop()
        self._answers: dict[int, asyncio.Future[Any]] = {READY: self._loop.create_future()}
        self._number = READY
        self._loss: WorkerLost | None = None
        self._loop.add_reader(self._pipe.fileno(), self._read)

    async def ready(self) -> None:
        await self._answer(READY)

    async def work(self, item: Item) -> Result:
        self._number += 1
        number = self._number
        self._answers[number] = self._loop.create_future()
        self._send((number, item))
        return await self._answer(number)

    async def _answer(self, number: int) -> Any:
        try:
            return await self._answers[number]
        finally:
            del self._answers[number]

    def _send(self, message: object) -> None:
        if self._loss is None:
            try:
                self._pipe.send(message)
            except OSError:
                self._lose()
        else:
            self._lose()

    def _read(self) -> None:
        try:
            # Whole messages: a worker that is killed while it writes one ends the pipe.
            message: tuple[int, Returned | Raised] = self._pipe.recv()
        except (EOFError, OSError):
            self._lose()
            return
        number, answer = message
        waiting = self._answers.get(number)
        if waiting is None or waiting.done():
            return
        match answer:
            case Returned(value):
                waiting.set_result(value)
            case Raised(error):
                waiting.set_exception(error)

    def _lose(self) -> None:
        if self._loss is None:
            self._loop.remove_reader(self._pipe.fileno())
            self._pipe.close()
            # The pipe ends a moment before the process does, which knows why.
            self._process.join(1.0)
            code = self._process.exitcode
            self._loss = WorkerLost(f"the worker process {self._process.pid} ended, {_how(code)}")
        for waiting in self._answers.values():
            if not waiting.done():
                waiting.set_exception(self._loss)

    async def end(self) -> None:
        self._send(END)
        await asyncio.to_thread(self._process.join, _PATIENCE)
        self.kill()

    def kill(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._lose()
        self._process.join()


def _how(code: int | None) -> str:
    match code:
        case None:
            return "and closed its pipe"
        case int() if code < 0:
            return f"killed by signal {-code}"
        case _:
            return f"with exit code {code}"
