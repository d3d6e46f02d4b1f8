"""Strategies by name.

One that acts is a model around the actor; one that guards is a critic with its own gate, before
the run's critic. `NAME:N` sets its number: rounds of review, or drafts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidecritic.critics.base import NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.critics.checklist import Checklist, PackRules
from sidecritic.critics.confirmation import Confirmation
from sidecritic.critics.reviewer import Reviewer
from sidecritic.errors import ConfigError
from sidecritic.gates import Gate, Gated
from sidecritic.packs.registry import find_pack
from sidecritic.ports import Critic, Model
from sidecritic.settings.names import suggestion
from sidecritic.strategies.act import Act
from sidecritic.strategies.best_of_n import BestOfN
from sidecritic.strategies.react import React
from sidecritic.strategies.reflection import Reflection
from sidecritic.strategies.reformulation import Reformulation
from sidecritic.strategies.text_format import Spoken
from sidecritic.strategies.think import Think
from sidecritic.strategies.tool_calling import ToolCalling
from sidecritic.types import ToolCall

GUARDS: Mapping[str, Gate] = MappingProxyType(
    {"confirmation": "writes", "checklist": "writes", "reviewer": "all"}
)
"""Strategies that judge, with what they judge."""

_NUMBERED = ("reflection", "best_of_n", "reviewer")
_TEXT = ("react", "act")


@dataclass(frozen=True, slots=True)
class StrategyName:
    """A strategy, as it was asked for."""

    name: str
    number: int | None = None

    @property
    def needs_helper(self) -> bool:
        """Whether the acting itself has a second role."""
        return self.name in ("reflection", "reformulation", "best_of_n")

    @property
    def rounds(self) -> int | None:
        """Revisions that the supervisor allows under this strategy; `None` leaves them alone."""
        return self.number if self.name == "reviewer" else None


def parse_strategy(text: str) -> StrategyName:
    """Read `NAME` or `NAME:N`.

    Raises:
        ConfigError: there is no such strategy, or it has no number.
    """
    name, _, number = text.partition(":")
    if name not in STRATEGIES:
        raise ConfigError(f"unknown strategy {text!r}{suggestion(name, STRATEGIES)}")
    if not number:
        return StrategyName(name)
    if name not in _NUMBERED or not re.fullmatch(r"[1-9]\d?", number):
        raise ConfigError(
            f"strategy {text!r}: only {', '.join(_NUMBERED)} take a number, from 1 to 99"
        )
    return StrategyName(name, int(number))


_ACTING: Mapping[str, Callable[[StrategyName, Model, Model], Model]] = MappingProxyType(
    {
        "tool_calling": lambda strategy, actor, helper: ToolCalling(actor),
        "react": lambda strategy, actor, helper: React(actor),
        "act": lambda strategy, actor, helper: Act(actor),
        "reflection": lambda strategy, actor, helper: Reflection(
            actor, helper, rounds=strategy.number or 1
        ),
        "think": lambda strategy, actor, helper: Think(actor),
        "reformulation": lambda strategy, actor, helper: Reformulation(actor, helper),
        "best_of_n": lambda strategy, actor, helper: BestOfN(actor, helper, n=strategy.number or 3),
    }
)
STRATEGIES = (*_ACTING, *GUARDS)


def acting(strategy: StrategyName, actor: Model, helper: Model) -> Model:
    """Return the model that acts; a guard leaves the actor as it is."""
    make = _ACTING.get(strategy.name, _ACTING["tool_calling"])
    return make(strategy, actor, helper)


def speaking(strategy: StrategyName, stand_in: Model) -> Model:
    """Return a simulated actor as the strategy needs it: it calls tools, and may have to write."""
    if strategy.name not in _TEXT:
        return stand_in
    return Spoken(stand_in, thoughts=strategy.name == "react")


def guarded(
    strategy: StrategyName, critic: Critic, *, gate: Gate, guard: Critic | None
) -> tuple[Critic, Gate]:
    """Return the run's critic with the strategy's guard before it, and the gate for both."""
    if guard is None:
        return critic, gate
    own = GUARDS[strategy.name]
    if isinstance(critic, NoCritic):
        return guard, own
    return Chain([Gated(guard, own), Gated(critic, gate)]), "all"


def guard_for(strategy: StrategyName, env: str, helper: Callable[[], Model]) -> Critic | None:
    """Return the critic that the strategy is; `None` when it acts."""
    if strategy.name == "confirmation":
        return Confirmation(mutates=_final_in(env))
    if strategy.name == "checklist":
        return Checklist(helper(), PackRules(find_pack(env)))
    if strategy.name == "reviewer":
        return Reviewer(helper())
    return None


def _final_in(env: str) -> Callable[[ToolCall], bool] | None:
    """Return which calls cannot be undone, where a tool's effect does not tell."""
    if not env.startswith("userbench:"):
        return None
    # One tool does everything there; only an answer changes anything.
    return lambda call: (call.arguments or {}).get("choice") == "answer"
