"""A map over a Ray cluster: actors that each open the job once, on whatever node has a core.

Ray is imported when a map begins, and nowhere else. It moves items and tells of lost actors and
nodes; what is tried again, and that each result is taken once, is decided here as for processes.
"""

from collections.abc import Generator, Iterable
from contextlib import AsyncExitStack, contextmanager, suppress
from importlib import import_module
from typing import Any, Generic

from sidecritic.errors import ConfigError, MissingExtra, WorkerLost
from sidecritic.executors.dispatch import dispatch
from sidecritic.executors.pool import Size
from sidecritic.executors.protocol import Item, Job, Result, Take
from sidecritic.executors.serving import Raised, Returned, answered


class RayExecutor:
    """Works items in actors of one core each, `at_once` in all of them together.

    By default there is an actor for each core of the cluster, and twice as many items at once.

    The cluster is that of this process if it is connected to one, else that of `$RAY_ADDRESS`,
    else one that runs on this machine, else a new one that ends with the map.
    """

    def __init__(self, workers: int | None = None, at_once: int | None = None) -> None:
        self._workers = workers
        self._at_once = at_once

    async def each(
        self, job: Job[Item, Result], items: Iterable[Item], take: Take[Item, Result]
    ) -> None:
        """Work every item on one of the nodes; see `Executor`."""
        with _connected() as ray:
            cores = int(ray.cluster_resources().get("CPU", 0))
            workers = self._workers or cores
            if not workers:
                raise ConfigError("the Ray cluster has no CPU; add a node, or give --workers")
            at_once = self._at_once or 2 * workers
            actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(_Actor)

            async def hire() -> _RayWorker[Item, Result]:
                worker = _RayWorker[Item, Result](ray, actor)
                try:
                    await worker.open(job)
                except BaseException:
                    worker.kill()
                    raise
                return worker

            await dispatch(hire, Size(min(workers, at_once), at_once), items, take)


@contextmanager
def _connected() -> Generator[Any]:
    try:
        ray = import_module("ray")
    except ImportError as cause:
        raise MissingExtra("ray", "ray", "--executor ray") from cause
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(log_to_driver=False, logging_level="ERROR", include_dashboard=False)
        except (ConnectionError, OSError, RuntimeError, ValueError) as cause:
            raise ConfigError(
                f"no Ray cluster can be reached: {cause}; start one with `ray start --head`, or "
                "correct $RAY_ADDRESS"
            ) from cause
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


class _Actor:
    """What runs on a node."""

    def __init__(self) -> None:
        self._stack = AsyncExitStack()

    async def open(self, job: Job[Any, Any]) -> Returned | Raised:
        return await answered(self._open(job))

    async def _open(self, job: Job[Any, Any]) -> None:
        self._work = await self._stack.enter_async_context(job.open())

    async def work(self, item: Any) -> Returned | Raised:
        return await answered(self._work(item))

    async def close(self) -> None:
        await self._stack.aclose()


class _RayWorker(Generic[Item, Result]):
    def __init__(self, ray: Any, actor: Any) -> None:
        self._ray = ray
        # Spread over the nodes, so that the loss of one costs as little as can be.
        place = actor.options(scheduling_strategy="SPREAD", max_concurrency=_MANY)
        self._actor = place.remote()

    async def open(self, job: Job[Item, Result]) -> None:
        await self._ask(self._actor.open, job)

    async def work(self, item: Item) -> Result:
        return await self._ask(self._actor.work, item)

    async def _ask(self, method: Any, *given: Any) -> Any:
        try:
            answer: Returned | Raised = await method.remote(*given)
        except self._ray.exceptions.RayError as error:
            raise WorkerLost(_first_line(error)) from error
        match answer:
            case Returned(value):
                return value
            case Raised(error):
                raise error

    async def end(self) -> None:
        # Lost at the very end, when every result has been taken, it has nothing to close.
        with suppress(self._ray.exceptions.RayError):
            await self._actor.close.remote()
        self.kill()

    def kill(self) -> None:
        self._ray.kill(self._actor)


_MANY = 10_000
"""Ray's own bound of items in one actor; ours, which counts, is smaller."""


def _first_line(error: Exception) -> str:
    return f"the Ray worker is lost: {str(error).strip().partition(chr(10))[0]}"
