"""Who plays in a run: settings to a cast."""

import re
from collections.abc import Mapping

from pydantic import JsonValue

from sidecritic.config.benchmarks import TAU, USERBENCH
from sidecritic.config.critic_names import asks_a_person
from sidecritic.config.critics import Connection, Terms, connection, critic_for
from sidecritic.config.hiring import Models
from sidecritic.config.parties import ModelName, Role, model_name
from sidecritic.config.rehearsal import Rehearsal
from sidecritic.config.settings import Settings
from sidecritic.config.strategies import Way, acting, guard_for, guarded, speaking, way_of
from sidecritic.gates import Gate
from sidecritic.ports import Critic, Model, ModelFor
from sidecritic.rollouts import Cast
from sidecritic.types import Sampling, Task, ToolSpec

Tools = Mapping[str, tuple[ToolSpec, ...]]
Hiring = Models | Rehearsal
"""Where models come from: servers, or a rehearsal without any."""


def cast_for(settings: Settings, models: Hiring, tools: Tools, terms: Terms) -> Cast:
    """Return who plays; `tools` are those of each environment.

    In a rehearsal, simulated parties stand in for the models and report what these would cost.

    Raises:
        ConfigError: a name or value that cannot be used.
    """
    if isinstance(models, Rehearsal):
        hired = (model_name(settings.actor, "actor"), model_name(settings.user, "user"))
        models.models.update(name.model for name in hired if name is not None)
    way = way_of(settings.strategy)
    gates: list[Gate] = []
    critics: dict[str, Critic] = {}
    for env in settings.env:
        guard = guard_for(way, env, lambda: _helper(settings, models))
        critic, gate = guarded(
            way, _critic(env, settings, models, terms), gate=settings.gate, guard=guard
        )
        critics[env] = critic
        gates.append(gate)
    limits = settings.limits
    if way.rounds is not None:
        limits = limits.model_copy(update={"max_revisions": way.rounds})
    return Cast(
        actor=_actor(way, settings, models, tools),
        user=_user(settings, models, tools),
        critic=critics.__getitem__,
        gate=gates[0],
        limits=limits,
        sampling=Sampling(temperature=settings.temperature),
    )


def _actor(way: Way, settings: Settings, models: Hiring, tools: Tools) -> ModelFor:
    name = model_name(settings.actor, "actor")
    helper = _helper(settings, models) if way.needs_helper and settings.helper != "same" else None
    if name is None or isinstance(models, Rehearsal):
        second = helper or _helper(settings, models)
        stand_in = _stand_in("actor", settings, tools)

        def actor_for(task: Task, seed: int) -> Model:
            simulated = speaking(way, stand_in(task, seed))
            return acting(way, _metered(simulated, name, models), second)

        return actor_for
    actor = _model(name, settings.base_url, settings, models)
    by_env = {env: acting(way, _bound(actor, env), helper or actor) for env in tools}
    return lambda task, seed: by_env[task.env]


def _metered(model: Model, name: ModelName | None, models: Hiring) -> Model:
    """Return a stand-in that reports what the model of that name would cost, if it is for one."""
    if name is None or not isinstance(models, Rehearsal):
        return model
    return models.metered(model, name)


def _bound(actor: Model, env: str) -> Model:
    """Return the actor, made to call where all that one can do is a call."""
    if not env.startswith(USERBENCH):
        return actor
    from sidecritic.models.wrappers import Calling

    return Calling(actor)


def _helper(settings: Settings, models: Hiring) -> Model:
    """Return the model of a strategy's second role; a simulated actor has a simulated helper."""
    text = settings.actor if settings.helper == "same" else settings.helper
    name = model_name(text, "helper")
    if name is None:
        from sidecritic.strategies.stand_in import StandIn

        return StandIn()
    own = settings.base_url if settings.helper == "same" else settings.helper_base_url
    return _model(name, own, settings, models)


def _user(settings: Settings, models: Hiring, tools: Tools) -> ModelFor:
    name = model_name(settings.user, "user")
    if name is None or isinstance(models, Rehearsal):
        stand_in = _stand_in("user", settings, tools)
        return lambda task, seed: _metered(stand_in(task, seed), name, models)
    model = _model(name, settings.user_base_url, settings, models)
    from sidecritic.models.wrappers import Sampled
    from sidecritic.strategies.users import with_strategy

    def user_for(task: Task, seed: int) -> Model:
        # A conversation asks its user without saying how to sample: that is settled here.
        # UserBench's judgements prescribe it.
        if task.env.startswith(USERBENCH):
            return model
        user = with_strategy(model, settings.user_strategy)
        return Sampled(user, Sampling(temperature=settings.user_temperature, seed=seed))

    return user_for


def terms_for(settings: Settings) -> Terms:
    """Return what is asked of the critic, profile, pack and terminal at hand.

    Raises:
        ConfigError: profile or pack cannot be used, or the critic asks a person and there is none.
    """
    from sidecritic.config.packs import pack_of
    from sidecritic.config.profiles import profile_for
    from sidecritic.config.terminals import terminal_here

    return Terms(
        threshold=settings.critic_threshold,
        profile=profile_for(settings.profile) if settings.profile is not None else None,
        terminal=terminal_here() if asks_a_person(settings.critic) else None,
        pack=pack_of(settings.pack, settings.env),
        pack_path=settings.pack or "",
    )


def named(terms: Terms) -> dict[str, JsonValue]:
    """Return the profile as `run.json` keeps it: not where it lay, but what it was."""
    if terms.profile is None:
        return {}
    return {"profile": {"name": terms.profile.name, "digest": terms.profile.digest}}


def _critic(env: str, settings: Settings, models: Hiring, terms: Terms) -> Critic:
    def connect(name: ModelName) -> Connection:
        base_url = _base_url(settings.critic_base_url, name, settings)
        lookups, evidence = settings.critic_lookups, settings.critic_evidence
        return connection(models, name, base_url, lookups=lookups, evidence=evidence)

    # The actor's own model in the critic's role.
    called = re.sub(r"\bllm:actor\b", lambda _: f"llm:{settings.actor}", settings.critic)
    return critic_for(called, env, connect, terms=terms)


def _model(name: ModelName, own: str | None, settings: Settings, models: Hiring) -> Model:
    return models.model(name, _base_url(own, name, settings))


def _base_url(own: str | None, name: ModelName, settings: Settings) -> str | None:
    """Return the role's own server, else the actor's if that is of the same provider."""
    actor = model_name(settings.actor, "actor")
    shared = actor is not None and actor.provider == name.provider
    return own or (settings.base_url if shared else None)


def _stand_in(role: Role, settings: Settings, tools: Tools) -> ModelFor:
    """Return the simulated actor or the scripted user, who each know the tools by environment."""
    make = _simulated if role == "actor" else _scripted
    makers = {env: make(env, settings, specs) for env, specs in tools.items()}
    return lambda task, seed: makers[task.env](task, seed)


def _simulated(env: str, settings: Settings, specs: tuple[ToolSpec, ...]) -> ModelFor:
    if env.startswith(USERBENCH):
        from sidecritic.envs.userbench.simulated import simulated_agent

        return simulated_agent(rate=settings.fault_rate, repair=settings.repair)
    from sidecritic.simulation.actor import simulated_actor

    return simulated_actor(
        specs, rates=settings.fault_rate, repair=settings.repair, greeted=env not in TAU
    )


def _scripted(env: str, settings: Settings, specs: tuple[ToolSpec, ...]) -> ModelFor:
    if env.startswith(USERBENCH):
        from sidecritic.envs.userbench.simulated import rule_based_user

        return rule_based_user()
    from sidecritic.simulation.scripted_user import scripted_user

    return scripted_user(specs)
