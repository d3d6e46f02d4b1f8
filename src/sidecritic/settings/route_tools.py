"""What is known of a route's tools, and what of its actions nobody judges."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from glob import escape
from pathlib import Path

from sidecritic.dialects.tool_files import Declared, read_tools
from sidecritic.errors import ConfigError
from sidecritic.gates import Gate
from sidecritic.gateway.settings import RouteSettings
from sidecritic.seats.effects import Proposed, propose
from sidecritic.seats.tools import ToolRule, effect_of
from sidecritic.settings.critic_names import names_in

_JUDGED: dict[Gate, str] = {
    "none": "nothing",
    "writes": "calls that may write",
    "writes+final": "calls that may write, hand-overs and last messages",
    "all": "every call and message",
}

NO_EFFECTS = (
    "no tool has an effect, so every call counts as a write; set tools_file, or "
    '[[routes.NAME.tools]] match = "get_*", effect = "read"'
)


def with_declared(route: RouteSettings, folder: Path, where: str) -> RouteSettings:
    """Return a route whose rules end with what its file of tools declares.

    Raises:
        ConfigError: the file cannot be used, or a pattern of `confirm` fits none of its tools.
    """
    if route.tools_file is None:
        return route
    found = read_tools(folder / route.tools_file)
    for pattern in route.confirm:
        if not any(fnmatchcase(each.tool.name, pattern) for each in found):
            raise ConfigError(
                f"{where}: confirm = {pattern!r} fits no tool of {route.tools_file}; "
                "write a name, or a glob such as set_*"
            )
    return route.model_copy(update={"tools": (*route.tools, *declared_rules(found))})


def declared_rules(found: Iterable[Declared]) -> tuple[ToolRule, ...]:
    """Return rules of what is said beside the names of tools; nobody has looked at guesses."""
    known = (each.tool for each in found if each.tool.effect != "unknown")
    return tuple(ToolRule(match=escape(tool.name), effect=tool.effect) for tool in known)


def tools_of(route: RouteSettings, folder: Path) -> tuple[Proposed, ...]:
    """Return the tools of a route's file with the effects that count, and what says so.

    Raises:
        ConfigError: the file cannot be read.
    """
    if route.tools_file is None:
        return ()
    found = read_tools(folder / route.tools_file)
    return tuple(
        _counted(each, guess, route) for each, guess in zip(found, propose(found), strict=True)
    )


def _counted(declared: Declared, guess: Proposed, route: RouteSettings) -> Proposed:
    tool, hints = declared.tool, declared.hints
    rules: Sequence[ToolRule] = route.tools
    trusts = route.trust_annotations
    effect = effect_of(tool.name, hints, rules, trusts_hints=trusts)
    if any(rule.effect and fnmatchcase(tool.name, rule.match) for rule in rules):
        return Proposed(tool, effect, "set here")
    if tool.effect != "unknown" or guess.effect == "hand_over":
        return guess
    if effect != "unknown":
        return Proposed(tool, effect, "annotations")
    seems = "" if guess.effect == "unknown" else f"; seems a {guess.effect}, by its {guess.because}"
    return Proposed(tool, "unknown", f"not set{seems}")


def has_effects(route: RouteSettings, tools: Sequence[Proposed]) -> bool:
    """Whether anything says what a tool of the route does."""
    told = any(each.effect in ("read", "write") for each in tools)
    return told or route.trust_annotations or any(rule.effect for rule in route.tools)


def judged(route: RouteSettings) -> str:
    """Return one line: what of a route's actions is judged by what, and what is not."""
    names = names_in(route.critic)
    if set(names) == {"none"} or route.gate == "none":
        return "nothing is judged: it has no " + ("gate" if route.gate == "none" else "critic")
    policy = route.policy or "the agent's own system prompt"
    reads = any(name.startswith(("llm:", "registry:")) or name == "human" for name in names)
    line = f"{_JUDGED[route.gate]} are judged by {route.critic}"
    if route.pack is not None:
        line += f" with the checks of {route.pack}"
    if reads:
        return f"{line}, against {policy}"
    if route.pack is not None:
        return f"{line}; what no check of it covers is not judged"
    return (
        f"{line}, by what needs no knowledge of a domain (arguments against schemas, ids, whose "
        f"records, repeats, writes that nobody asked for){_confirmed(route)}; what {policy} "
        "demands beyond it, and what is said, is NOT judged: for that set critic = "
        '"llm:PROVIDER:MODEL", or a pack'
    )


def _confirmed(route: RouteSettings) -> str:
    return f", and by the user's yes before {', '.join(route.confirm)}" if route.confirm else ""
