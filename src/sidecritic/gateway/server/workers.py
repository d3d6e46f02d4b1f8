"""Several workers behind one socket: started, replaced when they die, reloaded and ended together.

The supervisor serves nobody and loads no critic. A worker that is killed takes its own requests
with it; whoever connects next waits in the socket's queue for the others, or its successor.
"""

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from secrets import token_bytes

from sidecritic.errors import ConfigError
from sidecritic.gateway.store.sharing import Hub, Seat, clear

_SPAWN = get_context("spawn")
_BACKLOG = 2048
_PAUSE = 1.0
"""Seconds before a worker is tried again whose last try ended before it served."""

Work = Callable[[Seat], None]
"""What a worker's process runs, from its start to its end."""


@dataclass(eq=False)
class _Running:
    seat: Seat
    process: BaseProcess
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when it serves."""
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    is_outdated: bool = False
    """Whether it may have read its settings before the last reload."""


def bound(listen: str) -> list[socket.socket]:
    """Return the sockets of an address: one, or one for each family of a name.

    Raises:
        ConfigError: it cannot be used.
    """
    host, _, port = listen.rpartition(":")
    try:
        found = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
        places = dict.fromkeys((each[0], each[4]) for each in found)
        return [
            socket.create_server(place[:2], family=family, backlog=_BACKLOG)
            for family, place in places
        ]
    except OSError as cause:
        raise ConfigError(f"listen = {listen!r}: {cause.strerror}; give another one") from cause


class Workers:
    """The workers of one server."""

    def __init__(self, work: Work, number: int, folder: Path, say: Callable[[str], None]) -> None:
        self._work = work
        self._number = number
        self._folder = folder
        self._say = say
        self._key = token_bytes(32)
        self._hub = Hub()
        self._running: dict[int, _Running] = {}
        self._ending = asyncio.Event()

    async def serve(self, listening: Sequence[socket.socket]) -> int:
        """Serve until a signal ends it; return the exit code.

        The first worker begins alone: it prepares the database, and what keeps it from serving
        would keep the others too.
        """
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        first = self._start(0, listening)
        if not await self._is_serving(first):
            return 0 if self._ending.is_set() else first.process.exitcode or 1
        async with asyncio.TaskGroup() as group:
            group.create_task(self._keep(first))
            for number in range(1, self._number):
                group.create_task(self._keep(self._start(number, listening)))
        return 0

    def _start(self, number: int, listening: Sequence[socket.socket]) -> _Running:
        ours, theirs = socket.socketpair()
        seat = Seat(number, self._number, self._folder, self._key, listening, theirs)
        process = _SPAWN.Process(target=self._work, args=(seat,), name=f"sidecritic-{number}")
        process.start()
        theirs.close()
        running = self._running[number] = _Running(seat, process)
        loop = asyncio.get_running_loop()
        hearing = loop.create_task(self._hub.serve(ours, running.ready))

        def end() -> None:
            loop.remove_reader(process.sentinel)
            hearing.cancel()
            ours.close()
            process.join()
            running.ended.set()

        loop.add_reader(process.sentinel, end)
        if self._ending.is_set():
            _send(running, signal.SIGTERM)
        return running

    async def _keep(self, running: _Running) -> None:
        """Replace a worker whenever it ends before the server does."""
        while True:
            is_serving = await self._is_serving(running)
            if is_serving and running.is_outdated:
                _send(running, signal.SIGHUP)
            await running.ended.wait()
            clear(self._folder, running.seat.number, running.process.pid or 0)
            if self._ending.is_set():
                return
            code, pid = running.process.exitcode, running.process.pid
            self._say(f"warning: worker {pid} ended with {code}; another one takes its place")
            if not is_serving and await self._is_ending_within(_PAUSE):
                return
            running = self._start(running.seat.number, running.seat.listening)

    async def _is_serving(self, running: _Running) -> bool:
        """Wait until a worker serves, or has ended."""
        waits = [asyncio.ensure_future(e.wait()) for e in (running.ready, running.ended)]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        for each in waits:
            each.cancel()
        return running.ready.is_set() and not running.ended.is_set()

    async def _is_ending_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._ending.wait()
        except TimeoutError:
            return False

    def _reload(self) -> None:
        for running in self._running.values():
            if running.ready.is_set():
                _send(running, signal.SIGHUP)
            else:
                running.is_outdated = True

    def _end(self) -> None:
        self._ending.set()
        for running in self._running.values():
            _send(running, signal.SIGTERM)


def _send(running: _Running, number: signal.Signals) -> None:
    process = running.process
    # Its id is nobody else's until it has been joined.
    if process.pid is not None and not running.ended.is_set():
        os.kill(process.pid, number)
