"""What tools may do, as a program says it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import cast

from pydantic import ValidationError

from sidecritic.dialects.tool_files import read_tools
from sidecritic.errors import ConfigError, first_problem
from sidecritic.seats.tools import ToolRule
from sidecritic.settings.route_tools import declared_rules
from sidecritic.types import Effect

Tools = Mapping[str, Effect] | Sequence[ToolRule] | Path | str
"""Effects by name or glob, rules, or a file of tools with `effect` beside their names."""

_FORMS = 'write {"get_*": "read", "cancel_order": "write"}, a list of ToolRule, or a file of tools'


def rules_of(tools: object) -> tuple[ToolRule, ...]:
    """Return the rules that are given, the first of which wins.

    Raises:
        ConfigError: they are of no known form.
    """
    if isinstance(tools, str | Path):
        return declared_rules(read_tools(Path(tools)))
    if isinstance(tools, Mapping):
        given = cast(Mapping[str, object], tools)
        return tuple(_rule({"match": name, "effect": effect}) for name, effect in given.items())
    if isinstance(tools, Iterable) and not isinstance(tools, bytes):
        return tuple(_rule(each) for each in cast(Iterable[object], tools))
    raise ConfigError(f"tools is {tools!r:.80}; {_FORMS}")


def _rule(given: object) -> ToolRule:
    try:
        return ToolRule.model_validate(given)
    except ValidationError as cause:
        problem = first_problem(cause)
        shown = given.get("match", given) if isinstance(given, dict) else given  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        raise ConfigError(f"tools: {str(shown)[:80]!r}: {problem}; {_FORMS}") from cause  # pyright: ignore[reportUnknownArgumentType]
