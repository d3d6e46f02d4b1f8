"""The critic of a gateway's route, and the model behind it."""

from contextlib import AsyncExitStack
from pathlib import Path

from sidecritic.assembly.critics import Connect, Connection, Terms, connect_by, critic_for
from sidecritic.assembly.models import Models
from sidecritic.assembly.packs import pack_at
from sidecritic.gateway.settings import RouteSettings
from sidecritic.ports import Critic, Model
from sidecritic.settings.critic_names import names_in
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.model_names import ModelName, model_name
from sidecritic.settings.profiles import profile_at
from sidecritic.strategies.stand_in import StandIn


def critic_of(name: str, route: RouteSettings, folder: Path, connect: Connect) -> Critic:
    """Return the critic of a route; files are relative to the folder.

    Raises:
        ConfigError: it is unknown, or something that it needs is missing.
    """
    terms = Terms(
        threshold=route.critic_threshold,
        profile=profile_at(folder / route.profile) if route.profile else None,
        pack=pack_at(route.pack, folder) if route.pack else None,
        pack_path=route.pack or "",
        confirm=route.confirm,
    )
    # The name of a route is the operator's choice, and says nothing of its domain.
    return critic_for(route.critic, f"route:{name}", connect, terms=terms)


def connected(route: RouteSettings, stack: AsyncExitStack, prices: str | None = None) -> Connect:
    """Return what connects to the models that a route's critics ask; `stack` closes them.

    Raises:
        ConfigError: the prices cannot be read.
    """
    settings = Settings(timeout=route.critic_timeout, attempts=1, concurrency=64, prices=prices)
    models = Models(settings, keys_from_environment(), stack)
    return connect_by(models, route.critic_base_url, evidence=route.critic_evidence)


def unconnected(name: ModelName) -> Connection:
    """Connect to nothing: enough to see whether a critic can be made at all."""
    return Connection(StandIn(), "none")


def model_of(route: RouteSettings, connect: Connect) -> Model | None:
    """Return the first language model among a route's critics, if there is one.

    Raises:
        ConfigError: it cannot be asked.
    """
    for name in names_in(route.critic):
        if name.startswith("llm:"):
            named = model_name(name.removeprefix("llm:").partition("?")[0], "critic")
            return None if named is None else connect(named).model
    return None
