"""From flags to a proxy in front of an MCP server: its critic, its policy and its lines."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sidecritic.config.critics import Connection, Terms, connection, critic_for
from sidecritic.config.hiring import Models
from sidecritic.config.packs import pack_at
from sidecritic.config.parties import ModelName, keys_from_environment
from sidecritic.config.settings import Settings
from sidecritic.errors import ConfigError
from sidecritic.gates import Gate
from sidecritic.seats.tools import ToolRule
from sidecritic.types import Limits


@dataclass(frozen=True, slots=True)
class ProxyTerms:
    """What is asked of a proxy."""

    critic: str
    critic_base_url: str | None = None
    pack: str | None = None
    policy: Path | None = None
    gate: Gate = "writes"
    reads: Sequence[str] = ()
    """Names or globs of tools that change nothing."""
    trust_annotations: bool = False
    critic_timeout: float = 30.0


async def proxy(
    terms: ProxyTerms, command: Sequence[str], url: str | None, environment: Mapping[str, str]
) -> None:
    """Stand between whoever holds our stdin and stdout, and a server, until one of them ends.

    Raises:
        ConfigError: the critic, the policy or the server cannot be had.
    """
    from sidecritic.adapters.mcp import Proxy
    from sidecritic.adapters.mcp_lines import reached, standard, started
    from sidecritic.adapters.turns import Oversight

    async with AsyncExitStack() as stack:
        keys = keys_from_environment()
        models = Models(
            Settings(timeout=terms.critic_timeout, attempts=1, concurrency=16), keys, stack
        )

        def connect(named: ModelName) -> Connection:
            return connection(models, named, terms.critic_base_url)

        packed = Terms(pack=pack_at(terms.pack) if terms.pack else None)
        oversight = Oversight(
            critic=critic_for(terms.critic, "mcp", connect, terms=packed),
            policy=_prose(terms.policy),
            gate=terms.gate,
            tools=tuple(ToolRule(match=name, effect="read") for name in terms.reads),
            trust_annotations=terms.trust_annotations,
            limits=Limits(critic_timeout=terms.critic_timeout),
        )
        opened = reached(url, {}) if url else started(command, environment)
        server = await stack.enter_async_context(opened)
        # The file behind it: prints of a critic's must not end up among the messages.
        out = open(1, "wb", closefd=False)  # noqa: ASYNC230, SIM115
        line = await stack.enter_async_context(standard(sys.stdin.buffer, out))
        await Proxy(oversight, line, server).run()


def _prose(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8")
    except OSError as cause:
        raise ConfigError(f"cannot read policy {file}: {cause.strerror}") from cause
