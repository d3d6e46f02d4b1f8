"""Tools of an agent, as its operator wrote them down or its chat logs hold them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import JsonValue

from sidecritic.dialects import tool_files
from sidecritic.errors import TraceError
from sidecritic.seats.effects import propose
from sidecritic.types import Effect, ToolSpec


def read_tools(file: Path) -> tuple[ToolSpec, ...]:
    """Read a file of tools, each with its effect: as it is declared, or else as it seems to be.

    Raises:
        ConfigError: it cannot be read; the message says what is wrong.
    """
    return _with_effects(tool_files.read_tools(file), {})


def tools_of(listed: JsonValue, operators: Iterable[ToolSpec] = ()) -> tuple[ToolSpec, ...]:
    """Return the tools of a chat log, each with the effect that stands beside it.

    Else it is that of the operator's tool of this name, or what it seems to be.

    Raises:
        TraceError: one of them is no tool.
    """
    if not listed:
        return ()
    known: dict[str, Effect] = {
        tool.name: tool.effect for tool in operators if tool.effect != "unknown"
    }
    if not isinstance(listed, list):
        raise TraceError("`tools` is not a list")
    try:
        declared = [tool_files.declared_in(raw, at) for at, raw in enumerate(listed)]
    except ValueError as cause:
        raise TraceError(str(cause)) from cause
    return _with_effects(declared, known)


def _with_effects(
    declared: Iterable[tool_files.Declared], known: Mapping[str, Effect]
) -> tuple[ToolSpec, ...]:
    def of(name: str, own: Effect, proposed: Effect) -> Effect:
        return known.get(name, proposed) if own == "unknown" else own

    return tuple(
        tool.model_copy(update={"effect": of(tool.name, tool.effect, effect)})
        for tool, effect, _ in propose(declared)
    )
