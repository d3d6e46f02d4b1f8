"""What a tool may do: by the operator's rules first, then by its maker's hints."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Literal

from sidecritic.dialects.base import Hints
from sidecritic.types import Effect, Record, ToolSpec

Mode = Literal["shadow", "enforce", "off"]
"""`shadow` judges and records and changes nothing; `enforce` withholds until judged."""


class ToolRule(Record):
    """What holds for the tools whose name matches; the first rule that says it wins."""

    match: str
    """A name, or a glob such as `cancel_*`."""
    effect: Effect | None = None
    mode: Mode | None = None
    """Of the gateway: how calls of the tool are supervised."""


def with_effect(
    tool: ToolSpec, hints: Hints, rules: Sequence[ToolRule], *, trusts_hints: bool
) -> ToolSpec:
    """Return a tool with what is known of its effect."""
    effect = effect_of(tool.name, hints, rules, trusts_hints=trusts_hints)
    return tool if tool.effect == effect else tool.model_copy(update={"effect": effect})


def effect_of(name: str, hints: Hints, rules: Sequence[ToolRule], *, trusts_hints: bool) -> Effect:
    """Return the effect of a tool.

    Annotations come from outside: a claim to be harmless counts only where the operator
    trusts it, a warning always.
    """
    for rule in rules:
        if rule.effect is not None and fnmatchcase(name, rule.match):
            return rule.effect
    if hints.destructive:
        return "write"
    return "read" if hints.read_only and trusts_hints else "unknown"
