"""Environments, models and critics by the names that people give them.

The only place that reads environment variables; `.env` files are never read. Each party is
imported when it is asked for.
"""

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from sidecritic.config.settings import Settings, suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Critic, Model

if TYPE_CHECKING:
    from sidecritic.models.wrappers import Prices
    from sidecritic.policies.base import Pack

Provider = Literal["openai", "anthropic"]
Role = Literal["actor", "user", "critic"]

TAU2 = ("tau2:retail", "tau2:airline", "tau2:telecom", "tau2:mock")
ENVS = (*TAU2, "shop")
CRITICS = ("none", "policy", "llm:PROVIDER:MODEL", "chain:NAME,NAME")

_KEY_VARIABLES: Mapping[Provider, str] = MappingProxyType(
    {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
)


@dataclass(frozen=True, slots=True)
class Keys:
    """API keys by provider."""

    by_provider: Mapping[Provider, str] = field(repr=False, default_factory=dict[Provider, str])

    def key_for(self, provider: Provider, base_url: str | None) -> str | None:
        """Return the key to send; `None` for a server nearby that may want none.

        Raises:
            ConfigError: there is no key, and the server is not nearby.
        """
        key = self.by_provider.get(provider)
        if key or is_nearby(base_url):
            return key
        variable = _KEY_VARIABLES[provider]
        raise ConfigError(
            f"no API key for {provider}: set {variable} in the environment, or give --base-url "
            "of a server on this machine or network"
        )


def keys_from_environment() -> Keys:
    """Read the API keys that are set."""
    found: dict[Provider, str] = {}
    for provider, variable in _KEY_VARIABLES.items():
        if key := os.environ.get(variable):
            found[provider] = key
    return Keys(found)


_NEARBY = re.compile(
    r"localhost|.*\.(local|internal|lan)|[^.:]+|127\..*|10\..*|192\.168\..*"
    r"|172\.(1[6-9]|2\d|3[01])\..*|::1|f[cd][0-9a-f]{2}:.*|0\.0\.0\.0"
)


def is_nearby(base_url: str | None) -> bool:
    """Whether the server is on this machine or a private network."""
    host = urlsplit(base_url).hostname if base_url else None
    return bool(host and _NEARBY.fullmatch(host))


# --- environments --------------------------------------------------------------------------


def benchmark_for(
    name: str, *, tasks: Path | None = None, grader: Literal["ours", "official"] = "ours"
) -> Benchmark:
    """Return the benchmark of that name, such as `tau2:retail`.

    Raises:
        ConfigError: there is none, or it cannot do what is asked.
    """
    if name in TAU2:
        from sidecritic.envs.tau2 import Tau2

        return Tau2(name.removeprefix("tau2:"), tasks_file=tasks, grader=grader)
    if name != "shop":
        raise ConfigError(f"unknown environment {name!r}{suggestion(name, ENVS)}")
    if tasks is not None or grader != "ours":
        flag = "--tasks" if tasks is not None else "--grader"
        raise ConfigError(f"{flag} is for τ² environments; the environment 'shop' has its own")
    from sidecritic.envs.shop import Shop

    return Shop()


# --- models --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelName:
    provider: Provider
    model: str


_STAND_INS: Mapping[Role, str] = MappingProxyType({"actor": "simulated", "user": "scripted"})


def model_name(text: str, role: Role) -> ModelName | None:
    """Read `provider:model` or `provider/model`; `None` for the role's stand-in without a model.

    Raises:
        ConfigError: it is neither.
    """
    stand_in = _STAND_INS.get(role)
    if text == stand_in:
        return None
    found = re.fullmatch(r"(openai|anthropic)[:/](.+)", text)
    if found:
        return ModelName("openai" if found[1] == "openai" else "anthropic", found[2])
    known = (*([stand_in] if stand_in else ()), "openai:MODEL", "anthropic:MODEL")
    if stand_in and get_close_matches(text, [stand_in]):
        raise ConfigError(f"unknown {role} {text!r}{suggestion(text, known)}")
    if re.match(r"openai|anthropic", text):
        raise ConfigError(
            f"the {role} {text!r} names no model; write it as {text.strip(':/')}:MODEL"
        )
    meant = "anthropic" if text.startswith("claude") else "openai"
    hint = f"for a model write {meant}:{text}" if ":" not in text else "the provider is not known"
    raise ConfigError(f"unknown {role} {text!r}; {hint}; known: {', '.join(known)}")


class _Client(Model, Protocol):
    async def aclose(self) -> None: ...


class Models:
    """Real models of one run, closed together with it; models of one server share its slots."""

    def __init__(self, settings: Settings, keys: Keys, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._keys = keys
        self._stack = stack
        self._slots: dict[str | None, asyncio.Semaphore] = {}
        self._prices = _prices(settings)

    def model(self, name: ModelName, base_url: str | None) -> Model:
        """Return a client with a limit, retries and prices around it.

        Raises:
            ConfigError: no key, an unusable base URL, or a package is missing.
        """
        from sidecritic.models.wrappers import Limited, Priced, Retrying

        client = self._client(name, base_url)
        self._stack.push_async_callback(client.aclose)
        server = base_url or name.provider
        slots = self._slots.setdefault(server, asyncio.Semaphore(self._settings.concurrency))
        model: Model = Retrying(Limited(client, slots), attempts=self._settings.attempts)
        return Priced(model, self._prices) if self._prices is not None else model

    def _client(self, name: ModelName, base_url: str | None) -> _Client:
        key, timeout = self._keys.key_for(name.provider, base_url), self._settings.timeout
        if name.provider == "anthropic":
            from sidecritic.models.anthropic import AnthropicMessages

            return AnthropicMessages(name.model, base_url=base_url, api_key=key, timeout=timeout)
        from sidecritic.models.openai import OpenAIChat

        return OpenAIChat(name.model, base_url=base_url, api_key=key, timeout=timeout)


def _prices(settings: Settings) -> "Prices | None":
    # Read even when no real model plays: a path that is wrong is said at once.
    if settings.prices is None:
        return None
    from sidecritic.models.wrappers import load_prices

    return load_prices(Path(settings.prices))


# --- critics -------------------------------------------------------------------------------


Connect = Callable[[ModelName], Model]


def critic_for(
    name: str, env: str, connect: Connect | None = None, *, pack: "Pack | None" = None
) -> Critic:
    """Return the critic of that name for an environment; `connect` gives the model it names.

    `pack` stands in for the environment's own policy pack.

    Raises:
        ConfigError: there is none, or it needs a model and nobody connects one.
    """
    if name.startswith("chain:"):
        from sidecritic.critics.chain import Chain

        return Chain([critic_for(link, env, connect, pack=pack) for link in _links(name)])
    if name.startswith("llm:"):
        return _llm(name, connect)
    if name == "none":
        return _no_critic()
    if name == "policy":
        return _policy(env, pack)
    raise ConfigError(f"unknown critic {name!r}{suggestion(name, CRITICS)}")


def _links(name: str) -> list[str]:
    links = [link.strip() for link in name.removeprefix("chain:").split(",") if link.strip()]
    if not links:
        raise ConfigError(f"the critic {name!r} names no links; write it as chain:NAME,NAME")
    return links


def _no_critic() -> Critic:
    from sidecritic.critics.base import NoCritic

    return NoCritic()


def _policy(env: str, pack: "Pack | None") -> Critic:
    from sidecritic.critics.policy import PolicyCritic
    from sidecritic.policies import pack_for

    return PolicyCritic(pack or pack_for(env))


def _llm(name: str, connect: Connect | None) -> Critic:
    from sidecritic.critics.llm import LLMCritic

    named = model_name(name.removeprefix("llm:"), "critic")
    if named is None or connect is None:
        raise ConfigError(f"the critic {name!r} needs a model, and there is none to ask here")
    return LLMCritic(connect(named))
