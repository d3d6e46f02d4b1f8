"""The thread in which checks run that may take long: one, until a check does not return.

More would wait for the same lock of the interpreter, and make the event loop wait longer. Nothing
can end a thread, so a check that hangs keeps its own, which the process does not wait for, and
whoever waits behind it gets a new one.
"""

import asyncio
import logging
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, TypeVar

from sidecritic.errors import CriticError, Line, SidecriticError, boundary, place_in

log = logging.getLogger("sidecritic.checks")

PATIENCE = 5.0
"""Seconds that others wait behind a check; what is bounded takes a fraction of one."""
MOST_STUCK = 4
"""Threads that may hang; each takes time from the rest of the process."""

_In = TypeVar("_In")
_Out = TypeVar("_Out")
_Job = tuple[Callable[[], Any], "Future[Any]"]


class _Worker(threading.Thread):
    def __init__(self) -> None:
        super().__init__(name="sidecritic-checks", daemon=True)
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.began: float | None = None
        """When the job under way began."""

    def run(self) -> None:
        while (job := self.jobs.get()) is not None:
            work, future = job
            if not future.set_running_or_notify_cancel():
                continue
            self.began = monotonic()
            try:
                with boundary(CriticError, "checks"):
                    future.set_result(work())
            except SidecriticError as error:
                future.set_exception(error)
            except SystemExit as cause:
                future.set_exception(CriticError(f"checks: one ends the process: {cause}"))
            finally:
                self.began = None

    @property
    def place(self) -> str:
        """The line that is being carried out."""
        frames = sys._current_frames()  # pyright: ignore[reportPrivateUsage]
        frame, lines = frames.get(self.ident or 0), list[Line]()
        while frame is not None:
            lines.append((frame.f_code.co_filename, frame.f_lineno))
            frame = frame.f_back
        return place_in(lines[::-1])


@dataclass
class CheckThread:
    """Runs functions one after the other, beside the event loop."""

    patience: float = PATIENCE
    _worker: _Worker = field(default_factory=_Worker)
    _given_up: list[_Worker] = field(default_factory=list[_Worker])
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def stuck(self) -> int:
        """Threads that others no longer wait for, because what they run does not return."""
        return sum(worker.is_alive() for worker in self._given_up)

    async def run(self, function: Callable[[_In], _Out], argument: _In) -> _Out:
        """Return the function's result.

        Raises:
            CriticError: it raised, or too many have never returned.
        """
        future: Future[_Out] = Future()
        with self._lock:
            if not self._worker.is_alive():
                self._begin()
            self._worker.jobs.put((partial(function, argument), future))
        waiting = asyncio.wrap_future(future)
        try:
            while not (await asyncio.wait({waiting}, timeout=self.patience))[0]:
                self._replace_stuck()
            return waiting.result()
        finally:
            waiting.cancel()

    def _begin(self) -> None:
        # The present one has not been started, or was left behind by a fork.
        self._worker = _Worker()
        self._worker.start()

    def _replace_stuck(self) -> None:
        """Give whoever waits a new thread if the present one hangs.

        Raises:
            CriticError: too many do.
        """
        with self._lock:
            old = self._worker
            if old.began is None or monotonic() - old.began < self.patience:
                return
            if self.stuck >= MOST_STUCK:
                raise CriticError(
                    f"checks: {self.stuck + 1} have never returned, the last one at {old.place}"
                )
            self._given_up = [*filter(_Worker.is_alive, self._given_up), old]
            log.warning("a check does not return: it is at %s", old.place)
            self._begin()
            try:
                while True:
                    self._worker.jobs.put(old.jobs.get_nowait())
            except Empty:
                old.jobs.put(None)


CHECKS = CheckThread()
"""That of the process."""
