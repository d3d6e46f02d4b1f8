"""From settings to a plan that can be played."""

from collections.abc import Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import JsonValue

from sidecritic.config.critic_names import asks_a_person
from sidecritic.config.critics import Connection, Terms, connection, critic_for
from sidecritic.config.parties import Keys, ModelName, Models, Role, benchmark_for, model_name
from sidecritic.config.settings import Settings, command_of, suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Benchmark, Critic, Model, ModelFor
from sidecritic.rollouts import Cast, Plan, TaskSet
from sidecritic.types import Sampling, Task, ToolSpec

Tools = Mapping[str, tuple[ToolSpec, ...]]


def plan_for(settings: Settings, keys: Keys, stack: AsyncExitStack) -> Plan:
    """Return what the settings describe; `stack` closes what the plan keeps open.

    Raises:
        ConfigError: a name, file or value that cannot be used.
    """
    sets = select_tasks(settings)
    tools = {group.benchmark.name: _tools(group) for group in sets}
    models = Models(settings, keys, stack)
    terms = terms_for(settings.critic, settings.critic_threshold, settings.profile)
    critics = {env: _critic(env, settings, models, terms) for env in settings.env}
    return Plan(
        sets=sets,
        cast=Cast(
            actor=_player("actor", settings, models, tools),
            user=_player("user", settings, models, tools),
            critic=critics.__getitem__,
            gate=settings.gate,
            limits=settings.limits,
            sampling=Sampling(temperature=settings.temperature),
        ),
        trials=settings.trials,
        seed=settings.seed,
        settings=settings.deciding | _named(terms),
        command=command_of(settings),
    )


def select_tasks(settings: Settings) -> tuple[TaskSet, ...]:
    """Return the tasks that the settings name, by environment.

    Raises:
        ConfigError: an unknown environment, split or task, or nothing left to play.
    """
    if settings.tasks is not None and len(settings.env) > 1:
        raise ConfigError(
            f"--tasks {settings.tasks} is for one environment, and there are "
            f"{len(settings.env)}: {', '.join(settings.env)}; run them one by one"
        )
    file = Path(settings.tasks) if settings.tasks is not None else None
    benchmarks = [
        benchmark_for(name, tasks=file, grader=settings.grader)
        for name in dict.fromkeys(settings.env)
    ]
    found = {benchmark.name: benchmark.tasks(settings.split) for benchmark in benchmarks}
    _require_known(settings, (task.id for tasks in found.values() for task in tasks))
    sets = (TaskSet(each, _chosen(found[each.name], settings)) for each in benchmarks)
    return tuple(group for group in sets if group.tasks)


def _chosen(tasks: tuple[Task, ...], settings: Settings) -> tuple[Task, ...]:
    wanted = settings.task_ids
    kept = tuple(task for task in tasks if not wanted or task.id in wanted)
    return kept[: settings.limit]


def _require_known(settings: Settings, known: Iterable[str]) -> None:
    ids = list(dict.fromkeys(known))
    where = f"the split {settings.split!r} of {', '.join(settings.env)}"
    for id_ in settings.task_ids:
        if id_ not in ids:
            raise ConfigError(f"unknown task {id_!r} in {where}{suggestion(id_, ids)}")
    if not ids:
        raise ConfigError(f"{where} holds no tasks; see `sidecritic tasks --env ENV`")


def _player(role: Role, settings: Settings, models: Models, tools: Tools) -> ModelFor:
    name = model_name(settings.actor if role == "actor" else settings.user, role)
    if name is None:
        return _stand_in(role, settings, tools)
    own = settings.base_url if role == "actor" else settings.user_base_url
    model = models.model(name, _base_url(own, name, settings))
    if role == "actor":
        return lambda task, seed: model
    from sidecritic.models.wrappers import Sampled

    # A conversation asks its user without saying how to sample: that is settled here.
    return lambda task, seed: Sampled(
        model, Sampling(temperature=settings.user_temperature, seed=seed)
    )


def terms_for(critic: str, threshold: float | None, profile: str | None) -> Terms:
    """Return what is asked of a critic, profile and terminal at hand.

    Raises:
        ConfigError: the profile cannot be used, or the critic asks a person and there is none.
    """
    from sidecritic.config.profiles import profile_for
    from sidecritic.config.terminals import terminal_here

    return Terms(
        threshold=threshold,
        profile=profile_for(profile) if profile is not None else None,
        terminal=terminal_here() if asks_a_person(critic) else None,
    )


def _named(terms: Terms) -> dict[str, JsonValue]:
    """Return the profile as `run.json` keeps it: not where it lay, but what it was."""
    if terms.profile is None:
        return {}
    return {"profile": {"name": terms.profile.name, "digest": terms.profile.digest}}


def _critic(env: str, settings: Settings, models: Models, terms: Terms) -> Critic:
    def connect(name: ModelName) -> Connection:
        base_url = _base_url(settings.critic_base_url, name, settings)
        return connection(models, name, base_url, lookups=settings.critic_lookups)

    return critic_for(settings.critic, env, connect, terms=terms)


def _base_url(own: str | None, name: ModelName, settings: Settings) -> str | None:
    """Return the role's own server, else the actor's if that is of the same provider."""
    actor = model_name(settings.actor, "actor")
    shared = actor is not None and actor.provider == name.provider
    return own or (settings.base_url if shared else None)


def _stand_in(role: Role, settings: Settings, tools: Tools) -> ModelFor:
    """Return the simulated actor or the scripted user, who each know the tools by environment."""
    if role == "actor":
        from sidecritic.envs.faults import simulated_actor

        makers = {
            env: simulated_actor(specs, rates=settings.fault_rate, repair=settings.repair)
            for env, specs in tools.items()
        }
    else:
        from sidecritic.envs.users import scripted_user

        makers = {env: scripted_user(specs) for env, specs in tools.items()}

    def model_for(task: Task, seed: int) -> Model:
        return makers[task.env](task, seed)

    return model_for


def _tools(group: TaskSet) -> tuple[ToolSpec, ...]:
    benchmark: Benchmark = group.benchmark
    from sidecritic.envs.users import scripted_user

    first = group.tasks[0]
    return benchmark.environment(first, scripted_user()(first, 0)).tools
