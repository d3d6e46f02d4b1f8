"""What all requests share: recorder, review queue, history, work in the background."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol, TypeVar, TypeVarTuple

from sidecritic.errors import SidecriticError, StoreError, boundary
from sidecritic.gateway.store.conversations import Conversations
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.gateway.store.history_digest import HistoryDigest
from sidecritic.gateway.store.references import References
from sidecritic.gateway.store.reviews import Reviews
from sidecritic.gateway.telemetry.counts import Counts
from sidecritic.gateway.telemetry.spans import Traces

log = logging.getLogger("sidecritic.gateway")

_LARGE = 256_000
"""Bytes from which work takes longer than a thread costs."""

_LAST = 0.5
"""Seconds for a critic when the server ends."""

_Args = TypeVarTuple("_Args")
_Result = TypeVar("_Result")


class Recorder(Protocol):
    """Stores decisions."""

    async def keep(self, decisions: Sequence[DecisionRecord]) -> None:
        """Return when the decisions survive a kill of this process.

        Raises:
            StoreError: they could not be stored.
        """
        ...

    async def amend(self, decisions: Sequence[DecisionRecord]) -> None:
        """Replace decisions that were stored before they were judged.

        Raises:
            StoreError: they could not be stored.
        """
        ...

    async def knows_link(self, tenant: str, link: str) -> bool:
        """Whether a turn with this link was ever released to the tenant.

        Raises:
            StoreError: the database did not answer.
        """
        ...


@dataclass
class Aside:
    """Runs what takes long for much data in one thread, so that the loop serves others."""

    _thread: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "sidecritic-aside"))

    async def run(self, size: int, work: Callable[[*_Args], _Result], *given: *_Args) -> _Result:
        """Return what `work` returns; `size` is that of its data, in bytes."""
        if size < _LARGE:
            return work(*given)
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *given)


@dataclass
class Closing:
    """The end of the server: no judgement lasts much longer then."""

    _at: float | None = None
    _open: set[asyncio.Timeout] = field(default_factory=set[asyncio.Timeout])

    def begin(self) -> None:
        """Give what is being judged a last moment; a second signal does not give another."""
        if self._at is not None:
            return
        self._at = asyncio.get_running_loop().time() + _LAST
        for each in self._open:
            each.reschedule(self._at)

    @asynccontextmanager
    async def limit(self) -> AsyncGenerator[None]:
        """Raise `TimeoutError` in the block when that moment is over."""
        async with asyncio.timeout_at(self._at) as until:
            self._open.add(until)
            try:
                yield
            finally:
                self._open.discard(until)


@dataclass
class Background:
    """Work that no request waits for: bounded, and finished before the server ends."""

    limit: int
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    @property
    def size(self) -> int:
        return len(self._tasks)

    def spawn(self, work: Callable[[], Coroutine[None, None, None]]) -> bool:
        """Begin the work; `False` when too much is under way already."""
        if len(self._tasks) >= self.limit:
            return False
        task = asyncio.get_running_loop().create_task(_contained(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return True

    async def finish(self, seconds: float) -> None:
        """Wait for the work under way, and cancel what is left after `seconds`."""
        tasks = set(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


async def _contained(work: Callable[[], Coroutine[None, None, None]]) -> None:
    try:
        with boundary(SidecriticError, "work in the background"):
            await work()
    except SidecriticError as error:
        log.warning("background work failed", extra={"error": type(error).__name__})


@dataclass(frozen=True, slots=True)
class Services:
    recorder: Recorder
    reviews: Reviews
    history: HistoryDigest
    background: Background
    counts: Counts
    clock: Callable[[], float]
    """Seconds since 1970."""
    conversations: Conversations = field(default_factory=Conversations)
    references: References = field(default_factory=References)
    traces: Traces = field(default_factory=Traces)
    closing: Closing = field(default_factory=Closing)
    aside: Aside = field(default_factory=Aside)

    def decided(self, decision: DecisionRecord) -> None:
        """Count a decision, and say why a critic failed."""
        self.counts.decided(decision)
        if not decision.failure and not decision.broken:
            return
        origin = decision.origin
        where = {"request": origin.request, "tenant": origin.tenant, "route": origin.route}
        why = decision.category if decision.failure else ""
        for what, said in (("critic failed", why), ("check failed", decision.broken)):
            if said:
                log.warning("%s: %s", what, said[:300], extra={**where, "what": said[:300]})

    async def keep(self, decisions: Sequence[DecisionRecord], *, is_closed: bool) -> None:
        """Record decisions; a failure is raised only where it must hold the answer back.

        Raises:
            StoreError: `is_closed`, and they could not be stored.
        """
        for decision in decisions:
            self.decided(decision)
            if decision.link:
                self.history.remember(decision.link)
        try:
            await self.recorder.keep(decisions)
        except StoreError:
            self.counts.unrecorded(len(decisions))
            if is_closed:
                raise
            log.error("decisions could not be recorded", extra={"count": len(decisions)})

    async def amend(self, decisions: Sequence[DecisionRecord]) -> None:
        """Record what became of decisions that left; a failure leaves them as they are."""
        try:
            await self.recorder.amend(decisions)
        except StoreError:
            log.error("decisions could not be amended", extra={"count": len(decisions)})
