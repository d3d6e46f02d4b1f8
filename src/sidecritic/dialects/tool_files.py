"""Tools from a file, in whatever form an agent's maker has them.

OpenAI's (`{"type": "function", "function": {...}}`), that of the Responses API, Anthropic's
(`input_schema`), and what an MCP server answers to `tools/list` (`inputSchema`, `annotations`);
as a list, or in an object as `tools`. `effect` beside a name is the operator's own word.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pydantic import JsonValue

from sidecritic.dialects.base import Hints
from sidecritic.dialects.parts import hints_of
from sidecritic.errors import ConfigError
from sidecritic.types import Effect, ToolSpec
from sidecritic.values import object_of, text_of

_EFFECTS: tuple[Effect, ...] = get_args(Effect)
_SCHEMAS = ("parameters", "input_schema", "inputSchema")
_FORMS = "OpenAI's, Anthropic's or MCP's tools, as a list or as {\"tools\": [...]}"


@dataclass(frozen=True, slots=True)
class Declared:
    """A tool, and what its maker says of it."""

    tool: ToolSpec
    """With the effect that stands beside its name, if one does."""
    hints: Hints


def read_tools(file: Path) -> tuple[Declared, ...]:
    """Read the tools in a file of JSON.

    Raises:
        ConfigError: the file cannot be read, or holds no tools.
    """
    try:
        read: JsonValue = json.loads(file.read_text(encoding="utf-8"))
    except OSError as cause:
        raise ConfigError(f"cannot read tools {file}: {cause.strerror}; check the path") from cause
    except (ValueError, RecursionError) as cause:
        raise ConfigError(
            f"tools {file} is not JSON: {cause}; write a list of tools: {_FORMS}"
        ) from cause
    return tools_in(read, str(file))


def tools_in(value: JsonValue, where: str) -> tuple[Declared, ...]:
    """Return the tools that a value holds; `where` is where it stands.

    Raises:
        ConfigError: it holds none, one has no name, or an unknown effect, or two have one name.
    """
    found: dict[str, Declared] = {}
    try:
        for at, record in enumerate(_records(value)):
            declared = declared_in(record, at)
            if declared.tool.name in found:
                raise ValueError(f"two tools are named {declared.tool.name!r}; drop one")
            found[declared.tool.name] = declared
    except ValueError as cause:
        raise ConfigError(f"{where}: {cause}") from cause
    if not found:
        raise ConfigError(f"{where} holds no list of tools; write {_FORMS}")
    return tuple(found.values())


def declared_in(record: JsonValue, at: int) -> Declared:
    """Return the tool in a record, which stands at this position of its list.

    Raises:
        ValueError: it has no name, or an effect that is none.
    """
    outer = record if isinstance(record, dict) else {}
    inner = object_of(outer, "function") or outer
    name = text_of(inner, "name")
    if not name:
        raise ValueError(f"tools[{at}] has no name; write it as a tool of OpenAI, Anthropic or MCP")
    effect = outer.get("effect", inner.get("effect")) or "unknown"
    known: Effect | None = next((each for each in _EFFECTS if each == effect), None)
    if known is None:
        shown = ", ".join(_EFFECTS)
        raise ValueError(f"tools[{at}] ({name}) has the effect {effect!r}; known: {shown}")
    schemas = (object_of(inner, key) for key in _SCHEMAS)
    schema = next((each for each in schemas if each), None)
    text = text_of(inner, "description")
    tool = ToolSpec(name=name, description=text, parameters=schema or {}, effect=known)
    return Declared(tool, hints_of(inner, outer))


def _records(value: JsonValue, space: str = "") -> Iterator[JsonValue]:
    if isinstance(value, dict):
        # What a server answered may stand there whole, or an agent's whole request.
        value = value.get("tools") or object_of(value, "result").get("tools")
    for record in value if isinstance(value, list) else ():
        if isinstance(record, dict) and text_of(record, "type") == "namespace":
            yield from _records(record, f"{space}{text_of(record, 'name')}.")
        elif isinstance(record, dict) and space:
            yield {**record, "name": space + text_of(record, "name")}
        else:
            yield record
