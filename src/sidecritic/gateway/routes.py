"""One configuration, ready to serve; a reload replaces it as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from sidecritic.dialects.base import Body, Dialect, Provider
from sidecritic.dialects.providers import PROVIDERS
from sidecritic.gateway.settings import ClientSettings, LimitSettings, RouteSettings
from sidecritic.gateway.wire.http import Upstream
from sidecritic.ports import Critic
from sidecritic.seats.tools import Mode
from sidecritic.types import Limits


@dataclass(frozen=True, slots=True)
class Route:
    """Where requests go, and how what comes back is supervised."""

    name: str
    settings: RouteSettings
    provider: Provider
    upstream: Upstream
    critic: Critic
    critic_version: str
    policy: str
    policy_digest: str
    limits: Limits
    forwards_key: bool = False
    """Whether the client's key goes upstream."""
    judged: str = ""
    """What of its actions is judged by what, and what is not, in a line for the operator."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A client by name, with the digest of its key."""

    settings: ClientSettings
    key_digest: bytes = field(repr=False)

    @property
    def name(self) -> str:
        return self.settings.name


@dataclass(frozen=True, slots=True)
class Setup:
    routes: tuple[Route, ...]
    tenants: tuple[Tenant, ...]
    limits: LimitSettings
    proxied: tuple[str, ...]
    digest: str
    """Of the settings; every decision names it."""
    keeps_content: bool = False
    is_closed: bool = True
    """Whether an answer that cannot be recorded is withheld while a route enforces."""

    @property
    def modes(self) -> Mapping[str, Mode]:
        """Modes by route and by tool rule, whose changes are audited."""
        found: dict[str, Mode] = {}
        for route in self.routes:
            found[route.name] = route.settings.mode
            for rule in route.settings.tools:
                if rule.mode is not None:
                    found[f"{route.name}/{rule.match}"] = rule.mode
        return found


class Place(NamedTuple):
    route: Route
    path: str
    """Below `/v1`, without a query."""
    dialect: Dialect | None
    """`None` for a path that is not supervised."""

    def error(self, status: int, code: str, message: str) -> Body:
        """Return an error in the envelope of the route's provider."""
        return PROVIDERS[self.route.provider].error(status, code, message)

    def is_shared(self, setup: Setup) -> bool:
        """Whether several tenants use one key of the provider."""
        return len(setup.tenants) > 1 and not self.route.forwards_key
