"""Strategies by the names that people give them.

A strategy acts, and is then a model around the actor, or it guards, and is then a critic with a
gate of its own that sits before the run's critic. `NAME:N` sets its number: rounds of review,
or drafts.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sidecritic.critics.base import NoCritic
from sidecritic.errors import ConfigError
from sidecritic.gates import Gate, Gated
from sidecritic.ports import Critic, Model
from sidecritic.settings.names import suggestion
from sidecritic.types import ToolCall

STRATEGIES = (
    "tool_calling",
    "react",
    "act",
    "reflection",
    "think",
    "reformulation",
    "best_of_n",
    "confirmation",
    "checklist",
    "reviewer",
)
GUARDS: Mapping[str, Gate] = MappingProxyType(
    {"confirmation": "writes", "checklist": "writes", "reviewer": "all"}
)
"""Strategies that judge, with what they judge."""

_NUMBERED = ("reflection", "best_of_n", "reviewer")
_TEXT = ("react", "act")


@dataclass(frozen=True, slots=True)
class Way:
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


def way_of(text: str) -> Way:
    """Read `NAME` or `NAME:N`.

    Raises:
        ConfigError: there is no such strategy, or it has no number.
    """
    name, _, number = text.partition(":")
    if name not in STRATEGIES:
        raise ConfigError(f"unknown strategy {text!r}{suggestion(name, STRATEGIES)}")
    if not number:
        return Way(name)
    if name not in _NUMBERED or not re.fullmatch(r"[1-9]\d?", number):
        raise ConfigError(
            f"strategy {text!r}: only {', '.join(_NUMBERED)} take a number, from 1 to 99"
        )
    return Way(name, int(number))


def acting(way: Way, actor: Model, helper: Model) -> Model:
    """Return the model that acts; a guard leaves the actor as it is."""
    makers: Mapping[str, Callable[[], Model]] = {
        "react": lambda: _text(way, actor),
        "act": lambda: _text(way, actor),
        "reflection": lambda: _reflection(way, actor, helper),
        "think": lambda: _think(actor),
        "reformulation": lambda: _reformulation(actor, helper),
        "best_of_n": lambda: _best_of_n(way, actor, helper),
    }
    make = makers.get(way.name)
    return make() if make is not None else _tool_calling(actor)


def _tool_calling(actor: Model) -> Model:
    from sidecritic.strategies.tool_calling import ToolCalling

    return ToolCalling(actor)


def speaking(way: Way, stand_in: Model) -> Model:
    """Return a simulated actor as the strategy needs it: it calls tools, and may have to write."""
    if way.name not in _TEXT:
        return stand_in
    from sidecritic.strategies.text_format import Spoken

    return Spoken(stand_in, thoughts=way.name == "react")


def _text(way: Way, actor: Model) -> Model:
    from sidecritic.strategies.act import Act
    from sidecritic.strategies.react import React

    return React(actor) if way.name == "react" else Act(actor)


def _reflection(way: Way, actor: Model, helper: Model) -> Model:
    from sidecritic.strategies.reflection import Reflection

    return Reflection(actor, helper, rounds=way.number or 1)


def _think(actor: Model) -> Model:
    from sidecritic.strategies.think import Think

    return Think(actor)


def _reformulation(actor: Model, helper: Model) -> Model:
    from sidecritic.strategies.reformulation import Reformulation

    return Reformulation(actor, helper)


def _best_of_n(way: Way, actor: Model, helper: Model) -> Model:
    from sidecritic.strategies.best_of_n import BestOfN

    return BestOfN(actor, helper, n=way.number or 3)


def guarded(way: Way, critic: Critic, *, gate: Gate, guard: Critic | None) -> tuple[Critic, Gate]:
    """Return the run's critic with the strategy's guard before it, and the gate for both."""
    if guard is None:
        return critic, gate
    own = GUARDS[way.name]
    if isinstance(critic, NoCritic):
        return guard, own
    from sidecritic.critics.chain import Chain

    return Chain([Gated(guard, own), Gated(critic, gate)]), "all"


def guard_for(way: Way, env: str, helper: Callable[[], Model]) -> Critic | None:
    """Return the critic that the strategy is; `None` when it acts."""
    if way.name == "confirmation":
        from sidecritic.critics.confirmation import Confirmation

        return Confirmation(mutates=_final_in(env))
    if way.name == "checklist":
        from sidecritic.critics.checklist import Checklist, PackRules
        from sidecritic.packs.registry import find_pack

        return Checklist(helper(), PackRules(find_pack(env)))
    if way.name == "reviewer":
        from sidecritic.critics.reviewer import Reviewer

        return Reviewer(helper())
    return None


def _final_in(env: str) -> Callable[[ToolCall], bool] | None:
    """Return which calls cannot be undone, where a tool's effect does not tell."""
    if not env.startswith("userbench:"):
        return None
    # One tool does everything there; only an answer changes anything.
    return lambda call: (call.arguments or {}).get("choice") == "answer"
