"""The settings of a first gateway: an agent's policy, tools, critic and mode, and nothing else."""

import json
import os
import tomllib
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import ValidationError

from sidecritic.dialects.base import Provider
from sidecritic.errors import ConfigError, first_problem
from sidecritic.gateway.settings import GatewaySettings
from sidecritic.seats.effects import Proposed
from sidecritic.seats.tools import Mode
from sidecritic.settings.gateway_file import require_sound, stored_beside
from sidecritic.types import Record

ROUTE = "agent"
OPENAI = "https://api.openai.com/v1"

_MODEL_CRITICS = ("llm", "decision")
_KEYS = {
    "openai": "OPENAI_API_KEY",
    "anthropic": "ANTHROPIC_API_KEY",
    "systemone": "SYSTEM_ONE_API_KEY",
}


class Start(Record):
    """What an operator says to begin with."""

    upstream: str = OPENAI
    """Base URL of the agent's model, as its SDK wants it."""
    policy: Path | None = None
    tools: Path | None = None
    critic: str = "default"
    critic_base_url: str | None = None
    pack: str | None = None
    mode: Mode = "shadow"
    listen: str = "127.0.0.1:8787"

    @property
    def provider(self) -> Provider:
        host = urlsplit(self.upstream).hostname or ""
        return "anthropic" if "anthropic" in host.split(".") else "openai"

    @property
    def critics_server(self) -> str | None:
        """Where an OpenAI-compatible critic is asked: at the agent's server, if not told."""
        if self.critic_base_url or "llm:openai" not in self.critic:
            return self.critic_base_url
        return self.upstream if self.provider == "openai" and self.upstream != OPENAI else None


def to_toml(
    start: Start, folder: Path, tools: Sequence[Proposed] = (), confirm: Sequence[str] = ()
) -> str:
    """Return the settings as they stand in a file in that folder."""
    return "\n".join([*_upstream(start), *_route(start, folder, confirm), *_tools(tools), *_STORE])


def started(
    start: Start, folder: Path, tools: Sequence[Proposed] = (), confirm: Sequence[str] = ()
) -> GatewaySettings:
    """Return the same settings without a file.

    Raises:
        ConfigError: something in them cannot be used.
    """
    read = tomllib.loads(to_toml(start, folder, tools, confirm))
    try:
        settings = GatewaySettings.model_validate(read)
    except ValidationError as cause:
        raise ConfigError(str(first_problem(cause))) from cause
    require_sound(settings, Path("these flags"))
    return stored_beside(settings, folder)


def to_environment(start: Start) -> str:
    """Return the variables that the server and its clients need, as a file to copy."""
    name = start.provider.upper()
    lines = [
        "# Copy to .env, fill in, then: set -a; . ./.env; set +a. Sidecritic reads variables only.",
        "# For the agent, whose program stays as it is; its key is sent on to its provider:",
        f"{name}_BASE_URL={client_url(start)}",
        f"{name}_API_KEY=",
    ]
    asked = {name for name in _KEYS if any(f"{k}:{name}" in start.critic for k in _MODEL_CRITICS)}
    for provider in _KEYS:
        if provider in asked - {start.provider}:
            lines += ["# For the critic:", f"{_KEYS[provider]}="]
    if start.provider in asked:
        lines.append("# The critic uses the same key; a server nearby needs none.")
    return "\n".join(lines) + "\n"


def client_url(start: Start) -> str:
    """Return the base URL for the agent's SDK."""
    root = f"http://{start.listen}"
    return f"{root}/v1" if start.provider == "openai" else root


def _upstream(start: Start) -> Iterator[str]:
    yield "# Paths are relative to this file. All settings: docs/gateway.md"
    yield f"listen = {_text(start.listen)}"
    yield ""
    yield f"[upstreams.{start.provider}]"
    if start.provider != "openai":
        yield f"provider = {_text(start.provider)}"
    yield f"base_url = {_text(start.upstream)}"
    yield 'forward_client_key = true  # the agent\'s own key; or: key_env = "NAME_OF_A_VARIABLE"'
    yield ""


def _route(start: Start, folder: Path, confirm: Sequence[str]) -> Iterator[str]:
    yield f"[routes.{ROUTE}]"
    yield f"upstream = {_text(start.provider)}"
    yield f"mode = {_text(start.mode)}  # shadow judges and records; enforce withholds"
    if start.policy is not None:
        yield f"policy = {_path(start.policy, folder)}"
    if start.tools is not None:
        yield f"tools_file = {_path(start.tools, folder)}"
    yield f"critic = {_text(start.critic)}"
    if start.critic.startswith("llm:"):
        cascade = f"chain:default,{start.critic},llm:PROVIDER:STRONGER"
        yield "# Checks first, and a stronger model where this one is unsure; docs/critics.md:"
        yield f"# critic = {_text(cascade)}"
        yield '# profile = "cascade.toml"  # thresholds: sidecritic calibrate --runs-disturbed'
    if start.critics_server is not None:
        yield f"critic_base_url = {_text(start.critics_server)}"
    if start.pack is not None:
        yield f"pack = {_text(start.pack)}"
    if confirm:
        yield f"confirm = [{', '.join(map(_text, confirm))}]  # the policy wants the user's yes"
    else:
        yield '# confirm = ["set_*"]  # tools before which the policy wants the user\'s yes'


def _tools(tools: Sequence[Proposed]) -> Iterator[str]:
    if not tools:
        yield ""
        return
    width = max(len(_match(each)) for each in tools)
    yield '# Correct what is wrong: "read" is not judged, "write" and "hand_over" are.'
    yield "tools = ["
    for each in tools:
        known = each.effect != "unknown"
        effect = each.effect if known else "write"
        line = f"{_match(each).ljust(width)} effect = {_text(effect)}}},"
        yield f"    {line}" if known else f"    # {line}  # unsure: a write until you say"
    yield "]"
    yield ""


_STORE = (
    "[store]",
    'url = "sqlite:///sidecritic.db"',
    "content = true  # what was said, redacted: to read, label, replay and train from",
    "",
)


def _match(each: Proposed) -> str:
    return f"{{match = {_text(escape(each.tool.name))},"


def _path(path: Path, folder: Path) -> str:
    return _text(Path(os.path.relpath(path, folder)).as_posix())


def _text(text: str) -> str:
    """Return a TOML string: JSON's escapes are among TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
