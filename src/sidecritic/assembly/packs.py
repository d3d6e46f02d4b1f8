"""Policy packs by import path, and the domains that heads have learned."""

import importlib
from collections.abc import Iterable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from sidecritic.assembly.registered import is_registered, registered
from sidecritic.errors import ConfigError, boundary
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
    module, colon, name = path.rpartition(":")
    if not (module and colon and name):
        raise ConfigError(
            f"the policy pack {path!r} cannot be read; write it as MODULE:NAME, such as "
            "sidecritic.packs.shop:SHOP, as FILE.py:NAME, or as the name of a shipped one: "
            f"{', '.join(sorted(shipped()))}"
        )
    with boundary(ConfigError, f"the module of the policy pack {path!r} does not import"):
        try:
            imported = _module_at(module, folder or Path())
        except ModuleNotFoundError as cause:
            if cause.name is None or not f"{module}.".startswith(f"{cause.name}."):
                raise  # something that the module itself wants
            raise ConfigError(
                f"there is no module {cause.name!r} for the policy pack {path!r}; install it, "
                "put the folder that holds it on PYTHONPATH, or name its file: FILE.py:NAME"
            ) from cause
        except SystemExit as cause:
            raise ConfigError(
                f"the module of the policy pack {path!r} ends the process when it is imported "
                f"(exit code {cause.code!r}); a pack must import without running a program"
            ) from cause
    there = {key: value for key, value in vars(imported).items() if isinstance(value, Pack)}
    found: object = getattr(imported, name, None)
    if isinstance(found, Pack):
        return found
    packs = suggestion(name, sorted(there)) if there else "; it holds no Pack"
    if not hasattr(imported, name):
        raise ConfigError(f"the module {module!r} holds no {name!r}{packs}")
    raise ConfigError(
        f"the policy pack {path!r} is a {type(found).__name__}; name a Pack of {module!r}{packs}"
    )


def _module_at(module: str, folder: Path) -> ModuleType:
    if not module.endswith(".py"):
        return importlib.import_module(module)
    file = folder / module
    if not file.is_file():
        raise ConfigError(f"there is no file {file} that holds a policy pack; check the path")
    spec = spec_from_file_location(f"pack_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise ConfigError(f"the file {file} of a policy pack cannot be imported")
    imported = module_from_spec(spec)
    spec.loader.exec_module(imported)
    return imported


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


def default_pack(pack: "Pack | None") -> "Pack":
    """Return the checks of the critic `default`: those of every agent, and a domain's own."""
    from sidecritic.checks.structural import STRUCTURAL

    return STRUCTURAL if pack is None else pack.over(STRUCTURAL)


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
