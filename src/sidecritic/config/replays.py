"""Critics for recorded runs, made anew in each process that judges."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from sidecritic.config.parties import (
    Connection,
    ModelName,
    Models,
    connection,
    critic_for,
    keys_from_environment,
)
from sidecritic.config.settings import Settings
from sidecritic.errors import ConfigError
from sidecritic.ports import Critic


@dataclass(frozen=True, slots=True)
class CriticByName:
    """A critic's name and server; calling it with an environment opens one for as long."""

    name: str
    base_url: str | None = None

    @asynccontextmanager
    async def __call__(self, env: str) -> AsyncGenerator[Critic]:
        """Yield the critic for an environment, and close what it has opened.

        Raises:
            ConfigError: there is none.
        """
        async with AsyncExitStack() as stack:
            models = Models(Settings(env=(env,)), keys_from_environment(), stack)

            def connect(name: ModelName) -> Connection:
                return connection(models, name, self.base_url)

            yield critic_for(self.name, env, connect)

    async def missing(self, envs: Iterable[str]) -> dict[str, str]:
        """Return the environments for which there is no such critic, each with the reason.

        Raises:
            ConfigError: there is none for any of them.
        """
        found: dict[str, str] = {}
        known = sorted(set(envs))
        for env in known:
            try:
                async with self(env):
                    pass
            except ConfigError as error:
                if len(found) + 1 == len(known):
                    raise
                found[env] = str(error)
        return found
