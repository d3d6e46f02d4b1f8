"""Policy and tools of an agent as its operator, a provider or an MCP server writes them down."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from sidecritic.dialects import tool_files
from sidecritic.errors import ConfigError, TraceError
from sidecritic.types import Effect, ToolSpec


def read_tools(file: Path) -> tuple[ToolSpec, ...]:
    """Read a file of tools: a JSON list, or an object that holds one as `tools`.

    Raises:
        ConfigError: it cannot be read; the message says what is wrong.
    """
    return tuple(map(_claimed, tool_files.read_tools(file)))


def read_policy(file: Path) -> str:
    """Read a policy in plain text or Markdown.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"cannot read the policy {file}: {cause}; check the path") from cause
    if not text:
        raise ConfigError(f"the policy {file} is empty; write the rules into it, or leave it out")
    return text


def tools_of(listed: Iterable[Any]) -> tuple[ToolSpec, ...]:
    """Return tools that are written in the form of OpenAI, Anthropic or MCP.

    A tool's `effect` is its own, else `read` where its annotations say that it only reads.

    Raises:
        TraceError: one of them is no tool.
    """
    try:
        return tuple(_claimed(tool_files.declared_in(raw, at)) for at, raw in enumerate(listed))
    except ValueError as cause:
        raise TraceError(str(cause)) from cause


def _claimed(declared: tool_files.Declared) -> ToolSpec:
    """Return a tool that its maker calls a read as one, where nobody says otherwise."""
    tool = declared.tool
    claims = tool.effect == "unknown" and declared.hints.read_only
    return tool.model_copy(update={"effect": "read"}) if claims else tool


def with_effects(tools: Iterable[ToolSpec], known: Iterable[ToolSpec]) -> tuple[ToolSpec, ...]:
    """Return the tools; one of unknown effect has that of the known tool of its name."""
    effects: Mapping[str, Effect] = {tool.name: tool.effect for tool in known}
    return tuple(
        tool.model_copy(update={"effect": effects.get(tool.name, "unknown")})
        if tool.effect == "unknown"
        else tool
        for tool in tools
    )
