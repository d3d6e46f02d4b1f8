"""Which pack belongs to which environment."""

from collections.abc import Mapping
from types import MappingProxyType

from sidecritic.checks.base import Pack
from sidecritic.errors import NoChecks
from sidecritic.packs.airline.pack import AIRLINE
from sidecritic.packs.retail.pack import RETAIL
from sidecritic.packs.shop import SHOP
from sidecritic.packs.telecom.pack import TELECOM
from sidecritic.packs.userbench import USERBENCH, USERBENCH_MULTI

PACKS: Mapping[str, Pack] = MappingProxyType(
    {
        "tau2:retail": RETAIL,
        "tau2:airline": AIRLINE,
        "tau2:telecom": TELECOM,
        "tau:retail": RETAIL,
        "tau:airline": AIRLINE,
        "userbench": USERBENCH,
        "shop": SHOP,
    }
)


def find_pack(env: str) -> Pack | None:
    """Return the pack for an environment, by its name such as `tau2:retail`, if there is one."""
    if env.startswith("userbench:"):
        return USERBENCH_MULTI if "multi" in env.split(":") else USERBENCH
    return PACKS.get(env)


def shipped() -> Mapping[str, Pack]:
    """Return the packs of the package by their names."""
    return {pack.name: pack for pack in (*PACKS.values(), USERBENCH_MULTI)}


def is_shipped(pack: Pack) -> bool:
    """Whether the package has a pack for some environment of its own, and it is this one."""
    return any(pack is each for each in shipped().values())


def pack_for(env: str) -> Pack:
    """Return the pack for an environment.

    Raises:
        NoChecks: there is none.
    """
    pack = find_pack(env)
    if pack is not None:
        return pack
    known = ", ".join(sorted(PACKS))
    raise NoChecks(
        f"no policy checks for the environment {env!r}; known: {known}",
        "use another critic, or name a pack of your own: --pack MODULE:NAME, `pack` of a route",
    )
