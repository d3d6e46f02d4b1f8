"""How actions are supervised, by the settings of a route."""

from collections.abc import Iterable
from fnmatch import fnmatchcase

from sidecritic.dialects.base import ClientRequest, Hints
from sidecritic.gateway.settings import RouteSettings
from sidecritic.seats.tools import Mode, with_effect
from sidecritic.types import Assistant, ToolSpec

_NO_HINTS = Hints()
_STRICTNESS: tuple[Mode, ...] = ("off", "shadow", "enforce")


def with_effects(asked: ClientRequest, settings: RouteSettings) -> tuple[ToolSpec, ...]:
    """Return the tools of a request with what is known of their effects."""
    rules, trusts = settings.tools, settings.trust_annotations
    return tuple(
        with_effect(tool, asked.hints.get(tool.name, _NO_HINTS), rules, trusts_hints=trusts)
        for tool in asked.tools
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
    return strictest([settings.mode, *(rule.mode for rule in settings.tools if rule.mode)])


def strictest(modes: Iterable[Mode]) -> Mode:
    return max(modes, key=_STRICTNESS.index)
