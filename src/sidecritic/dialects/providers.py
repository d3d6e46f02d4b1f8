"""What differs between providers, apart from bodies: paths, keys, errors."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidecritic.dialects.base import Body, Dialect, Provider
from sidecritic.dialects.chat import ChatCompletions
from sidecritic.dialects.errors import anthropic_error, openai_error
from sidecritic.dialects.messages import Messages
from sidecritic.dialects.responses import Responses


@dataclass(frozen=True, slots=True)
class ProviderApi:
    dialects: Mapping[str, Dialect]
    """By path below `/v1`."""
    error: Callable[[int, str, str], Body]
    """Wraps status, code and message as the provider does."""
    key_header: tuple[str, str]
    """Name of the header that carries a key, and what stands in front of the key."""
    adds_version: bool = False
    """Whether the provider's SDK adds `/v1` to the base URL that it is given."""

    def root(self, base_url: str) -> str:
        """Return the URL that paths are relative to; people give every SDK the same one."""
        return f"{base_url.removesuffix('/v1')}/v1" if self.adds_version else base_url


PROVIDERS: Mapping[Provider, ProviderApi] = MappingProxyType(
    {
        "openai": ProviderApi(
            dialects={each.endpoint: each for each in (ChatCompletions(), Responses())},
            error=openai_error,
            key_header=("authorization", "Bearer "),
        ),
        "anthropic": ProviderApi(
            dialects={Messages.endpoint: Messages()},
            error=anthropic_error,
            key_header=("x-api-key", ""),
            adds_version=True,
        ),
    }
)
