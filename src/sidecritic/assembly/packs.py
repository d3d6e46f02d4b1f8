"""Policy packs by import path, and the domains that heads have learned."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sidecritic.assembly.imported import module_at
from sidecritic.assembly.registered import is_registered, registered
from sidecritic.errors import ConfigError
from sidecritic.settings.critic_names import names_in
from sidecritic.settings.names import suggestion

if TYPE_CHECKING:
    from sidecritic.checks.base import Pack
    from sidecritic.critics.head_weights import HeadWeights


def pack_at(path: str, folder: Path | None = None) -> "Pack":
    """Return the policy pack at `module:NAME` or `FILE.py:NAME`, or a shipped one by its name.

    Files are relative to the folder.

    Raises:
        ConfigError: module, name or kind is wrong.
    """
    from sidecritic.checks.base import Pack
    from sidecritic.packs.registry import shipped

    if path in shipped():
        return shipped()[path]
    names = ", ".join(sorted(shipped()))
    example = f"sidecritic.packs.shop:SHOP, or as the name of a shipped one: {names}"
    imported, name = module_at(path, "policy pack", example, folder)
    there = {key: value for key, value in vars(imported).items() if isinstance(value, Pack)}
    found: object = getattr(imported, name, None)
    if isinstance(found, Pack):
        return found
    packs = suggestion(name, sorted(there)) if there else "; it holds no Pack"
    if not hasattr(imported, name):
        raise ConfigError(f"the module {imported.__name__!r} holds no {name!r}{packs}")
    raise ConfigError(
        f"the policy pack {path!r} is a {type(found).__name__}; name a Pack of "
        f"{imported.__name__!r}{packs}"
    )


def pack_of(path: str | None, envs: Iterable[str]) -> "Pack | None":
    """Return the pack in place of an environment's checks, if one is named.

    Raises:
        ConfigError: it is not at that path, or there are several environments.
    """
    if path is None:
        return None
    several = sorted(set(envs))
    if len(several) > 1:
        raise ConfigError(
            f"--pack {path} is for one domain, and there are {len(several)} environments: "
            f"{', '.join(several)}; take them one by one"
        )
    return pack_at(path)


def default_pack(pack: "Pack | None", confirm: Sequence[str] = ()) -> "Pack":
    """Return the checks of the critic `default`: those of every agent, and a domain's own.

    `confirm` names tools, by name or glob, before which the policy demands the user's yes.
    """
    from sidecritic.checks.structural import STRUCTURAL
    from sidecritic.checks.structural.confirmed import confirming

    below = replace(STRUCTURAL, calls=(*STRUCTURAL.calls, *([confirming(confirm)] * bool(confirm))))
    return below if pack is None else pack.over(below)


def unknown_domains(critic: str, envs: Iterable[str], pack: str | None = None) -> tuple[str, ...]:
    """Return a line for the domains where `default` knows no more than what holds everywhere.

    Raises:
        ConfigError: the critic's name cannot be read.
    """
    from sidecritic.packs.registry import find_pack

    names = names_in(critic)
    if pack is not None or "default" not in names or any(n.startswith("llm:") for n in names):
        return ()
    unknown = sorted({env for env in envs if find_pack(env) is None})
    if not unknown:
        return ()
    return (
        f"{', '.join(unknown)}: no pack and no model knows the policy. Judged is what needs none "
        "(schemas, ids, owners, repeated writes, who asked for a call); the rules are not. Name a "
        "pack of your own (--pack), or a model (--critic llm:PROVIDER:MODEL)",
    )


def unused(path: str | None, critic: str) -> str:
    """Return a remark if a pack is named for a critic without checks; else nothing.

    Raises:
        ConfigError: the critic's name cannot be read.
    """
    if path is None or set(names_in(critic)) != {"none"}:
        return ""
    return f"--pack {path} is not used: the critic {critic!r} has no checks"


def unlearned(critic: str, envs: Iterable[str], pack: str | None = None) -> tuple[str, ...]:
    """Return the domains of which a head among the critics has learned nothing.

    There the checks judge by their own prior risks, as `policy` does. A pack is of one domain.

    Raises:
        ConfigError: there is no such critic, or its weights cannot be used.
    """
    heads = [weights for name in names_in(critic) if (weights := _head_of(name)) is not None]
    domains = {pack_at(pack).name} if pack else {env.rpartition(":")[2] for env in envs}
    return tuple(d for d in sorted(domains) if any(d not in weights.cells for weights in heads))


def _head_of(name: str) -> "HeadWeights | None":
    from sidecritic.critics.head_weights import read_weights

    if name == "head":
        return read_weights()
    if is_registered(name) and (found := registered(name)).entry.kind == "head":
        return read_weights(found.weights)
    return None
