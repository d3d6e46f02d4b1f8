"""A permit and lending desk whose rules ask for look-ups before each write; no package, no key."""

from sidecritic.envs.procedures.benchmark import Procedures

__all__ = ["Procedures"]
