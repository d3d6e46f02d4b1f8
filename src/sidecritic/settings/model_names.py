"""Models by the names that people give them, and whose servers are nearby."""

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal
from urllib.parse import urlsplit

from sidecritic.errors import ConfigError
from sidecritic.settings.names import suggestion

Server = Literal["openai", "anthropic", "decisions", "systemone"]
"""`decisions` and `systemone` are decision endpoints, which answer in probabilities."""
Provider = Literal[Server, "local"]
Role = Literal["actor", "user", "critic", "helper"]

_NEARBY = re.compile(
    r"localhost|.*\.(local|internal|lan)|[^.:]+|127\..*|10\..*|192\.168\..*"
    r"|172\.(1[6-9]|2\d|3[01])\..*|::1|f[cd][0-9a-f]{2}:.*|0\.0\.0\.0"
)


def is_nearby(base_url: str | None) -> bool:
    """Whether the server is on this machine or a private network."""
    host = urlsplit(base_url).hostname if base_url else None
    return bool(host and _NEARBY.fullmatch(host))


@dataclass(frozen=True, slots=True)
class ModelName:
    provider: Provider
    model: str


def decision_name(text: str) -> ModelName:
    """Read `openai:MODEL` or `systemone:MODEL` as a decision endpoint.

    Raises:
        ConfigError: it is neither.
    """
    protocol, _, model = text.partition(":")
    if model and protocol in ("openai", "systemone"):
        return ModelName("decisions" if protocol == "openai" else "systemone", model)
    raise ConfigError(
        f"unknown decision endpoint {text!r}; write decision:openai:MODEL for /v1/decisions, or "
        "decision:systemone:MODEL for /v1/systemone"
    )


def model_name(text: str, role: Role) -> ModelName | None:
    """Read `provider:model` or `provider/model`; `None` for the role's stand-in without a model.

    A critic may also be `local:FILE`, a model file that is read in this process.

    Raises:
        ConfigError: it is neither.
    """
    stand_in = "scripted" if role == "user" else "simulated"
    if text == stand_in:
        return None
    found = re.fullmatch(r"(openai|anthropic)[:/](.+)", text)
    if found:
        return ModelName("openai" if found[1] == "openai" else "anthropic", found[2])
    if role == "critic" and text.startswith("local:") and text != "local:":
        return ModelName("local", text.removeprefix("local:"))
    known = ("openai:MODEL", "anthropic:MODEL")
    known = (*known, "local:FILE.gguf") if role == "critic" else (stand_in, *known)
    if role != "critic" and get_close_matches(text, [stand_in]):
        raise ConfigError(f"unknown {role} {text!r}{suggestion(text, known)}")
    if re.match(r"openai|anthropic", text):
        raise ConfigError(
            f"the {role} {text!r} lacks a model; write it as {text.strip(':/')}:MODEL"
        )
    meant = "anthropic" if text.startswith("claude") else "openai"
    hint = f"for a model write {meant}:{text}" if ":" not in text else "the provider is not known"
    raise ConfigError(f"unknown {role} {text!r}; {hint}; known: {', '.join(known)}")
