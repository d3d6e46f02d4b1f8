"""Jobs for tests of executors; processes import them by name."""

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from sidecritic.errors import ConfigError, MissingExtra


@dataclass(frozen=True, slots=True)
class Squares:
    """Squares numbers, and writes down who opened it and who worked what."""

    log: Path
    kills_once: tuple[int, ...] = ()
    """Numbers that end their process with signal 9 the first time."""
    kills: tuple[int, ...] = ()
    """Numbers that do so every time."""
    refuses: int | None = None
    broken: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[int], Awaitable[int]]]:
        if self.broken:
            raise MissingExtra("ray", "ray", "squaring")
        self.note("opened", os.getpid())
        yield self.square

    async def square(self, number: int) -> int:
        tried = self.seen(number)
        self.note("worked", number)
        if number in self.kills or (number in self.kills_once and not tried):
            os.kill(os.getpid(), signal.SIGKILL)
        if number == self.refuses:
            raise ConfigError(f"{number} has no square here")
        return number * number

    def note(self, what: str, number: int) -> None:
        with self.log.open("a") as file:
            file.write(f"{what} {number}\n")

    def seen(self, number: int) -> bool:
        return f"worked {number}" in self.lines()

    def lines(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []

    def openers(self) -> list[int]:
        return [int(line.split()[1]) for line in self.lines() if line.startswith("opened")]


@dataclass(frozen=True, slots=True)
class Waits:
    """Answers each number after a while, as a critic on a server does."""

    seconds: float

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[int], Awaitable[int]]]:
        yield self.answer

    async def answer(self, number: int) -> int:
        await asyncio.sleep(self.seconds)
        return -number
