"""`mcp-proxy`: a critic in front of an MCP server."""

import asyncio
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.flags import file
from sidecritic.cli.output import command
from sidecritic.errors import ConfigError, MissingExtra
from sidecritic.gates import GATES
from sidecritic.settings.names import choice


def mcp_proxy(  # noqa: PLR0913 # typer makes a flag of each
    server: Annotated[
        list[str] | None,
        typer.Argument(metavar="-- COMMAND ...", help="Starts the server, which speaks stdio."),
    ] = None,
    *,
    policy: Annotated[Path | None, file("The rules, in Markdown.")] = None,
    critic: Annotated[str, typer.Option(help="As for `serve`: policy, llm:PROVIDER:MODEL.")] = "",
    critic_base_url: Annotated[
        str | None, typer.Option(help="Server of the critic's model, such as http://HOST/v1.")
    ] = None,
    pack: Annotated[
        str | None, typer.Option(metavar="MODULE:NAME", help="Pack of the critic `policy`.")
    ] = None,
    gate: Annotated[str, typer.Option(help="|".join(GATES))] = "writes",
    read: Annotated[
        list[str] | None,
        typer.Option(metavar="GLOB", help="A tool that changes nothing; may be repeated."),
    ] = None,
    trust_annotations: Annotated[
        bool, typer.Option("--trust-annotations", help="Take readOnlyHint at its word.")
    ] = False,
    url: Annotated[
        str | None, typer.Option(help="The server's address, over streamable HTTP, instead.")
    ] = None,
) -> None:
    """Judge every tool call to an MCP server before it is carried out.

    Give this command to an MCP client in place of the server's own: it speaks stdio.
    """
    with command(as_json=False):
        if find_spec("mcp") is None:
            raise MissingExtra("mcp", "mcp", "the proxy")
        if bool(server) == bool(url):
            raise ConfigError("give one server: a command after --, or --url")
        if not critic:
            raise ConfigError("give a critic: --critic policy --pack MODULE:NAME, or an LLM's name")
        from sidecritic.assembly.programs.mcp_proxy import ProxyTerms, proxy
        from sidecritic.settings.environment import environment

        terms = ProxyTerms(
            critic=critic,
            critic_base_url=critic_base_url,
            pack=pack,
            policy=policy,
            gate=choice("gate", gate, GATES),
            reads=tuple(read or ()),
            trust_annotations=trust_annotations,
        )
        asyncio.run(proxy(terms, server or (), url, environment()))
