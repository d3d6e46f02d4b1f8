"""The gateway without a server: an SDK's client whose answers are supervised.

    client = supervise(OpenAI(), critic=PolicyCritic(SHOP), policy=Path("policy.md"))

Names of critics and files of tools are for `sidecritic.supervise`, which is this with those.
The returned client is of the same class. Its requests travel through a transport that does in
this process what the gateway does.
"""

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from pydantic import ValidationError

from sidecritic.dialects.base import Provider
from sidecritic.errors import ConfigError, first_problem
from sidecritic.gates import Gate
from sidecritic.gateway.routes import Route, Setup
from sidecritic.gateway.services import Background, Services
from sidecritic.gateway.settings import PROXIED, LimitSettings, RouteSettings
from sidecritic.gateway.store.decisions import DecisionRecord, policy_digest
from sidecritic.gateway.store.history_digest import HistoryDigest
from sidecritic.gateway.store.reviews import ReviewCase
from sidecritic.gateway.telemetry.counts import Counts
from sidecritic.ports import Critic
from sidecritic.seats.arguments import prose_of, require_critic
from sidecritic.seats.tools import Mode, ToolRule
from sidecritic.types import Limits

if TYPE_CHECKING:
    from sidecritic.gateway.inprocess.transports import Supervision

_Client = TypeVar("_Client")
_SUPERVISED: tuple[tuple[Provider, str], ...] = (
    ("openai", "OpenAI"),
    ("openai", "AsyncOpenAI"),
    ("anthropic", "Anthropic"),
    ("anthropic", "AsyncAnthropic"),
)


def supervise(
    client: _Client,
    *,
    critic: Critic,
    policy: str | Path = "",
    mode: Mode = "enforce",
    gate: Gate = "writes+final",
    options: "Options | None" = None,
) -> _Client:
    """Return the client, `OpenAI` or `Anthropic` or the async kind of either, supervised.

    `policy` is prose, or a file that holds it: a `Path`, or one line that ends in `.md` or `.txt`.
    Without it the system prompt of each request is the policy. Requests still travel through the
    given client's `http_client`, with its proxies, certificates and hooks; closing the returned
    client closes both.

    Raises:
        ConfigError: the client is of another class, or what else is given cannot be used.
    """
    provider, chosen = _provider_of(client), options or Options()
    judge, rules = require_critic(critic), prose_of(policy)
    supervision = _supervision(provider, judge, rules, mode, gate, chosen)
    from sidecritic.gateway.inprocess.transports import supervised

    sdk = cast(Any, client)
    # Neither SDK has a public name for it, and both have always had this one.
    return sdk.with_options(http_client=supervised(sdk._client, supervision))


@dataclass(frozen=True, slots=True)
class Options:
    """Settings that are seldom needed."""

    tools: Sequence[ToolRule] = ()
    """Effects and modes by tool; a tool without a rule counts as one that writes."""
    limits: Limits = field(default_factory=Limits)
    on_decision: Callable[[DecisionRecord], None] | None = None
    """Called with each decision, before its answer is returned."""
    unknown_passes: bool = False
    """Let shapes and paths pass that no dialect knows, such as tools that the provider runs."""


@dataclass(frozen=True, slots=True)
class _NoStore:
    """A recorder that reports decisions, and a review queue that is never read."""

    tell: Callable[[DecisionRecord], None] | None

    async def keep(self, decisions: Sequence[DecisionRecord]) -> None:
        for decision in decisions:
            if self.tell is not None and decision.fate != "pending":
                self.tell(decision)

    async def amend(self, decisions: Sequence[DecisionRecord]) -> None:
        await self.keep(decisions)

    async def knows_link(self, tenant: str, link: str) -> bool:
        return False

    async def open(self, case: ReviewCase) -> None: ...

    async def use_approval(self, tenant: str, digest: str, now: float) -> bool:
        return False

    async def look(self, case_id: str) -> ReviewCase | None:
        return None


def _supervision(
    provider: Provider, critic: Critic, policy: str, mode: Mode, gate: Gate, chosen: Options
) -> "Supervision":
    from sidecritic.gateway.inprocess.transports import Supervision

    given = {"mode": mode, "gate": gate, "tools": tuple(chosen.tools)}
    passes = "pass" if chosen.unknown_passes else "block"
    try:
        settings = RouteSettings.model_validate(
            {"upstream": "client", "history": "off", "unknown": passes, **given}
        )
    except ValidationError as cause:
        raise ConfigError(f"supervise: {first_problem(cause)}") from cause
    store = _NoStore(chosen.on_decision)
    services = Services(
        recorder=store,
        reviews=store,
        history=HistoryDigest(secrets.token_bytes(32)),
        background=Background(LimitSettings().shadow_backlog),
        counts=Counts(),
        clock=time.time,
    )
    route = partial(
        Route,
        name="client",
        settings=settings,
        provider=provider,
        critic=critic,
        critic_version="",
        policy=policy,
        policy_digest=policy_digest(policy),
        limits=chosen.limits,
    )
    setup = Setup(routes=(), tenants=(), limits=LimitSettings(), proxied=PROXIED, digest="")
    return Supervision(setup, services, route)


def _provider_of(client: object) -> Provider:
    # A client's package has been imported; the other one may not be installed.
    for provider, name in _SUPERVISED:
        kind = getattr(sys.modules.get(provider), name, None)
        if isinstance(kind, type) and isinstance(client, kind):
            return provider
    raise ConfigError(
        f"cannot supervise a {type(client).__name__}; give an OpenAI, AsyncOpenAI, Anthropic or "
        "AsyncAnthropic client, or point another one's base URL at `sidecritic serve`"
    )
