"""Supervision in process, with the names that the gateway knows.

    client = supervise(OpenAI(), policy=Path("policy.md"), critic="llm:openai:MODEL", tools=EFFECTS)

Names become critics, files become policies and rules for tools; all of it when it is given.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypedDict, TypeVar, Unpack

from sidecritic.adapters import turns
from sidecritic.assembly.critics import Connection, Terms, connect_by, critic_for
from sidecritic.assembly.models import Models
from sidecritic.assembly.packs import pack_at
from sidecritic.assembly.programs.tool_rules import Tools, rules_of
from sidecritic.gates import GATES, Gate
from sidecritic.gateway.inprocess import supervise as plain
from sidecritic.gateway.inprocess.supervise import Options
from sidecritic.ports import Critic
from sidecritic.seats.arguments import prose_of, require_critic
from sidecritic.seats.shared_critic import SharedCritic
from sidecritic.seats.tools import Mode
from sidecritic.settings.environment import keys_from_environment
from sidecritic.settings.evaluation import Settings
from sidecritic.settings.model_names import ModelName
from sidecritic.settings.names import choice
from sidecritic.settings.profiles import profile_at
from sidecritic.trace import Event
from sidecritic.types import Limits

if TYPE_CHECKING:
    from sidecritic.checks.base import Pack

_Client = TypeVar("_Client")

TIMEOUT = 30.0
"""Seconds for one answer of a critic's model, as in the gateway."""


class Supervising(TypedDict, total=False):
    """What may be left out of `supervise`."""

    mode: Mode
    gate: Gate
    options: Options


def supervise(
    client: _Client,
    *,
    critic: Critic | str,
    policy: str | Path = "",
    tools: Tools = (),
    **more: Unpack[Supervising],
) -> _Client:
    """Return the client, `OpenAI` or `Anthropic` or the async kind of either, supervised.

    `critic` is a name as in `gateway.toml`, or a critic; clients that give one name share one
    critic. `policy` is prose, or a file that holds it: a `Path`, or one line that ends in `.md` or
    `.txt`; without it the system prompt of each request is the policy. `tools` says what they may
    do, see `rules_of`. `mode`, `gate` and `options` as in the gateway.

    Requests still travel through the given client's `http_client`, with its proxies, certificates
    and hooks; closing the returned client closes both.

    Raises:
        ConfigError: the client is of another class, or what else is given cannot be used.
    """
    options = more.get("options") or Options()
    more["options"] = replace(options, tools=(*rules_of(tools), *rules_of(options.tools)))
    return plain.supervise(client, critic=named_or_given(critic), policy=policy, **more)


class Overseeing(TypedDict, total=False):
    """What may be left out of an `Oversight`."""

    trust_annotations: bool
    limits: Limits
    hand_over_text: str
    unknown: Literal["block", "pass"]
    on_turn: Callable[[Sequence[Event]], None] | None


class Oversight(turns.Oversight):
    """Who judges an agent of a framework, by which rules, and what happens to what is refused.

    The same as for `supervise`: a critic or its name, prose or a file, effects of tools. The rest
    is as documented on the fields.
    """

    __slots__ = ()

    def __init__(
        self,
        critic: Critic | str,
        policy: str | Path = "",
        gate: Gate = "writes+final",
        tools: Tools = (),
        **more: Unpack[Overseeing],
    ) -> None:
        """Take what is given, and check it.

        Raises:
            ConfigError: it cannot be used.
        """
        gate = choice("gate", gate, GATES)
        super().__init__(named_or_given(critic), prose_of(policy), gate, rules_of(tools), **more)
        choice("value of unknown", self.unknown, ("block", "pass"))


def critic_by_name(
    name: str,
    *,
    base_url: str | None = None,
    pack: "Pack | str | None" = None,
    threshold: float | None = None,
    profile: str | Path | None = None,
    timeout: float = TIMEOUT,
) -> Critic:
    """Return the critic of a name that `--critic` and `gateway.toml` know.

    Clients, loops and threads may share it. `base_url` is where its model is served, `pack` the
    checks of a domain or where they are, as `module:NAME`, `threshold` the risk from which an
    action is refused, `profile` one of `sidecritic calibrate`; `timeout` is in seconds, for each
    answer of its model.

    Raises:
        ConfigError: the name, or what else is given, cannot be used.
    """
    stack, asked = AsyncExitStack(), list[ModelName]()
    models = Models(
        Settings(timeout=timeout, attempts=1, concurrency=64), keys_from_environment(), stack
    )
    by = connect_by(models, base_url)

    def connect(named: ModelName) -> Connection:
        asked.append(named)
        return by(named)

    found = pack_at(pack) if isinstance(pack, str) else pack
    terms = Terms(
        threshold=threshold,
        profile=profile_at(Path(profile)) if profile else None,
        pack=found,
        pack_path=pack if isinstance(pack, str) else "",
    )
    critic = critic_for(name, "in process", connect, terms=terms)
    # What needs no connection needs no thread.
    return SharedCritic(critic, stack.aclose) if asked else critic


def named_or_given(critic: Critic | str) -> Critic:
    """Return the critic of that name, or the one that is given.

    Raises:
        ConfigError: it is neither.
    """
    if not isinstance(critic, str):
        return require_critic(critic)
    keys = tuple(sorted(keys_from_environment().by_provider.items()))
    return _named(critic, keys) if "llm:" in critic else critic_by_name(critic)


@lru_cache(maxsize=16)
def _named(name: str, _: tuple[tuple[str, str], ...]) -> Critic:
    """Return one critic for all that name it, as long as the API keys are the same."""
    return critic_by_name(name)
