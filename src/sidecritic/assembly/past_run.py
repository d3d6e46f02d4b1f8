"""The parties of a run that was played, to play on from its episodes."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from sidecritic.assembly.benchmarks import benchmark_for, sources_of, tools_of
from sidecritic.assembly.cast import cast_for
from sidecritic.assembly.critics import Terms
from sidecritic.assembly.models import Models
from sidecritic.errors import ConfigError
from sidecritic.labelling.advantage import Players
from sidecritic.ports import Benchmark, Model
from sidecritic.rollouts.plan import Cast
from sidecritic.runs import RUN_FILE, Run
from sidecritic.settings.environment import Keys
from sidecritic.settings.evaluation import Settings, settings_of
from sidecritic.settings.model_names import model_name


@dataclass(frozen=True, slots=True)
class PastRun:
    """The parties of a run."""

    cast: Cast
    models: Models
    settings: Settings

    @property
    def players(self) -> Players:
        return Players(self.cast.actor, self.cast.user, self.cast.limits, self.cast.sampling)


def past_run(run: Run, keys: Keys, stack: AsyncExitStack, servers: Mapping[str, object]) -> PastRun:
    """Return the parties that the settings of a run name; `servers` are settings of today.

    Servers and keys are not on record, because one that has moved serves the same model.

    Raises:
        ConfigError: the run names a party that is not available here.
    """
    settings = _settings(run, {key: value for key, value in servers.items() if value is not None})
    tasks = {trajectory.task.env: trajectory.task for trajectory in run.trajectories}
    tools = {env: tools_of(benchmark, tasks[env]) for env, benchmark in benchmarks_of(run).items()}
    models = Models(settings, keys, stack)
    return PastRun(cast_for(settings, models, tools, Terms()), models, settings)


def benchmarks_of(run: Run) -> dict[str, Benchmark]:
    """Return the benchmarks that a run was played on, by environment.

    Raises:
        ConfigError: one of them is unknown, as for decisions of the gateway.
    """
    sources = sources_of(_settings(run, {"critic": "none"}))
    envs = dict.fromkeys(trajectory.task.env for trajectory in run.trajectories)
    return {env: benchmark_for(env, sources) for env in envs}


def _settings(run: Run, over: Mapping[str, object]) -> Settings:
    known = Settings.model_fields.keys() - {"profile"}
    given = {key: value for key, value in run.record.settings.items() if key in known}
    envs = tuple(dict.fromkeys(t.task.env for t in run.trajectories)) or ("shop",)
    source = str(run.directory / RUN_FILE)
    return settings_of({**given, **over, "env": envs}, source)


def teacher_for(name: str, past: PastRun) -> Model:
    """Return the model of that name, such as `openai:MODEL`.

    Raises:
        ConfigError: it is not the name of a model, or the model cannot be called.
    """
    named = model_name(name, "helper")
    if named is None:
        raise ConfigError("a teacher is a real model; name one as openai:MODEL or anthropic:MODEL")
    return past.models.model(named, past.settings.helper_base_url or past.settings.base_url)
