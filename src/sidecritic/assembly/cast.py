"""The parties of a run, from its settings."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from sidecritic.assembly.benchmarks import PROCEDURES, TAU, USERBENCH
from sidecritic.assembly.critics import Connection, Terms, connect_by, critic_for
from sidecritic.assembly.models import DryRun, Models
from sidecritic.assembly.strategies import (
    StrategyName,
    acting,
    guard_for,
    guarded,
    parse_strategy,
    speaking,
)
from sidecritic.envs.procedures.simulated import simulated_agent as desk_agent
from sidecritic.envs.userbench.simulated import rule_based_user, simulated_agent
from sidecritic.gates import Gate
from sidecritic.models.wrappers import Calling, Sampled
from sidecritic.ports import Critic, Model, ModelFor
from sidecritic.rollouts.plan import Cast
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.model_names import ModelName, model_name
from sidecritic.simulation.actor import simulated_actor
from sidecritic.simulation.scripted_user import scripted_user
from sidecritic.strategies.stand_in import StandIn
from sidecritic.strategies.users import with_strategy
from sidecritic.types import Sampling, Task, ToolSpec

Tools = Mapping[str, tuple[ToolSpec, ...]]
Source = Models | DryRun


def cast_for(settings: Settings, models: Source, tools: Tools, terms: Terms) -> Cast:
    """Return who plays; `tools` are by environment.

    In a dry run, simulated parties stand in for the models and report what these would cost.

    Raises:
        ConfigError: a name or value that cannot be used.
    """
    if isinstance(models, DryRun):
        named = (model_name(settings.actor, "actor"), model_name(settings.user, "user"))
        models.models.update(name.model for name in named if name is not None)
    parties = _Parties(settings, models, tools, parse_strategy(settings.strategy))
    judging = {env: parties.judging(env, terms) for env in settings.env}
    limits, rounds = settings.limits, parties.strategy.rounds
    return Cast(
        actor=parties.actor(),
        user=parties.user(),
        critic=lambda env: judging[env][0],
        gate=judging[settings.env[0]][1],
        limits=limits if rounds is None else limits.model_copy(update={"max_revisions": rounds}),
        sampling=Sampling(temperature=settings.temperature),
    )


@dataclass(frozen=True, slots=True)
class _Parties:
    settings: Settings
    models: Source
    tools: Tools
    strategy: StrategyName

    def judging(self, env: str, terms: Terms) -> tuple[Critic, Gate]:
        """Return the critic for an environment, and what it judges."""
        guard = guard_for(self.strategy, env, self._helper)
        critic = self._critic(env, terms)
        return guarded(self.strategy, critic, gate=self.settings.gate, guard=guard)

    def actor(self) -> ModelFor:
        settings, strategy = self.settings, self.strategy
        name = model_name(settings.actor, "actor")
        helper = self._helper() if strategy.needs_helper and settings.helper != "same" else None
        if name is None or isinstance(self.models, DryRun):
            second = helper or self._helper()
            makers = {env: self._simulated(env, specs) for env, specs in self.tools.items()}

            def actor_for(task: Task, seed: int) -> Model:
                simulated = speaking(strategy, makers[task.env](task, seed))
                return acting(strategy, self._metered(simulated, name), second)

            return actor_for
        actor = self._model(name, settings.base_url)
        # In UserBench the actor can do nothing but call.
        bound = {env: Calling(actor) if env.startswith(USERBENCH) else actor for env in self.tools}
        by_env = {env: acting(strategy, model, helper or actor) for env, model in bound.items()}
        return lambda task, seed: by_env[task.env]

    def user(self) -> ModelFor:
        settings = self.settings
        name = model_name(settings.user, "user")
        if name is None or isinstance(self.models, DryRun):
            makers = {
                env: rule_based_user() if env.startswith(USERBENCH) else scripted_user(specs)
                for env, specs in self.tools.items()
            }
            return lambda task, seed: self._metered(makers[task.env](task, seed), name)
        model = self._model(name, settings.user_base_url)

        def user_for(task: Task, seed: int) -> Model:
            # A conversation asks its user without saying how to sample: that is settled here.
            # UserBench's judgements prescribe it.
            if task.env.startswith(USERBENCH):
                return model
            user = with_strategy(model, settings.user_strategy)
            return Sampled(user, Sampling(temperature=settings.user_temperature, seed=seed))

        return user_for

    def _critic(self, env: str, terms: Terms) -> Critic:
        settings = self.settings

        def connect(name: ModelName) -> Connection:
            base_url = self._base_url(settings.critic_base_url, name)
            lookups, evidence = settings.critic_lookups, settings.critic_evidence
            return connect_by(self.models, base_url, lookups=lookups, evidence=evidence)(name)

        # The actor's own model in the critic's role.
        called = re.sub(r"\bllm:actor\b", lambda _: f"llm:{settings.actor}", settings.critic)
        return critic_for(called, env, connect, terms=terms)

    def _helper(self) -> Model:
        """Return the model of a strategy's second role, simulated for a simulated actor."""
        settings = self.settings
        same = settings.helper == "same"
        name = model_name(settings.actor if same else settings.helper, "helper")
        if name is None:
            return StandIn()
        return self._model(name, settings.base_url if same else settings.helper_base_url)

    def _model(self, name: ModelName, own: str | None) -> Model:
        return self.models.model(name, self._base_url(own, name))

    def _base_url(self, own: str | None, name: ModelName) -> str | None:
        """Return the role's own server, else the actor's if that is of the same provider."""
        actor = model_name(self.settings.actor, "actor")
        shared = actor is not None and actor.provider == name.provider
        return own or (self.settings.base_url if shared else None)

    def _metered(self, model: Model, name: ModelName | None) -> Model:
        """Return a stand-in that reports what the model of that name would cost, if it has one."""
        if name is None or not isinstance(self.models, DryRun):
            return model
        return self.models.metered(model, name)

    def _simulated(self, env: str, specs: tuple[ToolSpec, ...]) -> ModelFor:
        rate, repair = self.settings.fault_rate, self.settings.repair
        if env.startswith(USERBENCH):
            return simulated_agent(rate=rate, repair=repair)
        if env == PROCEDURES:
            return desk_agent(rate=rate, repair=repair)
        return simulated_actor(specs, rates=rate, repair=repair, greeted=env not in TAU)
