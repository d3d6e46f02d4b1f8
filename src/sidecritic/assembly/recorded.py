"""Critics for recorded runs, made in each process that judges."""

from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from sidecritic.assembly.critics import Terms, connect_by, critic_for
from sidecritic.assembly.models import Models
from sidecritic.assembly.packs import pack_at
from sidecritic.assembly.terminal import terminal_here
from sidecritic.calibration.profile import Profile
from sidecritic.errors import ConfigError, NoChecks
from sidecritic.ports import Critic
from sidecritic.recorded import PACK_TERM
from sidecritic.settings.critic_names import asks_a_person
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings


class Cassettes(NamedTuple):
    """Folders of cassettes: to record into, and to play from without any server."""

    record: str | None = None
    play: str | None = None


NO_CASSETTES = Cassettes()


@dataclass(frozen=True, slots=True)
class CriticByName:
    """A critic's name and server; calling it with an environment opens one for as long."""

    name: str
    base_url: str | None = None
    threshold: float | None = None
    profile: Profile | None = None
    lookups: int = 0
    """Facts that an LLM critic may look up for one verdict."""
    evidence: bool = True
    """Whether an LLM critic is shown what checks notice."""
    pack: str | None = None
    """Import path of checks in place of the environment's; every process loads it for itself."""
    cassettes: Cassettes = NO_CASSETTES
    """Where a model's answers are kept, or come from."""
    fixed: bool = False
    """Whether the user did not choose this critic, and so needs no advice to choose another."""

    @property
    def terms(self) -> str:
        """What else than its name decides its judgements, for the file that they are kept in."""
        own = () if self.threshold is None else (f"threshold {self.threshold:g}",)
        if self.profile is not None:
            own = (f"profile {self.profile.name} {self.profile.digest}",)
        lookups = (f"{self.lookups} look-ups",) if self.lookups else ()
        rest = (*lookups, *(() if self.evidence else ("no evidence",)))
        packed = (f"{PACK_TERM}{self.pack}",) if self.pack else ()
        return ", ".join((*own, *rest, *packed))

    @property
    def asks_a_person(self) -> bool:
        """Whether it must stay in the process that has the terminal."""
        return asks_a_person(self.name)

    @asynccontextmanager
    async def __call__(self, env: str) -> AsyncGenerator[Critic]:
        """Yield the critic for an environment, and close what it has opened.

        Raises:
            ConfigError: there is none.
        """
        async with AsyncExitStack() as stack:
            record, play = self.cassettes
            settings = Settings(env=(env,), record=record, cassette=play)
            models = Models(settings, keys_from_environment(), stack)
            connect = connect_by(
                models, self.base_url, lookups=self.lookups, evidence=self.evidence
            )
            # A terminal cannot be handed to another process: it is opened where it is used.
            terminal = terminal_here() if self.asks_a_person else None
            pack = pack_at(self.pack) if self.pack is not None else None
            terms = Terms(self.threshold, self.profile, terminal, pack, self.pack or "")
            yield critic_for(self.name, env, connect, terms=terms)

    async def missing(self, envs: Iterable[str]) -> dict[str, str]:
        """Return the environments without such a critic, each with the reason.

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
                why = error.problem if self.fixed and isinstance(error, NoChecks) else str(error)
                if len(found) + 1 == len(known):
                    raise ConfigError(why) from error
                found[env] = why
        return found
