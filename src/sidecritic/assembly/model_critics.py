"""Critics that ask a model: in chat, or over a decision endpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sidecritic.assembly.models import ModelSource
from sidecritic.checks.base import Pack
from sidecritic.critics.asking.wire import STREAMED, Way, Wire
from sidecritic.critics.compact import rendering
from sidecritic.critics.compact_llm import CompactCritic
from sidecritic.critics.llm import LLMCritic
from sidecritic.errors import ConfigError
from sidecritic.ports import Critic, Model
from sidecritic.settings.asking_options import AskingOptions, asking_options
from sidecritic.settings.model_names import ModelName, decision_name, is_nearby, model_name
from sidecritic.strategies.stand_in import StandIn


@dataclass(frozen=True, slots=True)
class Connection:
    """The model that a critic asks."""

    model: Model
    server: Literal["hosted", "nearby", "none"] = "nearby"
    """A hosted one bills each request, warm-ups as well; a local model has none."""
    lookups: int = 0
    """Facts that the critic may look up for one verdict."""
    evidence: bool = True
    """Whether what the checks of its environment notice stands in its prompt."""


Connect = Callable[[ModelName], Connection]


def connect_by(
    models: ModelSource, base_url: str | None, *, lookups: int = 0, evidence: bool = True
) -> Connect:
    """Return what connects to models of that server; it raises as `Models.model` does."""

    def connect(name: ModelName) -> Connection:
        server = "nearby" if is_nearby(base_url) else "hosted"
        local = name.provider == "local"
        model = models.model(name, base_url)
        return Connection(model, "none" if local else server, lookups, evidence)

    return connect


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a critic's environment, made when they are wanted."""

    needed: Callable[[], Pack]
    """Raises `ConfigError` where there are none."""
    known: Callable[[], Pack | None]


def is_model_critic(name: str) -> bool:
    """Whether a critic asks a model that its name names."""
    return name.startswith(("llm:", "decision:"))


def model_critic(name: str, connect: Connect | None, threshold: float, checks: Checks) -> Critic:
    """Return the critic that asks the model of that name.

    Raises:
        ConfigError: the model or an option is unknown, or no model can be called here.
    """
    kind, _, rest = name.partition(":")
    is_decision = kind == "decision"
    plain, options = asking_options(rest, is_decision=is_decision)
    named = decision_name(plain) if is_decision else model_name(plain, "critic")
    if named is None:
        connected = Connection(StandIn(), "none")
    elif connect is None:
        raise ConfigError(f"the critic {name!r} needs a model, and none can be called here")
    else:
        connected = connect(named)
    openai = named is not None and named.provider == "openai"
    streamed = openai and connected.server == "nearby"
    if options.rendering:
        form = rendering(options.rendering)
        pack = checks.needed()
        extra = STREAMED if streamed else None
        return CompactCritic(connected.model, pack, form, threshold=threshold, extra=extra)
    return LLMCritic(
        connected.model,
        threshold=threshold,
        evidence=checks.known() if connected.evidence else None,
        lookups=connected.lookups if options.lookups is None else options.lookups,
        wire=Wire(
            verdict="decision" if is_decision else _way(options),
            votes=options.votes,
            unverified=options.unverified,
            warm_up=connected.server != "hosted" and options.votes == 1,
            stream=streamed,
        ),
    )


def _way(options: AskingOptions) -> Way:
    return "logprobs" if options.way == "token" else options.way
