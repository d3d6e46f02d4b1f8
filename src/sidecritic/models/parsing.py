"""Tool calls that arrive as text.

Small open models, and servers without a parser for their chat template, write a call into
the message instead of the field meant for it:

    <tool_call>{"name": ..., "arguments": {...}}</tool_call>     also <function_call>, <tool_calls>
    ```json ... ```                                              a fenced block of calls
    {"name": ..., "parameters": {...}}                           lines that hold nothing else

A block holds one call, several in a row, or a list of them, perhaps with doubled braces. It
counts only as a whole: each entry must name a tool that was offered. A tag says outright that
a call is meant; elsewhere the arguments must also satisfy the tool's schema, because people
and models quote JSON without meaning to run it.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pydantic import JsonValue, TypeAdapter
from pydantic_core import from_json

from sidecritic.types import ToolCall, ToolSpec
from sidecritic.values import parse_object

MAX_PARSED_CHARS = 200_000
"""Longer text is left alone."""

_MAX_BLOCKS = 64
_MAX_VALUES = 32
_MAX_DOUBLED_CHARS = 20_000
_OPENER = re.compile(
    r"<(?P<tag>tool_calls?|function_call)>|(?P<fence>```)[\w-]*|^[ \t]*(?=[\[{])", re.MULTILINE
)
_INNER_FENCE = re.compile(r"\s*(?:```[\w-]*)?")
_BETWEEN = re.compile(r"[\s,;]*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r?\n|\Z)")
_VALUE: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)
_DECODER = json.JSONDecoder(strict=False)


class Parsed(NamedTuple):
    text: str
    """What remains besides the calls; the whole text, unchanged, when there are none."""
    calls: tuple[ToolCall, ...]


def parse_calls(text: str, tools: Sequence[ToolSpec]) -> Parsed:
    """Return the tool calls that are written into `text`, and the text without them.

    Never raises. The ids are `call_0`, `call_1` and so on, in order of appearance.
    """
    offered = {tool.name: tool for tool in tools}
    if not offered or len(text) > MAX_PARSED_CHARS or ("{" not in text):
        return Parsed(text, ())
    kept: list[str] = []
    calls: list[ToolCall] = []
    done = 0
    for block in _blocks(text):
        found = _calls_of(block, offered) if block.start >= done else ()
        if found:
            kept.append(text[done : block.start])
            calls.extend(found)
            done = block.end
    if not calls:
        return Parsed(text, ())
    kept.append(text[done:])
    remaining = "\n".join(piece.strip() for piece in kept if piece.strip())
    numbered = (call.model_copy(update={"id": f"call_{n}"}) for n, call in enumerate(calls))
    return Parsed(remaining, tuple(numbered))


def split_reasoning(text: str) -> tuple[str | None, str]:
    """Separate a leading `<think>` block, which servers without a parser leave in the text."""
    head = text.lstrip()
    if not head.startswith("<think>"):
        return None, text
    thought, closed, rest = head.removeprefix("<think>").partition("</think>")
    return (thought.strip() or None, rest.lstrip()) if closed else (None, text)


# --- where a call may stand --------------------------------------------------------------


class _Block(NamedTuple):
    start: int
    end: int
    values: list[JsonValue]
    explicit: bool
    """Whether a tag says that this is meant as a call."""


def _blocks(text: str) -> Iterator[_Block]:
    """Find the parts of `text` that hold JSON values and nothing else; they may overlap."""
    for number, opener in enumerate(_OPENER.finditer(text)):
        if number == _MAX_BLOCKS:
            return
        block = _enclosed(text, opener) if opener["tag"] or opener["fence"] else _bare(text, opener)
        if block is not None:
            yield block


def _enclosed(text: str, opener: re.Match[str]) -> _Block | None:
    """Return the values between an opener and its closer.

    The closer is looked for behind the values, because a string among them may contain one.
    It is missing where the server stopped at it.
    """
    tag = opener["tag"]
    start = _INNER_FENCE.match(text, opener.end()) if tag else None
    values, at = _values(text, start.end() if start else opener.end())
    closer = rf"(?:```\s*)?(?:</{tag}>|\Z)" if tag else r"```|\Z"
    closed = re.compile(closer).match(text, at)
    return _Block(opener.start(), closed.end(), values, bool(tag)) if values and closed else None


def _bare(text: str, opener: re.Match[str]) -> _Block | None:
    """Return the JSON value that begins a line and ends one."""
    decoded = _decode(text, opener.end())
    if decoded is None:
        return None
    value, end = decoded
    line_end = _REST_OF_LINE.match(text, end)
    return _Block(opener.start(), end, [value], explicit=False) if line_end else None


def _values(text: str, at: int) -> tuple[list[JsonValue], int]:
    """Return the JSON values in a row from `at` on, and where what is none begins."""
    values: list[JsonValue] = []
    at = _after_gap(text, at)
    while len(values) < _MAX_VALUES and (decoded := _decode(text, at)):
        value, end = decoded
        values.append(value)
        at = _after_gap(text, end)
    return values, at


def _after_gap(text: str, at: int) -> int:
    gap = _BETWEEN.match(text, at)
    return gap.end() if gap else at


# --- what JSON stands there --------------------------------------------------------------


def _decode(text: str, at: int) -> tuple[JsonValue, int] | None:
    """Return the JSON value at `at` and where it ends, undoing doubled braces if need be."""
    plain = _decode_plain(text, at)
    if plain is not None or not text.startswith("{{", at):
        return plain
    inner = _decode_plain(text, at + 1)
    if inner is not None and text.startswith("}", inner[1]):
        return inner[0], inner[1] + 1
    rest = text[at : at + _MAX_DOUBLED_CHARS]
    halved = rest.replace("{{", "{").replace("}}", "}")
    undoubled = _decode_plain(halved, 0)
    if undoubled is None:
        return None
    doubled = halved[: undoubled[1]].replace("{", "{{").replace("}", "}}")
    return (undoubled[0], at + len(doubled)) if rest.startswith(doubled) else None


def _decode_plain(text: str, at: int) -> tuple[JsonValue, int] | None:
    try:
        value, end = _DECODER.raw_decode(text, at)
        # Once through the strict parser: it refuses NaN, lone surrogates and deep nesting,
        # which could not be recorded.
        strict = from_json(json.dumps(value, allow_nan=False))
        return _VALUE.validate_python(strict), end
    except (ValueError, RecursionError):
        return None


# --- whether it is a call ----------------------------------------------------------------


def _calls_of(block: _Block, offered: Mapping[str, ToolSpec]) -> list[ToolCall]:
    """Return the calls of a block; none where an entry of it is not a call."""
    entries = [e for v in block.values for e in (v if isinstance(v, list) else [v])]
    calls = [_call(entry, offered, explicit=block.explicit) for entry in entries]
    found = [call for call in calls if call is not None]
    return found if len(found) == len(calls) else []


def _call(entry: JsonValue, offered: Mapping[str, ToolSpec], *, explicit: bool) -> ToolCall | None:
    if not isinstance(entry, dict):
        return None
    inner = entry.get("function")
    fields = inner if isinstance(inner, dict) else entry
    name, raw = fields.get("name"), fields.get("arguments", fields.get("parameters"))
    if not isinstance(name, str) or name not in offered:
        return None
    if not isinstance(raw, str):
        raw = json.dumps(raw, ensure_ascii=False)
    arguments = parse_object(raw)
    if not explicit and not _fits(arguments, offered[name]):
        return None
    return ToolCall(id="", name=name, arguments=arguments, raw=raw)


def _fits(arguments: dict[str, JsonValue] | None, tool: ToolSpec) -> bool:
    """Whether the arguments are an object that holds every required key."""
    if arguments is None:
        return False
    required = tool.parameters.get("required")
    return not isinstance(required, list) or all(key in arguments for key in required)
