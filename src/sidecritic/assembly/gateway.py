"""From `gateway.toml` to a server: names become upstreams, critics and keys."""

import asyncio
import secrets
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sidecritic.assembly.routes import connected, critic_of
from sidecritic.errors import ConfigError, MissingExtra
from sidecritic.gateway.routes import Route, Setup, Tenant
from sidecritic.gateway.server.admission import Admission, key_digest
from sidecritic.gateway.server.app import Server
from sidecritic.gateway.server.door import Door
from sidecritic.gateway.server.upstreams import HttpUpstream, is_public_name
from sidecritic.gateway.services import Background, Services
from sidecritic.gateway.settings import ClientSettings, GatewaySettings, RouteSettings
from sidecritic.gateway.store.database import Store, open_engine
from sidecritic.gateway.store.decisions import policy_digest
from sidecritic.gateway.store.history_digest import HistoryDigest
from sidecritic.gateway.store.queries import StoreQueries
from sidecritic.gateway.telemetry.metrics import Metrics
from sidecritic.gateway.telemetry.spans import Traces
from sidecritic.ports import Critic, version_of
from sidecritic.redaction import redactor_of
from sidecritic.settings.environment import Environment, variable_in
from sidecritic.settings.files import read_text
from sidecritic.settings.route_tools import judged, with_declared
from sidecritic.types import Limits

if TYPE_CHECKING:
    from sidecritic.gateway.store.sharing import Worker


class GatewayMaker:
    """Builds the gateway from its settings; the store outlives a reload."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self._folder = folder
        self._environment = environment
        self._stack = AsyncExitStack()
        self._upstreams: dict[str, HttpUpstream] = {}
        """By name; one whose settings and key stay keeps its connections over a reload."""

    async def aclose(self) -> None:
        await self._stack.aclose()

    def setup(self, settings: GatewaySettings) -> Setup:
        """Return routes, tenants and limits, ready to serve.

        Raises:
            ConfigError: a key, policy, pack or critic is missing.
        """
        redactor_of(settings.store.redact)
        tenants = tuple(self._tenant(client) for client in settings.clients)
        for kind in ("name", "key_digest"):
            if len({getattr(tenant, kind) for tenant in tenants}) < len(tenants):
                shown = kind.removesuffix("_digest")
                raise ConfigError(f"two [[clients]] have one {shown}; give each its own")
        upstreams = {name: self._upstream(name, settings) for name in settings.upstreams}
        routes = tuple(
            self._route(name, route, settings, upstreams) for name, route in settings.routes.items()
        )
        return Setup(
            routes=routes,
            tenants=tenants,
            limits=settings.limits,
            proxied=settings.proxied,
            digest=sha256(settings.model_dump_json().encode()).hexdigest()[:16],
            keeps_content=settings.store.content,
            is_closed=settings.store.on_failure == "closed",
        )

    def server(self, settings: GatewaySettings, worker: "Worker | None" = None) -> Server:
        """Return a server that has not started: the only one, or one worker of several.

        Raises:
            ConfigError: something it needs is missing.
        """
        setup, traces = self.setup(settings), self._traces(settings)
        chain = self._chain(settings, worker)
        metrics = Metrics(worker.seat.folder if worker else None)
        store = self.store(settings)  # last: a later failure would leave a database open
        services = Services(
            recorder=store,
            reviews=store,
            history=chain,
            background=Background(settings.limits.shadow_backlog, metrics.shadow_late),
            counts=metrics,
            clock=time.time,
            traces=traces,
        )
        admission = Admission(time.monotonic)
        if worker is not None:
            admission = Admission(time.monotonic, worker.seat.uses)
            kept = {"conversations": worker.conversations, "references": worker.references}
            services = replace(services, **kept)
        door = Door(setup, services, admission)
        return Server(door, store, metrics, settings.store.retention_days, self.aclose)

    def _traces(self, settings: GatewaySettings) -> Traces:
        given = settings.traces
        if given is None:
            return Traces()
        try:
            from sidecritic.gateway.telemetry.tracing import OpenTelemetry, exporter_for
        except ImportError as cause:
            raise MissingExtra("opentelemetry-sdk", "otel", "[traces]") from cause
        named, headers = given.headers_env, dict[str, str]()
        if named:
            text = variable_in(self._environment, named, "traces.headers_env")
            headers = dict(_pair(part, named) for part in text.split(","))
        traces = OpenTelemetry(
            given,
            exporter_for(given, headers),
            redactor_of(settings.store.redact),
            keeps_content=settings.store.content,
        )
        self._stack.push_async_callback(asyncio.to_thread, traces.close)
        return traces

    def store(self, settings: GatewaySettings) -> Store:
        """Return the decision store, not yet started."""
        engine = open_engine(_store_url(settings, self._environment))
        return Store(engine, redactor_of(settings.store.redact))

    def _chain(self, settings: GatewaySettings, worker: "Worker | None") -> HistoryDigest:
        # Links of an earlier process are unknown: its turns are marked as unverified.
        key, named = secrets.token_bytes(32), settings.history_key_env
        if named:
            key = variable_in(self._environment, named, "history_key_env").encode()
        if worker is None:
            return HistoryDigest(key, is_private=not named)
        seat = worker.seat
        return HistoryDigest(key if named else seat.key, not named, seat.links())

    def _upstream(self, name: str, settings: GatewaySettings) -> HttpUpstream:
        upstream = settings.upstreams[name]
        key = None
        if upstream.key_env:
            key = variable_in(self._environment, upstream.key_env, f"upstreams.{name}.key_env")
        host = urlsplit(upstream.base_url).hostname or ""
        if upstream.base_url.startswith("http://") and is_public_name(host):
            raise ConfigError(
                f"upstreams.{name}: {upstream.base_url} would carry keys unencrypted; use https://"
            )
        before = self._upstreams.get(name)
        if before is not None and (before.settings, before.key) == (upstream, key):
            return before
        made = self._upstreams[name] = HttpUpstream(name, upstream, key)
        self._stack.push_async_callback(made.aclose)
        return made

    def _tenant(self, client: ClientSettings) -> Tenant:
        if client.key_sha256:
            return Tenant(client, bytes.fromhex(client.key_sha256))
        if client.key_env:
            key = variable_in(self._environment, client.key_env, f"client {client.name!r}")
            return Tenant(client, key_digest(key))
        raise ConfigError(f"client {client.name!r} has no key; set key_sha256 or key_env")

    def _route(
        self,
        name: str,
        route: RouteSettings,
        settings: GatewaySettings,
        upstreams: Mapping[str, HttpUpstream],
    ) -> Route:
        named = route.policy
        policy = read_text(self._folder / named, "policy") if named is not None else ""
        route = with_declared(route, self._folder, f"routes.{name}")
        critic = critic_of(name, route, self._folder, connected(route, self._stack))
        upstream = settings.upstreams[route.upstream]
        named_alike = Limits.model_fields.keys() & RouteSettings.model_fields.keys()
        limits = {key: given for key in named_alike if (given := getattr(route, key)) is not None}
        return Route(
            name=name,
            settings=route,
            provider=upstream.provider,
            upstream=upstreams[route.upstream],
            critic=critic,
            critic_version=_critic_version(route, critic),
            judged=judged(route),
            policy=policy,
            policy_digest=policy_digest(policy),
            limits=Limits.model_validate(limits),
            forwards_key=upstream.forward_client_key,
        )


def queries_for(settings: GatewaySettings, environment: Environment) -> StoreQueries:
    """Return access to the stored decisions.

    Raises:
        ConfigError: the database cannot be reached.
    """
    engine = open_engine(_store_url(settings, environment), pooled=False)
    return StoreQueries(engine, redactor_of(settings.store.redact))


def _store_url(settings: GatewaySettings, environment: Environment) -> str:
    named = settings.store.url_env
    return variable_in(environment, named, "store.url_env") if named else settings.store.url


def _pair(text: str, where: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise ConfigError(f"{where}: write headers as name=value,name=value")
    return name.strip().lower(), value.strip()


def _critic_version(route: RouteSettings, critic: Critic) -> str:
    import sidecritic

    threshold = "" if route.critic_threshold is None else f"at {route.critic_threshold:g}"
    parts = (route.critic, version_of(critic), route.pack, route.profile, threshold)
    named = " ".join(part for part in parts if part)
    return f"{named} sidecritic-{sidecritic.__version__}"
