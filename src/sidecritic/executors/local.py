"""A map in this process: many items wait at the same time, and one is computed at a time."""

import asyncio
from collections.abc import Iterable

from sidecritic.executors.protocol import Done, Item, Job, Result, Take
from sidecritic.executors.tasks import together


class LocalExecutor:
    """Works so many items at once in the loop that it is called from."""

    def __init__(self, at_once: int = 1) -> None:
        self._at_once = at_once

    async def each(
        self, job: Job[Item, Result], items: Iterable[Item], take: Take[Item, Result]
    ) -> None:
        """Work every item here; see `Executor`."""
        queue = iter(items)
        async with job.open() as work:

            async def pull() -> None:
                for item in queue:
                    take(Done(item, await work(item)))
                    # Simulated parties never wait, so that an interrupt would have no way in.
                    await asyncio.sleep(0)

            await together(pull() for _ in range(self._at_once))
