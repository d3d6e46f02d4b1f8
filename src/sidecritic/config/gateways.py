"""From `gateway.toml` to a server: names become upstreams, critics and keys."""

import asyncio
import os
import secrets
import time
import tomllib
from collections.abc import Mapping
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from sidecritic.calibration.profile import Profile
from sidecritic.config.critics import Connection, Terms, connection, critic_for
from sidecritic.config.hiring import Models
from sidecritic.config.packs import pack_at
from sidecritic.config.parties import ModelName, keys_from_environment
from sidecritic.config.profiles import profile_for
from sidecritic.config.settings import Settings, suggestion
from sidecritic.errors import ConfigError, MissingExtra
from sidecritic.gateway.admission import Admission, key_digest
from sidecritic.gateway.app import Server
from sidecritic.gateway.chain import Chain
from sidecritic.gateway.decisions import policy_digest
from sidecritic.gateway.door import Door, Live
from sidecritic.gateway.metrics import Metrics
from sidecritic.gateway.modes import strictest_mode
from sidecritic.gateway.redaction import redactor_of
from sidecritic.gateway.routes import Route, Setup, Tenant
from sidecritic.gateway.services import Background, Services
from sidecritic.gateway.settings import ClientSettings, GatewaySettings, RouteSettings
from sidecritic.gateway.spans import NoTraces, Traces
from sidecritic.gateway.store.database import Store, open_engine
from sidecritic.gateway.store.queries import Desk
from sidecritic.gateway.upstreams import HttpUpstream, is_public_name
from sidecritic.ports import Critic, version_of
from sidecritic.types import Limits

Environment = Mapping[str, str]


def gateway_settings(file: Path) -> GatewaySettings:
    """Read the settings of a gateway.

    Raises:
        ConfigError: the file cannot be read, or holds what is not known or cannot be used.
    """
    try:
        read = tomllib.loads(file.read_text(encoding="utf-8"))
        settings = GatewaySettings.model_validate(read)
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise ConfigError(f"{file} is no TOML: {cause}") from cause
    except ValidationError as cause:
        first = cause.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        problem = first["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{file}: {where}: {problem}") from cause
    require_sound(settings, file)
    return settings


def require_sound(settings: GatewaySettings, file: Path) -> None:
    """Check what one setting demands of another; `file` is where they stand.

    Raises:
        ConfigError: they contradict each other.
    """
    for name, route in settings.routes.items():
        if route.upstream not in settings.upstreams:
            known = suggestion(route.upstream, settings.upstreams)
            raise ConfigError(f"{file}: routes.{name}: unknown upstream {route.upstream!r}{known}")
        if route.critic == "none" and strictest_mode(route) == "enforce":
            raise ConfigError(
                f"{file}: routes.{name} enforces, and has no critic: all would count as approved; "
                'set critic, such as "default" with a pack, or mode = "shadow"'
            )
    host = settings.listen.rpartition(":")[0].strip("[]")
    if not settings.clients and host not in ("127.0.0.1", "::1", "localhost"):
        raise ConfigError(
            f"{file}: listen = {settings.listen!r} is open to others, and no [[clients]] are "
            "listed; list them, or listen on 127.0.0.1"
        )
    taken = [(r.prefix, settings.upstreams[r.upstream].provider) for r in settings.routes.values()]
    if len(set(taken)) < len(taken):
        raise ConfigError(f"{file}: two routes share prefix and provider; give one a prefix")


class GatewayMaker:
    """Makes setups of settings; the store outlives a reload."""

    def __init__(self, folder: Path, environment: Environment) -> None:
        self._folder = folder
        self._environment = environment
        self._stack = AsyncExitStack()
        self._upstreams: dict[str, HttpUpstream] = {}
        """By name; one whose settings and key stay keeps its connections over a reload."""

    async def aclose(self) -> None:
        await self._stack.aclose()

    def setup(self, settings: GatewaySettings) -> Setup:
        """Return what is ready to serve.

        Raises:
            ConfigError: a key, policy, pack or critic is missing.
        """
        upstreams = {name: self._upstream(name, settings) for name in settings.upstreams}
        routes = tuple(
            self._route(name, route, settings, upstreams) for name, route in settings.routes.items()
        )
        return Setup(
            routes=routes,
            tenants=tuple(self._tenant(client) for client in settings.clients),
            limits=settings.limits,
            proxied=settings.proxied,
            digest=sha256(settings.model_dump_json().encode()).hexdigest()[:16],
            keeps_content=settings.store.content,
            is_closed=settings.store.on_failure == "closed",
        )

    def server(self, settings: GatewaySettings) -> Server:
        """Return a server that has not begun.

        Raises:
            ConfigError: something it needs is missing.
        """
        setup, traces = self.setup(settings), self._traces(settings)
        chain, metrics = self._chain(settings), Metrics()
        store = self.store(settings)  # last: what fails after it would leave a database open
        services = Services(
            recorder=store,
            reviews=store,
            chain=chain,
            background=Background(settings.limits.shadow_backlog),
            counts=metrics,
            clock=time.time,
            traces=traces,
        )
        door = Door(Live(setup), services, Admission(time.monotonic))
        return Server(door, store, metrics, settings.store.retention_days, self.aclose)

    def _traces(self, settings: GatewaySettings) -> Traces:
        given = settings.traces
        if given is None:
            return NoTraces()
        try:
            from sidecritic.gateway.tracing import OpenTelemetry, exporter_for
        except ImportError as cause:
            raise MissingExtra("opentelemetry-sdk", "otel", "[traces]") from cause
        named, headers = given.headers_env, dict[str, str]()
        if named:
            text = _variable(self._environment, named, "traces.headers_env")
            headers = dict(_pair(part, named) for part in text.split(","))
        traces = OpenTelemetry.made(
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

    def _chain(self, settings: GatewaySettings) -> Chain:
        if settings.history_key_env:
            named = settings.history_key_env
            return Chain(_variable(self._environment, named, "history_key_env").encode())
        # Links of an earlier process are then unknown: its turns are marked as unverified.
        return Chain(secrets.token_bytes(32), is_private=True)

    def _upstream(self, name: str, settings: GatewaySettings) -> HttpUpstream:
        upstream = settings.upstreams[name]
        key = None
        if upstream.key_env:
            key = _variable(self._environment, upstream.key_env, f"upstreams.{name}.key_env")
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
            key = _variable(self._environment, client.key_env, f"client {client.name!r}")
            return Tenant(client, key_digest(key))
        raise ConfigError(f"client {client.name!r} has no key; set key_sha256 or key_env")

    def _route(
        self,
        name: str,
        route: RouteSettings,
        settings: GatewaySettings,
        upstreams: Mapping[str, HttpUpstream],
    ) -> Route:
        policy, critic = self._policy(route), self._critic(name, route)
        upstream = settings.upstreams[route.upstream]
        limits = Limits(
            max_revisions=route.max_revisions,
            critic_timeout=route.critic_timeout,
            on_critic_failure=route.on_critic_failure,
            on_exhausted=route.on_exhausted,
        )
        if route.fallback_text is not None:
            limits = limits.model_copy(update={"fallback_text": route.fallback_text})
        return Route(
            name=name,
            settings=route,
            provider=upstream.provider,
            upstream=upstreams[route.upstream],
            critic=critic,
            critic_version=_critic_version(route, critic),
            policy=policy,
            policy_digest=policy_digest(policy),
            limits=limits,
            forwards_key=upstream.forward_client_key,
        )

    def _policy(self, route: RouteSettings) -> str:
        if route.policy is None:
            return ""
        file = self._folder / route.policy
        try:
            return file.read_text(encoding="utf-8")
        except OSError as cause:
            raise ConfigError(f"cannot read policy {file}: {cause.strerror}") from cause

    def _profile(self, named: str) -> Profile:
        is_file = named.endswith(".toml")
        return profile_for(str(self._folder / named) if is_file else named)

    def _critic(self, name: str, route: RouteSettings) -> Critic:
        keys = keys_from_environment()
        models = Models(
            Settings(timeout=route.critic_timeout, attempts=1, concurrency=64), keys, self._stack
        )

        def connect(named: ModelName) -> Connection:
            return connection(models, named, route.critic_base_url, evidence=route.critic_evidence)

        terms = Terms(
            threshold=route.critic_threshold,
            profile=self._profile(route.profile) if route.profile else None,
            pack=pack_at(route.pack) if route.pack else None,
            pack_path=route.pack or "",
        )
        return critic_for(route.critic, name, connect, terms=terms)


def desk_for(settings: GatewaySettings, environment: Environment) -> Desk:
    """Return access to the decisions that are on file.

    Raises:
        ConfigError: the database cannot be reached.
    """
    engine = open_engine(_store_url(settings, environment), pooled=False)
    return Desk(engine, redactor_of(settings.store.redact))


def _store_url(settings: GatewaySettings, environment: Environment) -> str:
    named = settings.store.url_env
    return _variable(environment, named, "store.url_env") if named else settings.store.url


def _variable(environment: Environment, name: str, where: str) -> str:
    value = environment.get(name)
    if not value:
        raise ConfigError(f"{where}: the environment variable {name} is not set")
    return value


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


def gateway_environment() -> Environment:
    """Return the variables that keys and URLs are named by."""
    return os.environ
