"""Benchmarks by name, and where those that are not ours are."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from sidecritic.assembly.imported import module_at
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Environment, Model, Peopled
from sidecritic.settings.environment import environment
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.names import suggestion
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.types import Task, ToolSpec

TAU2 = ("tau2:retail", "tau2:airline", "tau2:telecom", "tau2:mock")
TAU = ("tau:retail", "tau:airline")
USERBENCH = "userbench:"
PROCEDURES = "procedures"
ENVS = (
    *TAU2,
    *TAU,
    "shop",
    PROCEDURES,
    "userbench:fixture",
    *(f"userbench:travel{digits}" for digits in (22, 33, 44, 233, 333, 334, 444, 2222)),
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where benchmarks that are not ours are on this machine."""

    tasks: Path | None = None
    """Another task file for the environment."""
    tau_bench: Path | None = None
    userbench: Path | None = None


def sources_of(settings: Settings) -> Sources:
    """Return what the settings say, and the environment where they are silent."""

    def path(given: str | None, variable: str) -> Path | None:
        text = given or environment().get(variable)
        return Path(text) if text else None

    return Sources(
        tasks=Path(settings.tasks) if settings.tasks is not None else None,
        tau_bench=path(settings.tau_bench, "SIDECRITIC_TAU_BENCH"),
        userbench=path(settings.userbench, "SIDECRITIC_USERBENCH"),
    )


def benchmark_for(
    name: str, sources: Sources | None = None, *, grader: Literal["ours", "official"] = "ours"
) -> Benchmark:
    """Return the benchmark of that name, such as `tau2:retail`.

    Raises:
        ConfigError: it is unknown, or lacks what it needs.
    """
    sources = sources or Sources()
    lines = _task_lines(name, sources)
    if lines is not None:
        from sidecritic.envs.task_files import ListedTasks

        return ListedTasks(benchmark_for(name, replace(sources, tasks=None), grader=grader), lines)
    if name in TAU2:
        from sidecritic.envs.tau2.benchmark import Tau2

        return Tau2(name.removeprefix("tau2:"), tasks_file=sources.tasks, grader=grader)
    if grader != "ours":
        raise ConfigError(f"--grader is for τ² environments; the environment {name!r} has its own")
    if name.startswith(USERBENCH):
        from sidecritic.envs.userbench.benchmark import UserBench

        return UserBench(name, folder=sources.userbench, file=sources.tasks)
    if sources.tasks is not None and (name in ENVS or _is_own(name)):
        raise ConfigError(
            f"--tasks is for τ² and UserBench, and for the shop if it holds one task a line; "
            f"{name!r} has its own tasks"
        )
    if name in TAU:
        from sidecritic.envs.tau.benchmark import Tau

        return Tau(name.removeprefix("tau:"), checkout=sources.tau_bench)
    return own_benchmark(name) if _is_own(name) else _shipped(name)


def _shipped(name: str) -> Benchmark:
    """Return one of our own benchmarks, which need nothing."""
    if name == PROCEDURES:
        from sidecritic.envs.procedures import Procedures

        return Procedures()
    if name != "shop":
        raise ConfigError(
            f"unknown environment {name!r}{suggestion(name, ENVS)}; or MODULE:NAME of your own"
        )
    from sidecritic.envs.shop.benchmark import Shop

    return Shop()


_FAMILIES = ("tau2", "tau", "userbench")


def _is_own(name: str) -> bool:
    module, colon, _ = name.partition(":")
    # "tau3:retail" is a slip of the pen, not a module that is not there.
    is_slip = bool(get_close_matches(name, ENVS, n=1, cutoff=0.8))
    return bool(colon) and module not in _FAMILIES and not is_slip


def own_benchmark(path: str) -> Benchmark:
    """Return the benchmark at `MODULE:NAME` or `FILE.py:NAME`, under that name.

    Raises:
        ConfigError: module, name or kind is wrong.
    """
    imported, name = module_at(path, "environment", "clinic_desk:CLINIC")
    found: object = getattr(imported, name, None)
    if isinstance(found, type) or not isinstance(found, Benchmark):
        kind = "nothing" if found is None else f"a {type(found).__name__}"
        raise ConfigError(
            f"the environment {path!r} is {kind}; name a Benchmark of "
            f"{path.rpartition(':')[0]!r}, such as a Desk of sidecritic.envs.own"
        )
    return Imported(path, found)


@dataclass(frozen=True, slots=True)
class Imported:
    """A benchmark under its import path, by which a run can be resumed and replayed."""

    name: str
    own: Benchmark

    @property
    def versions(self) -> dict[str, str]:
        return self.own.versions

    def splits(self) -> dict[str, int]:
        return self.own.splits()

    def tasks(self, split: str) -> tuple[Task, ...]:
        return tuple(task.model_copy(update={"env": self.name}) for task in self.own.tasks(split))

    def users_of(self, task: Task) -> frozenset[str]:
        return self.own.users_of(task) if isinstance(self.own, Peopled) else frozenset()

    def environment(self, task: Task, user: Model) -> Environment:
        return self.own.environment(task, user)


def _task_lines(name: str, sources: Sources) -> Path | None:
    """Return the file of `Task` lines that is to be played, if it is such a one."""
    if sources.tasks is None or not (name in TAU2 or name == "shop"):
        return None
    from sidecritic.envs.task_files import holds_task_lines

    return sources.tasks if holds_task_lines(sources.tasks) else None


def tools_of(benchmark: Benchmark, task: Task) -> tuple[ToolSpec, ...]:
    """Return the tools that the actor has in a task."""
    return benchmark.environment(task, scripted_user()(task, 0)).tools
