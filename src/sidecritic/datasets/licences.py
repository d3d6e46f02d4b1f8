"""The licence of an environment's text."""

from collections.abc import Mapping
from types import MappingProxyType

_LICENCES: Mapping[str, str] = MappingProxyType(
    {
        "tau2": "MIT (policies, tasks and records of τ²-bench, Sierra Research)",
        "tau": "MIT (policies, tasks and records of τ-bench, Sierra Research)",
        "shop": "Apache-2.0 (Sidecritic)",
        "procedures": "Apache-2.0 (Sidecritic)",
        "userbench:fixture": "Apache-2.0 (Sidecritic)",
    }
)

UNSTATED = "not stated: ask its author"


def licence_of(env: str) -> str:
    """Return the licence of an environment's text; what a model said has its provider's terms."""
    return _LICENCES.get(env) or _LICENCES.get(env.partition(":")[0], UNSTATED)
