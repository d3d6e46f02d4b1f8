"""Executable policy checks, one pack a domain."""

from sidecritic.policies.registry import pack_for

__all__ = ["pack_for"]
