"""Where the items of a map are worked, from settings."""

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace

from stamina.instrumentation import set_on_retry_hooks

from sidecritic.assembly.plans import plan_for
from sidecritic.errors import ConfigError
from sidecritic.executors.processes import ProcessExecutor
from sidecritic.executors.protocol import Executor
from sidecritic.executors.ray import RayExecutor
from sidecritic.rollouts.plan import Elsewhere, Key, Played, RolloutPlan
from sidecritic.rollouts.playing import Here
from sidecritic.settings.critic_names import asks_a_person
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings


def placed(plan: RolloutPlan, settings: Settings) -> RolloutPlan:
    """Return the plan with the executor that the settings name.

    Raises:
        ConfigError: a party of the run must stay in this process, or a package is missing.
    """
    executor = executor_for(settings)
    if executor is None:
        return plan
    for name in ("record", "cassette"):
        if getattr(settings, name) is not None:
            raise ConfigError(
                f"--{name} keeps one order of answers, and --executor {settings.executor} has "
                "none; use --executor local"
            )
    return replace(plan, elsewhere=Elsewhere(executor, PlaysFromSettings(settings)))


def executor_for(settings: Settings) -> Executor | None:
    """Return the executor that the settings name; `None` for this process.

    Raises:
        ConfigError: the critic is a person at this terminal, or a package is missing.
    """
    if settings.executor != "local" and asks_a_person(settings.critic):
        raise ConfigError(
            f"the critic {settings.critic!r} asks at this terminal, which other processes do not "
            "have; use --executor local"
        )
    # Without a number of its own, a run keeps every core busy, and the next episode beside each.
    at_once = settings.concurrency if "concurrency" in settings.model_fields_set else None
    match settings.executor:
        case "local":
            return None
        case "processes":
            workers = settings.workers or os.cpu_count() or 1
            return ProcessExecutor(workers, at_once or max(settings.concurrency, 2 * workers))
        case "ray":
            return RayExecutor(settings.workers, at_once)


def cluster_for(settings: Settings) -> Executor | None:
    """Return the cluster that judges recorded runs, if the settings name one.

    Raises:
        ConfigError: the critic is a person at this terminal.
    """
    if settings.executor != "ray" or executor_for(settings) is None:
        return None
    # A batch at a time in each, and the next one beside it.
    return RayExecutor(settings.workers)


@dataclass(frozen=True, slots=True)
class PlaysFromSettings:
    """The job of playing a run's episodes in another process, which makes its own plan of it."""

    settings: Settings

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[Callable[[Key], Awaitable[Played]]]:
        """Load benchmarks and critics, and yield what plays an episode."""
        # The one progress display is in the process that takes results.
        set_on_retry_hooks([])
        async with AsyncExitStack() as stack:
            plan = plan_for(self.settings, keys_from_environment(), stack)
            yield await stack.enter_async_context(Here(plan).open())
