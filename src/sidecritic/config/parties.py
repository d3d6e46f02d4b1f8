"""Environments, models and critics by the names that people give them.

The only place that reads environment variables; `.env` files are never read. Each party is
imported when it is asked for.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Literal, Protocol
from urllib.parse import urlsplit

from sidecritic.config.names import suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Model

Server = Literal["openai", "anthropic"]
Provider = Literal[Server, "local"]
Role = Literal["actor", "user", "critic", "helper"]

_KEY_VARIABLES: Mapping[Server, str] = MappingProxyType(
    {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
)


@dataclass(frozen=True, slots=True)
class Keys:
    """API keys by provider."""

    by_provider: Mapping[Server, str] = field(repr=False, default_factory=dict[Server, str])

    def key_for(self, provider: Server, base_url: str | None) -> str | None:
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
    found: dict[Server, str] = {}
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


# --- models --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ModelName:
    provider: Provider
    model: str


_STAND_INS: Mapping[Role, str] = MappingProxyType(
    {"actor": "simulated", "user": "scripted", "critic": "simulated", "helper": "simulated"}
)


def model_name(text: str, role: Role) -> ModelName | None:
    """Read `provider:model` or `provider/model`; `None` for the role's stand-in without a model.

    A critic may also be `local:FILE`, a model file that is read in this process.

    Raises:
        ConfigError: it is neither.
    """
    stand_in = _STAND_INS.get(role)
    if text == stand_in:
        return None
    found = re.fullmatch(r"(openai|anthropic)[:/](.+)", text)
    if found:
        return ModelName("openai" if found[1] == "openai" else "anthropic", found[2])
    if role == "critic" and text.startswith("local:") and text != "local:":
        return ModelName("local", text.removeprefix("local:"))
    known = ("openai:MODEL", "anthropic:MODEL")
    known = (*known, "local:FILE.gguf") if role == "critic" else (str(stand_in), *known)
    if role != "critic" and stand_in and get_close_matches(text, [stand_in]):
        raise ConfigError(f"unknown {role} {text!r}{suggestion(text, known)}")
    if re.match(r"openai|anthropic", text):
        raise ConfigError(
            f"the {role} {text!r} names no model; write it as {text.strip(':/')}:MODEL"
        )
    meant = "anthropic" if text.startswith("claude") else "openai"
    hint = f"for a model write {meant}:{text}" if ":" not in text else "the provider is not known"
    raise ConfigError(f"unknown {role} {text!r}; {hint}; known: {', '.join(known)}")


class Hires(Protocol):
    """Where models come from: servers, or a rehearsal without any."""

    def model(self, name: ModelName, base_url: str | None) -> Model: ...
