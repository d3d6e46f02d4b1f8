"""Policy and tools of an agent as its operator, a provider or an MCP server writes them down."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast, get_args

from sidecritic.dialects.parts import hints_of, tool_spec
from sidecritic.errors import ConfigError, TraceError
from sidecritic.recordings.shapes import inner
from sidecritic.types import Effect, ToolSpec
from sidecritic.values import text_of

_EFFECTS: tuple[Effect, ...] = get_args(Effect)
_SCHEMAS = ("parameters", "input_schema", "inputSchema")
"""Keys of a schema: of OpenAI, of Anthropic and of MCP."""


def read_tools(file: Path) -> tuple[ToolSpec, ...]:
    """Read a file of tools: a JSON list, or an object that holds one as `tools`.

    Raises:
        ConfigError: it cannot be read; the message says what is wrong.
    """
    try:
        content: Any = json.loads(file.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigError(f"cannot read {file}: {cause.strerror}; check the path") from cause
    except (ValueError, RecursionError) as cause:
        raise ConfigError(f"{file} is not JSON: {cause}; write a list of tools") from cause
    listed: Any = cast("Any", content) if isinstance(content, list) else inner(content, "tools")
    if not isinstance(listed, list):
        raise ConfigError(f"{file} holds no list of tools; write one, or an object with `tools`")
    try:
        return tools_of(cast("list[Any]", listed))
    except TraceError as cause:
        raise ConfigError(f"{file}: {cause}") from cause


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
    return tuple(_tool(at, raw) for at, raw in enumerate(listed))


def _tool(at: int, raw: Any) -> ToolSpec:
    function = inner(raw, "function") or raw
    name = inner(function, "name")
    if not isinstance(name, str) or not name:
        raise TraceError(f"tools[{at}] has no name; write it as a tool of OpenAI, Anthropic or MCP")
    schema: Any = next((function[key] for key in _SCHEMAS if key in function), None)
    effect: Any = inner(raw, "effect") or inner(function, "effect")
    if effect is not None and effect not in _EFFECTS:
        raise TraceError(
            f"tools[{at}] ({name}) has the effect {effect!r}; known: {', '.join(_EFFECTS)}"
        )
    if effect is None:
        effect = "read" if hints_of(function, raw).read_only else "unknown"
    spec = tool_spec(name, text_of(function, "description"), schema)
    return spec.model_copy(update={"effect": effect})


def with_effects(tools: Iterable[ToolSpec], known: Iterable[ToolSpec]) -> tuple[ToolSpec, ...]:
    """Return the tools; one of unknown effect has that of the known tool of its name."""
    effects: Mapping[str, Effect] = {tool.name: tool.effect for tool in known}
    return tuple(
        tool.model_copy(update={"effect": effects.get(tool.name, "unknown")})
        if tool.effect == "unknown"
        else tool
        for tool in tools
    )
