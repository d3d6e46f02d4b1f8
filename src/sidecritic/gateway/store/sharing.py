"""What several workers of one server have in common, beyond the database.

    worker ─┐                                ┌─ shelves: conversations and items, in memory only
    worker ─┼─ a socket each ─▶ supervisor ──┘
    worker ─┴─ one folder of mapped files: links of released turns, uses of clients, metrics

No lock outlives the worker that holds it, so that a kill leaves the others as they were. What was
said passes through the sockets only; the files hold digests and numbers.
"""

import asyncio
import fcntl
import mmap
import pickle
from collections import deque
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from socket import socket
from typing import Any, Generic, TypeVar

from sidecritic.gateway.store.conversations import Conversation, Conversations
from sidecritic.gateway.store.history_digest import MEMORY
from sidecritic.gateway.store.references import Item, References
from sidecritic.gateway.store.shelves import Kept, Shelves
from sidecritic.gateway.store.uses import OWN, Uses
from sidecritic.gateway.wire.refusals import HttpError

T = TypeVar("T")

READY = "ready"
_SHELVES = {"conversations": Conversations.most, "references": References.most}
_DOUBLE = 8
_LENGTH = 4


@dataclass(frozen=True, slots=True)
class Seat:
    """The place of one worker among the others; passed to its process."""

    number: int
    workers: int
    folder: Path
    key: bytes = field(repr=False)
    """Of the digest chain, unless the settings name one that several servers share."""
    listening: Sequence[socket]
    line: socket
    """To the supervisor."""

    def links(self) -> mmap.mmap:
        """Return the memory of released turns that all workers share."""
        return _mapped(self.folder / "links", MEMORY)

    def uses(self, client: str) -> Uses:
        """Return what all workers count of a client."""
        path = self.folder / f"client-{sha256(client.encode()).hexdigest()[:32]}"
        cells = memoryview(_mapped(path, (OWN + self.workers) * _DOUBLE)).cast("d")
        return Uses(cells, OWN + self.number, lambda: _locked(path))


def clear(folder: Path, number: int, pid: int) -> None:
    """Take back what a worker that has ended had under way; what it counted for good stays."""
    for path in folder.glob(f"gauge_live*_{pid}.db"):
        path.unlink()
    for path in folder.glob("client-*"):
        with path.open("r+b") as file:
            file.seek((OWN + number) * _DOUBLE)
            file.write(bytes(_DOUBLE))


def _mapped(path: Path, size: int) -> mmap.mmap:
    with path.open("a+b") as file:
        file.truncate(size)  # filled with zeros; nothing happens when it is there
        return mmap.mmap(file.fileno(), size)


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Hold the file's lock, which the system takes back when a process ends."""
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- between a worker and the supervisor ---------------------------------------------------


class Line:
    """A worker's end of its socket; answers come in the order of the questions."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._asked = deque[asyncio.Future[Any]]()
        self._is_open = True

    async def ask(self, *words: object) -> Any:
        """Return what the supervisor answers.

        Raises:
            HttpError: it is gone.
        """
        if not self._is_open:
            raise _gone()
        answer = asyncio.get_running_loop().create_future()
        self._asked.append(answer)
        self._writer.write(_framed(words))
        return await answer

    async def say_ready(self) -> None:
        await self.ask(READY)

    async def listen(self) -> None:
        """Pass answers on until the supervisor is gone."""
        async for answer in _frames(self._reader):
            asked = self._asked.popleft()
            if not asked.done():  # whoever asked may have left
                asked.set_result(answer)
        self._is_open = False
        self._writer.close()
        for asked in self._asked:
            if not asked.done():
                asked.set_exception(_gone())


@dataclass(frozen=True, slots=True)
class Worker:
    """One of several processes that serve, with what it shares with the others."""

    seat: Seat
    line: Line

    @property
    def conversations(self) -> Conversations:
        return Conversations(_Far[Conversation](self.line, "conversations"))

    @property
    def references(self) -> References:
        return References(_Far[Item](self.line, "references"))


async def seated(seat: Seat) -> Worker:
    seat.line.setblocking(False)
    return Worker(seat, Line(*await asyncio.open_connection(sock=seat.line)))


def _gone() -> HttpError:
    return HttpError(503, "ending", "the server is ending; try again")


@dataclass(frozen=True)
class _Far(Generic[T]):
    """A shelf that the supervisor keeps: it holds bytes, and never looks into them."""

    line: Line
    name: str

    async def put(self, tenant: str, things: Sequence[Kept[T]]) -> None:
        packed = [Kept(id, pickle.dumps(thing), size) for id, thing, size in things]
        await self.line.ask("put", self.name, tenant, packed)

    async def find(self, tenant: str, ids: Sequence[str]) -> list[T | None]:
        found: list[bytes | None] = await self.line.ask("find", self.name, tenant, ids)
        return [None if each is None else pickle.loads(each) for each in found]


class Hub:
    """The supervisor's shelves, for all workers."""

    def __init__(self) -> None:
        self._shelves = {name: Shelves[bytes](most) for name, most in _SHELVES.items()}

    async def serve(self, end: socket, ready: asyncio.Event) -> None:
        """Answer a worker until it has ended."""
        end.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=end)
        async for words in _frames(reader):
            match words:
                case ("put", str(shelf), str(tenant), things):
                    writer.write(_framed(await self._shelves[shelf].put(tenant, things)))
                case ("find", str(shelf), str(tenant), ids):
                    writer.write(_framed(await self._shelves[shelf].find(tenant, ids)))
                case _:  # it is ready
                    ready.set()
                    writer.write(_framed(None))
        writer.close()


def _framed(said: object) -> bytes:
    packed = pickle.dumps(said)
    return len(packed).to_bytes(_LENGTH) + packed


async def _frames(reader: asyncio.StreamReader) -> AsyncGenerator[Any]:
    with suppress(asyncio.IncompleteReadError, OSError):  # the other process has ended
        while True:
            length = int.from_bytes(await reader.readexactly(_LENGTH))
            yield pickle.loads(await reader.readexactly(length))
