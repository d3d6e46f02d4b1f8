"""Packs of policy checks, one a domain; no pack knows another."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sidecritic.checks.base import Pack

__all__ = ["pack_for"]


def pack_for(env: str) -> "Pack":
    """Return the pack for an environment; the packs are loaded when one is asked for.

    Raises:
        ConfigError: there is none.
    """
    from sidecritic.packs import registry

    return registry.pack_for(env)
