"""Environment variables: this is the only file that reads them. `.env` files are never read."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from sidecritic.errors import ConfigError
from sidecritic.settings.model_names import Server, is_nearby

Environment = Mapping[str, str]

KEY_VARIABLES: Mapping[Server, str] = MappingProxyType(
    {
        "openai": "OPENAI_API_KEY",
        "anthropic": "ANTHROPIC_API_KEY",
        "decisions": "OPENAI_API_KEY",
        "systemone": "SYSTEM_ONE_API_KEY",
    }
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
        variable = KEY_VARIABLES[provider]
        raise ConfigError(
            f"no API key for {provider}: set {variable} in the environment, or give --base-url "
            "of a server on this machine or network"
        )


def environment() -> Environment:
    """Return the environment variables."""
    return os.environ


def keys_from_environment() -> Keys:
    """Return the API keys that are set."""
    return Keys(
        {name: key for name, variable in KEY_VARIABLES.items() if (key := os.environ.get(variable))}
    )


def variable_in(environment: Environment, name: str, where: str) -> str:
    """Return the value of a variable; `where` is the setting that names it.

    Raises:
        ConfigError: it is not set.
    """
    value = environment.get(name)
    if not value:
        raise ConfigError(f"{where}: the environment variable {name} is not set")
    return value
