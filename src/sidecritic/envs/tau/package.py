"""τ-bench's own package: its data, tools and tasks, without its agents, users or their SDKs.

The package's `__init__` files import its environments, which import the SDK of a provider.
None of that is needed here: tools, data, policy and tasks are separate modules. They are imported
under empty stand-ins for their parent packages, which are removed afterwards.
"""

import json
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

from sidecritic.errors import ConfigError, boundary
from sidecritic.types import Effect, ToolSpec

DOMAINS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"retail": ("test", "dev", "train"), "airline": ("test",)}
)
"""Domain to its splits."""

WRITES = frozenset(
    {
        "cancel_pending_order",
        "exchange_delivered_order_items",
        "modify_pending_order_address",
        "modify_pending_order_items",
        "modify_pending_order_payment",
        "modify_user_address",
        "return_delivered_order_items",
        "book_reservation",
        "cancel_reservation",
        "send_certificate",
        "update_reservation_baggages",
        "update_reservation_flights",
        "update_reservation_passengers",
    }
)
"""The tools that change records; the package does not say."""
_READS = ("get_", "find_", "list_", "search_", "calculate", "think", "transfer_")

OBTAIN = (
    "run: pip install git+https://github.com/sierra-research/tau-bench, or point "
    "SIDECRITIC_TAU_BENCH (--tau-bench) at a checkout"
)

Data = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Package:
    """One domain, as the package brings it."""

    domain: str
    load_data: Callable[[], Data]
    tools: Mapping[str, Any]
    """The tool classes, with `invoke(data, **arguments)`."""
    specs: tuple[ToolSpec, ...]
    wiki: str
    tasks: Mapping[str, tuple[Mapping[str, Any], ...]]
    """Split to the tasks, as plain records."""

    @property
    def digest(self) -> str:
        """Return what identifies policy and tasks; the package carries no usable version."""
        text = json.dumps([self.wiki, dict(self.tasks)], sort_keys=True, default=list)
        return sha256(text.encode()).hexdigest()


def load_package(domain: str, checkout: Path | None = None) -> Package:
    """Load one domain from a checkout, or from where the package is installed.

    Raises:
        ConfigError: the package is nowhere, or is not as it should be.
    """
    root = _root(checkout)
    with _below(root, domain), boundary(ConfigError, f"τ-bench in {root} cannot be used"):
        return _read(domain)


def _root(checkout: Path | None) -> Path:
    if checkout is not None:
        root = checkout / "tau_bench"
        if not (root / "envs").is_dir():
            raise ConfigError(f"{checkout} holds no τ-bench (tau_bench/envs is missing); {OBTAIN}")
        return root
    spec = find_spec("tau_bench")
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(f"τ-bench is not installed; {OBTAIN}")
    return Path(next(iter(spec.submodule_search_locations)))


@contextmanager
def _below(root: Path, domain: str) -> Generator[None]:
    """Let modules of the package be imported without the packages around them."""
    ours = {
        "tau_bench": root,
        "tau_bench.envs": root / "envs",
        f"tau_bench.envs.{domain}": root / "envs" / domain,
    }
    before = {name: sys.modules.pop(name) for name in list(sys.modules) if _is_its(name)}
    for name, path in ours.items():
        package = ModuleType(name)
        package.__path__ = [str(path)]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in [name for name in sys.modules if _is_its(name)]:
            del sys.modules[name]
        sys.modules.update(before)


def _is_its(name: str) -> bool:
    return name == "tau_bench" or name.startswith("tau_bench.")


def _read(domain: str) -> Package:
    here = f"tau_bench.envs.{domain}"
    tools = import_module(f"{here}.tools").ALL_TOOLS
    specs = tuple(_spec(tool.get_info()["function"]) for tool in tools)
    return Package(
        domain=domain,
        load_data=import_module(f"{here}.data").load_data,
        tools={spec.name: tool for spec, tool in zip(specs, tools, strict=True)},
        specs=specs,
        wiki=import_module(f"{here}.wiki").WIKI,
        tasks={split: _tasks(here, split) for split in DOMAINS[domain]},
    )


def _spec(info: Mapping[str, Any]) -> ToolSpec:
    name = str(info["name"])
    silent: Effect = "read" if name.startswith(_READS) else "unknown"
    return ToolSpec(
        name=name,
        description=str(info.get("description", "")),
        parameters=dict(info.get("parameters", {})),
        effect="write" if name in WRITES else silent,
    )


def _tasks(here: str, split: str) -> tuple[Mapping[str, Any], ...]:
    module = import_module(f"{here}.tasks_{split}")
    listed = getattr(module, f"TASKS_{split.upper()}", None) or module.TASKS
    return tuple(_task(number, task) for number, task in enumerate(listed))


def _task(number: int, task: Any) -> Mapping[str, Any]:
    """Return a task in the shape that τ²-bench has, which simulated parties can read."""
    instruction = str(task.instruction)
    return {
        "id": str(number),
        "user_id": str(task.user_id),
        "instruction": instruction,
        "user_scenario": {
            "instructions": {"reason_for_call": instruction, "known_info": instruction}
        },
        "evaluation_criteria": {
            "actions": [
                {"name": str(action.name), "arguments": json.loads(json.dumps(action.kwargs))}
                for action in task.actions
            ],
            "communicate_info": [str(output) for output in task.outputs],
        },
    }
