"""How actions are supervised, by the settings of a route."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from sidecritic.dialects.base import ClientRequest, Hints
from sidecritic.gateway.settings import RouteSettings
from sidecritic.seats.tools import Mode, effect_of
from sidecritic.types import Assistant, Effect, ToolSpec

_NO_HINTS = Hints()
_STRICTNESS: tuple[Mode, ...] = ("off", "shadow", "enforce")


def with_effects(asked: ClientRequest, settings: RouteSettings) -> tuple[ToolSpec, ...]:
    """Return the tools of a request with what is known of their effects."""
    rules, trusts = settings.tools, settings.trust_annotations
    hints = (asked.hints.get(tool.name, _NO_HINTS) for tool in asked.tools)
    return tuple(
        _with_effect(tool, effect_of(tool.name, hint, rules, trusts_hints=trusts))
        for tool, hint in zip(asked.tools, hints, strict=True)
    )


def _with_effect(tool: ToolSpec, effect: Effect) -> ToolSpec:
    if tool.effect == effect:
        return tool
    return ToolSpec.of_parts(
        name=tool.name, description=tool.description, parameters=tool.parameters, effect=effect
    )


def tool_mode(name: str, settings: RouteSettings) -> Mode:
    """Return how calls of this tool are supervised."""
    for rule in settings.tools:
        if rule.mode is not None and fnmatchcase(name, rule.match):
            return rule.mode
    return settings.mode


def mode_of(action: Assistant, settings: RouteSettings) -> Mode:
    """Return how an action is supervised: as strictly as the strictest of its parts."""
    modes: list[Mode] = [tool_mode(call.name, settings) for call in action.calls]
    # Words that come with calls are judged where the gate judges all words.
    if not modes or (settings.gate == "all" and action.text.strip()):
        modes.append(settings.mode)
    return strictest(modes)


def strictest_mode(settings: RouteSettings) -> Mode:
    """Return the strictest mode that any action on the route may fall under.

    A model may call tools that were not offered, so what was offered says nothing.
    """
    if not settings.tools:
        return settings.mode
    return strictest([settings.mode, *(rule.mode for rule in settings.tools if rule.mode)])


def strictest(modes: Iterable[Mode]) -> Mode:
    return max(modes, key=_STRICTNESS.index)
