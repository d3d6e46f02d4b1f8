"""A critic that clients, loops and threads share."""

from collections.abc import Awaitable, Callable

from sidecritic.ports import Critic, Simulating, Warm, version_of
from sidecritic.seats.loop_thread import LoopThread
from sidecritic.types import Judgement, Proposal


class SharedCritic:
    """Lets a critic judge on one loop in a thread, whoever asks.

    Connections, locks and semaphores of the models that it asks belong to the loop that made
    them; on a caller's loop, the second caller would find them broken.
    """

    def __init__(self, critic: Critic, close: Callable[[], Awaitable[None]]) -> None:
        """Take a critic, and what closes its models; the thread starts with the first verdict."""
        self._critic = critic
        self._close = close
        self._loop = LoopThread("sidecritic-critic")
        self.name = critic.name
        self.simulated = isinstance(critic, Simulating) and critic.simulated

    @property
    def version(self) -> str:
        return version_of(self._critic)

    async def judge(self, proposal: Proposal) -> Judgement:
        """Return the critic's judgement.

        Raises:
            CriticError: it has none.
        """
        return await self._loop.reach(self._critic.judge(proposal))

    async def warm(self, proposal: Proposal) -> None:
        """Let the critic get ready for the coming proposal, if it can."""
        if isinstance(self._critic, Warm):
            await self._loop.reach(self._critic.warm(proposal))

    def close(self) -> None:
        """Close the connections; the critic cannot judge any more."""
        if not self._loop.is_closed:
            self._loop.run(self._closed())
            self._loop.close()

    async def _closed(self) -> None:
        await self._close()
