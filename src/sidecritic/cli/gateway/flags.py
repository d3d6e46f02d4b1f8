"""Flags of `init` and `serve`: a policy, tools, a critic, a server, a mode."""

from pathlib import Path
from typing import Annotated

import typer

from sidecritic.cli.flags import file

Policy = Annotated[
    Path | None, file("The operator's rules; without it, the agent's own system prompt.")
]
Tools = Annotated[
    Path | None, file("The agent's tools as JSON: OpenAI's or Anthropic's form, or MCP's list.")
]
Critic = Annotated[
    str | None, typer.Option(help="llm:openai:MODEL, llm:anthropic:MODEL, default, ...")
]
CriticServer = Annotated[
    str | None,
    typer.Option(
        "--critic-base-url",
        metavar="URL",
        help="Where the critic's model is, if not where --upstream is.",
    ),
]
PackName = Annotated[
    str | None, typer.Option("--pack", metavar="NAME", help="Policy pack, for critics of checks.")
]
Upstream = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The agent's model server, as its SDK wants the base URL."),
]
Listen = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Where agents call; 127.0.0.1:8787.")
]
