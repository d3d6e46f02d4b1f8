"""From flags to a proxy in front of an MCP server: its critic, its policy and its lines."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from sidecritic.assembly.critics import Terms, connect_by, critic_for
from sidecritic.assembly.models import Models
from sidecritic.assembly.packs import pack_at
from sidecritic.gates import Gate
from sidecritic.seats.tools import ToolRule
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.files import read_text
from sidecritic.types import Limits

TIMEOUT = 30.0
"""Seconds that a critic gets."""


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


async def proxy(
    terms: ProxyTerms, command: Sequence[str], url: str | None, environment: Mapping[str, str]
) -> None:
    """Stand between the client on stdin and stdout and a server, until one of them ends.

    Raises:
        ConfigError: critic, policy or server cannot be used.
    """
    from sidecritic.adapters.mcp import Proxy
    from sidecritic.adapters.mcp_lines import reached, standard, started
    from sidecritic.adapters.turns import Oversight

    async with AsyncExitStack() as stack:
        settings = Settings(timeout=TIMEOUT, attempts=1, concurrency=16)
        models = Models(settings, keys_from_environment(), stack)
        connect = connect_by(models, terms.critic_base_url)
        packed = Terms(pack=pack_at(terms.pack) if terms.pack else None)
        oversight = Oversight(
            critic=critic_for(terms.critic, "mcp", connect, terms=packed),
            policy=read_text(terms.policy, "policy") if terms.policy else "",
            gate=terms.gate,
            tools=tuple(ToolRule(match=name, effect="read") for name in terms.reads),
            trust_annotations=terms.trust_annotations,
            limits=Limits(critic_timeout=TIMEOUT),
        )
        opened = reached(url, {}) if url else started(command, environment)
        server = await stack.enter_async_context(opened)
        # The file behind it: prints of a critic's must not end up among the messages.
        out = open(1, "wb", closefd=False)  # noqa: ASYNC230, SIM115
        line = await stack.enter_async_context(standard(sys.stdin.buffer, out))
        await Proxy(oversight, line, server).run()
