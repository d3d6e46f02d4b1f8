"""What tools may do, as a program says it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from pydantic import ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.seats.tools import ToolRule
from sidecritic.types import Effect

Tools = Mapping[str, Effect] | Sequence[ToolRule]
"""Effects by name or glob, or rules."""

_FORMS = 'write {"get_*": "read", "cancel_order": "write"}, or a list of ToolRule'


def rules_of(tools: object) -> tuple[ToolRule, ...]:
    """Return the rules that are given, the first of which wins.

    Raises:
        ConfigError: they are of no known form.
    """
    if isinstance(tools, Mapping):
        given = cast(Mapping[str, object], tools)
        return tuple(_rule({"match": name, "effect": effect}) for name, effect in given.items())
    if isinstance(tools, Iterable) and not isinstance(tools, str | bytes):
        return tuple(_rule(each) for each in cast(Iterable[object], tools))
    raise ConfigError(f"tools is {tools!r:.80}; {_FORMS}")


def _rule(given: object) -> ToolRule:
    try:
        return ToolRule.model_validate(given)
    except ValidationError as cause:
        problem = first_problem(cause)
        shown = given.get("match", given) if isinstance(given, dict) else given  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        raise ConfigError(f"tools: {str(shown)[:80]!r}: {problem}; {_FORMS}") from cause  # pyright: ignore[reportUnknownArgumentType]
