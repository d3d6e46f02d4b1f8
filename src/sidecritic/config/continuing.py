"""The parties of a run that was played, for whoever plays its episodes on."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from sidecritic.config.benchmarks import benchmark_for, sources_of
from sidecritic.config.casting import cast_for
from sidecritic.config.critics import Terms
from sidecritic.config.hiring import Models
from sidecritic.config.parties import Keys, model_name
from sidecritic.config.settings import Settings, settings_of
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Model
from sidecritic.rollouts import Cast
from sidecritic.runs import RUN_FILE, Run
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.types import ToolSpec


@dataclass(frozen=True, slots=True)
class Company:
    """Who played a run, and where."""

    benchmarks: Mapping[str, Benchmark]
    cast: Cast
    settings: Settings


def company_of(
    run: Run, keys: Keys, stack: AsyncExitStack, servers: Mapping[str, object]
) -> Company:
    """Return the parties that the settings of a run name; `servers` are settings of today.

    Servers and keys are not on record, because one that has moved serves the same model.

    Raises:
        ConfigError: the run names a party that there is none of here.
    """
    benchmarks = benchmarks_of(run)
    settings = _settings(run, {key: value for key, value in servers.items() if value is not None})
    tools = {env: _tools(benchmarks[env], run) for env in benchmarks}
    cast = cast_for(settings, Models(settings, keys, stack), tools, Terms())
    return Company(benchmarks, cast, settings)


def benchmarks_of(run: Run) -> dict[str, Benchmark]:
    """Return the benchmarks that a run was played on, by environment.

    Raises:
        ConfigError: there is none of that name, as for decisions of the gateway.
    """
    sources = sources_of(_settings(run, {"critic": "none"}))
    envs = dict.fromkeys(trajectory.task.env for trajectory in run.trajectories)
    return {env: benchmark_for(env, sources) for env in envs}


def _settings(run: Run, over: Mapping[str, object]) -> Settings:
    given: dict[str, object] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in run.record.settings.items()
        if key in Settings.model_fields and key != "profile"
    }
    envs = tuple(dict.fromkeys(t.task.env for t in run.trajectories)) or ("shop",)
    source = str(run.directory / RUN_FILE)
    return settings_of({**given, **over, "env": envs}, source)


def teacher_for(name: str, company: Company, keys: Keys, stack: AsyncExitStack) -> Model:
    """Return the model of that name, such as `openai:MODEL`.

    Raises:
        ConfigError: it is no model's name, or cannot be asked.
    """
    named = model_name(name, "helper")
    if named is None:
        raise ConfigError("a teacher is a real model; name one as openai:MODEL or anthropic:MODEL")
    settings = company.settings
    models = Models(settings, keys, stack)
    return models.model(named, settings.helper_base_url or settings.base_url)


def _tools(benchmark: Benchmark, run: Run) -> tuple[ToolSpec, ...]:
    task = next(t.task for t in run.trajectories if t.task.env == benchmark.name)
    return benchmark.environment(task, scripted_user()(task, 0)).tools
