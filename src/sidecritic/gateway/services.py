"""What all requests share: recorder, review queue, history, work in the background."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic, process_time
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

_STEP = 0.002
"""Seconds between two looks at the work that waits."""
_PAUSE = 0.005
"""Seconds without a request's beginning or end."""
_PACE = 0.02
"""Seconds after which one piece of work is begun, however busy the process is."""
_WINDOW = 0.1
_HIGH = 0.3
"""Share of one processor from which a process is busy."""

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


Work = Callable[[], Coroutine[None, None, None]]


@dataclass
class Background:
    """Work that no request waits for: bounded, and finished before the server ends.

    Judging shares the interpreter with the requests that are being served. While this process is
    not busy it is done at once; otherwise in the pauses, and now and then at any rate.
    """

    limit: int
    is_late: Callable[[], None] = lambda: None
    """Told of each piece of work that waited longer than `patience` for its turn."""
    patience: float = 1.0
    """Seconds."""
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _waiting: deque[tuple[float, Work]] = field(default_factory=deque[tuple[float, Work]])
    _turns: asyncio.Task[None] | None = None
    _stirred: float = 0.0
    """When a request last began or ended."""
    _began: float = 0.0
    _load: "_Load" = field(default_factory=lambda: _Load())

    @property
    def size(self) -> int:
        return len(self._tasks) + len(self._waiting)

    @property
    def is_full(self) -> bool:
        return self.size >= self.limit

    def stir(self) -> None:
        """Note that a request begins or has ended."""
        self._stirred = monotonic()

    def spawn(self, work: Work) -> bool:
        """Begin the work; `False` when too much is under way already."""
        if self.is_full:
            return False
        self._begin(work)
        return True

    def later(self, work: Work) -> bool:
        """Begin the work when its turn comes; `False` when too much is under way already."""
        if self.is_full:
            return False
        self._waiting.append((monotonic(), work))
        if self._turns is None or self._turns.done():
            self._turns = asyncio.get_running_loop().create_task(self._take_turns())
        return True

    async def finish(self, seconds: float) -> None:
        """Do the work that waits, and cancel what is left after `seconds`."""
        while self._waiting:
            self._begin(self._waiting.popleft()[1])
        tasks = set(self._tasks)
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _take_turns(self) -> None:
        while self._waiting:
            await asyncio.sleep(_STEP)
            now = monotonic()
            is_free = now - self._stirred >= _PAUSE or not self._load.is_high(now)
            if self._waiting and (is_free or now - self._began >= _PACE):
                since, work = self._waiting.popleft()
                if now - since > self.patience:
                    self.is_late()
                self._began = now
                self._begin(work)

    def _begin(self, work: Work) -> None:
        task = asyncio.get_running_loop().create_task(_contained(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


@dataclass
class _Load:
    """How busy this process is: its processor time in a window of the clock's."""

    _at: float = 0.0
    _used: float = 0.0
    _is_high: bool = False

    def is_high(self, now: float) -> bool:
        if now - self._at >= _WINDOW:
            used = process_time()
            self._is_high = used - self._used > _HIGH * (now - self._at)
            self._at, self._used = now, used
        return self._is_high


async def _contained(work: Work) -> None:
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
