"""Executable policy checks, one pack a domain."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecritic.policies.base import Pack

__all__ = ["pack_for"]


def pack_for(env: str) -> "Pack":
    """Return the pack for an environment; the packs are loaded when one is asked for.

    Raises:
        ConfigError: there is none.
    """
    # Gates need the words of this package, and every import of sidecritic the gates.
    from sidecritic.policies import registry

    return registry.pack_for(env)
