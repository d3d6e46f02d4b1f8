"""Items to workers that may end at any moment: bounded, tried again, each result taken once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic

from sidecritic.errors import WorkerLost
from sidecritic.executors.pool import Hire, Pool, Size, pool_of
from sidecritic.executors.protocol import Done, Item, Lost, Result, Take
from sidecritic.executors.tasks import together

TRIES = 3
"""How often an item may be under way when its worker ends. The last time it is alone there, so
that nothing else can have ended it."""


@dataclass(frozen=True, slots=True)
class _Again(Generic[Item]):
    item: Item
    reason: str


async def dispatch(
    hire: Hire[Item, Result], size: Size, items: Iterable[Item], take: Take[Item, Result]
) -> None:
    """Have every item worked, and take each once; see `Executor.each`."""
    async with pool_of(hire, size) as pool:
        queue, lost = iter(items), list[_Again[Item]]()
        for tried in range(1, TRIES + 1):
            lost = await _all(pool, queue, take, alone=tried == TRIES)
            queue = iter([each.item for each in lost])
            if not lost:
                return
        for each in lost:
            take(Lost(each.item, f"tried {TRIES} times, the last time alone: {each.reason}"))


async def _all(
    pool: Pool[Item, Result], queue: Iterator[Item], take: Take[Item, Result], *, alone: bool
) -> list[_Again[Item]]:
    """Work what is in the queue; return what was under way in workers that ended."""
    lost: list[_Again[Item]] = []

    async def pull() -> None:
        for item in queue:
            async with pool.seat(alone=alone) as worker:
                try:
                    done = Done(item, await worker.work(item))
                except WorkerLost as loss:
                    lost.append(_Again(item, str(loss)))
                    pool.lose(worker)
                    continue
            take(done)

    whole = await together(pull() for _ in range(pool.size.at_once))
    return lost if whole else []
