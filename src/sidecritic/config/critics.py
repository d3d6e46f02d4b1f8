"""Critics by the names that people give them; each is imported when it is asked for."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from sidecritic.config.critic_names import (
    CRITICS,
    HUMAN,
    ChainName,
    EnsembleName,
    Link,
    Single,
    names_in,
    parse_critic,
)
from sidecritic.config.parties import Hires, ModelName, is_nearby, model_name
from sidecritic.config.registered import is_registered, registered, served_by
from sidecritic.config.settings import suggestion
from sidecritic.errors import ConfigError
from sidecritic.ports import Critic, Model

if TYPE_CHECKING:
    from pathlib import Path

    from sidecritic.calibration.profile import Profile
    from sidecritic.checks.base import Pack
    from sidecritic.critics.human import Terminal


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


def connection(
    models: Hires,
    name: ModelName,
    base_url: str | None,
    *,
    lookups: int = 0,
    evidence: bool = True,
) -> Connection:
    """Return the model of that name, and what kind of server it has.

    Raises:
        ConfigError: as `Models.model` does.
    """
    model = models.model(name, base_url)
    if name.provider == "local":
        return Connection(model, "none", lookups, evidence)
    return Connection(model, "nearby" if is_nearby(base_url) else "hosted", lookups, evidence)


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a critic beside its name."""

    threshold: float | None = None
    """Score from which an action is sent back; the critic's own when it is not given."""
    profile: "Profile | None" = None
    """Calibration and thresholds for the critic, or the part of it, that it was fitted for."""
    terminal: "Terminal | None" = None
    """Where a person can be asked."""
    pack: "Pack | None" = None
    """Checks that stand in for those of the environment."""
    pack_path: str = ""
    """Where those were imported from: a profile is for the checks of one path."""


def critic_for(
    name: str, env: str, connect: Connect | None = None, *, terms: Terms | None = None
) -> Critic:
    """Return the critic of that name for an environment; `connect` gives the model it names.

    Raises:
        ConfigError: there is none, or it needs a model or a person and there is none to ask, or
            the terms are not for it.
    """
    terms = terms or Terms()
    if name == DEFAULT and terms.profile is not None and terms.profile.critic == HEAD:
        name = HEAD  # the same weights; the thresholds are the profile's
    _require_fitting(name, terms)
    maker = _Maker(env, connect, terms)
    match parse_critic(name):
        case Single():
            return maker.single(name)
        case ChainName(links=links):
            from sidecritic.critics.chain import Chain

            return maker.calibrated(name, Chain([maker.link(link) for link in links]))
        case EnsembleName(combine=combine, members=members):
            from sidecritic.critics.ensemble import THRESHOLD, Ensemble, Member

            made = [Member(maker.single(each.name), each.weight) for each in members]
            threshold = THRESHOLD if terms.threshold is None else terms.threshold
            ensemble = Ensemble(made, combine=combine, threshold=threshold)
            return maker.calibrated(name, ensemble)


def _require_fitting(name: str, terms: Terms) -> None:
    names = names_in(name)
    if terms.profile is not None and terms.threshold is not None:
        raise ConfigError(
            f"--critic-threshold {terms.threshold:g} and --profile {terms.profile.name}: a profile "
            "has thresholds of its own; give one of the two"
        )
    if terms.profile is not None and terms.profile.critic not in (name, *names):
        raise ConfigError(
            f"the profile {terms.profile.name!r} was fitted for the critic "
            f"{terms.profile.critic!r}, not for {name!r}; give --critic {terms.profile.critic}, or "
            f"fit one for {name!r} with `sidecritic calibrate`"
        )
    if terms.profile is not None:
        _require_its_pack(terms.profile, terms)
    if terms.threshold is not None and set(names) <= {"none", HUMAN}:
        raise ConfigError(f"the critic {name!r} has no threshold; leave out --critic-threshold")


def _require_its_pack(profile: "Profile", terms: Terms) -> None:
    from sidecritic.packs.registry import is_shipped

    # Without a pack, a profile is for the checks that the package has for a domain.
    own = terms.pack is None or is_shipped(terms.pack)
    if own if not profile.pack else profile.pack == terms.pack_path:
        return
    fitted = f"the checks of {profile.pack}" if profile.pack else "the package's own checks"
    asked = terms.pack_path if terms.pack is not None else "none"
    do = f"give --pack {profile.pack}" if profile.pack else "leave out the pack"
    raise ConfigError(
        f"the profile {profile.name!r} was fitted to judgements by {fitted}, and the pack here is "
        f"{asked}; {do} (`pack` of a route), or fit another profile with `sidecritic calibrate`"
    )


@dataclass(frozen=True, slots=True)
class _Maker:
    """Makes the parts of one critic, each on the terms that concern it."""

    env: str
    connect: Connect | None
    terms: Terms

    @property
    def _domain(self) -> str:
        # Where a pack stands in, `env` is whatever the operator calls it.
        return self.terms.pack.name if self.terms.pack else self.env.rpartition(":")[2]

    @property
    def _pack(self) -> "Pack":
        from sidecritic.packs import pack_for

        return self.terms.pack or pack_for(self.env)

    @property
    def _known_pack(self) -> "Pack | None":
        try:
            return self._pack
        except ConfigError:
            # A person can judge without checks, and so can a language model.
            return None

    def link(self, link: Link) -> Critic:
        if link.band is None:
            return self.single(link.name)
        from sidecritic.critics.banded import Banded

        low, high = link.band
        # Feedback is wanted for whatever lies above the band.
        return Banded(self.single(link.name, at_most=high), low=low, high=high)

    def single(self, name: str, *, at_most: float = 1.0) -> Critic:
        """Return a critic that is neither a chain nor an ensemble.

        `at_most` bounds its threshold; a profile's thresholds are on another scale.
        """
        profile = self.terms.profile
        if profile is not None and profile.critic == name:
            critic = self._of(name, profile.lowest(self._domain))
            return self.calibrated(name, critic)
        if name == DEFAULT and self.terms.threshold is None and at_most == 1.0:
            return _head(self._pack, None, name)
        if is_registered(name) and self.terms.threshold is None and at_most == 1.0:
            return self._registered(name, None)
        own = THRESHOLD if self.terms.threshold is None else self.terms.threshold
        return self._of(name, min(own, at_most))

    def calibrated(self, name: str, critic: Critic) -> Critic:
        """Return the critic with the profile around it, if it was fitted for that name."""
        profile = self.terms.profile
        if profile is None or profile.critic != name:
            return critic
        from sidecritic.calibration.critic import Calibrated

        return Calibrated(critic, profile, self._domain)

    def _registered(self, name: str, threshold: float | None) -> Critic:
        """Return a critic of a registry; a head without a threshold has its own."""
        found = registered(name)
        match found.entry.kind:
            case "head":
                return _head(self._pack, threshold, name, found.weights)
            case "lora":
                own = THRESHOLD if threshold is None else threshold
                return self._llm(served_by(found), own)

    def _of(self, name: str, threshold: float) -> Critic:
        if name.startswith("llm:"):
            return self._llm(name, threshold)
        if is_registered(name):
            return self._registered(name, threshold)
        makers: Mapping[str, Callable[[], Critic]] = {
            "none": _no_critic,
            "policy": lambda: _policy(self._pack, threshold),
            HEAD: lambda: _head(self._pack, threshold, name),
            DEFAULT: lambda: _head(self._pack, threshold, name),
            HUMAN: lambda: _human(self._known_pack, self.terms.terminal),
        }
        if name not in makers:
            raise ConfigError(f"unknown critic {name!r}{suggestion(name, CRITICS)}")
        return makers[name]()

    def _llm(self, name: str, threshold: float) -> Critic:
        asked, _, read_as = name.removeprefix("llm:").partition("?")
        named = model_name(asked, "critic")
        if named is None:
            from sidecritic.strategies.stand_in import StandIn

            connected = Connection(StandIn(), "none")
        elif self.connect is None:
            raise ConfigError(f"the critic {name!r} needs a model, and there is none to ask here")
        else:
            connected = self.connect(named)
        streamed = named is not None and named.provider == "openai"
        streamed = streamed and connected.server == "nearby"
        if read_as and read_as != "full":
            return _compact(self._pack, connected.model, read_as, threshold, streamed=streamed)
        return _llm(connected, threshold, self._known_pack, streamed=streamed)


HEAD = "head"

DEFAULT = "default"
"""The head with thresholds of its own, by domain and kind of action."""

THRESHOLD = 0.5
"""Score from which a critic that has no other threshold sends an action back."""


def _no_critic() -> Critic:
    from sidecritic.critics.base import NoCritic

    return NoCritic()


def _policy(pack: "Pack", threshold: float) -> Critic:
    from sidecritic.critics.policy import PolicyCritic

    return PolicyCritic(pack, threshold=threshold)


def _head(
    pack: "Pack", threshold: float | None, name: str, weights: "Path | None" = None
) -> Critic:
    from sidecritic.critics.head import HeadCritic
    from sidecritic.critics.head_weights import read_weights

    return HeadCritic(pack, read_weights(weights), threshold=threshold, name=name)


def _human(evidence: "Pack | None", terminal: "Terminal | None") -> Critic:
    from sidecritic.critics.human import HumanCritic

    if terminal is None:
        raise ConfigError("the critic 'human' needs a person at a terminal, and there is none here")
    return HumanCritic(terminal, evidence)


def _llm(asked: Connection, threshold: float, pack: "Pack | None", *, streamed: bool) -> Critic:
    from sidecritic.critics.llm import LLMCritic, Wire

    wire = Wire(warm_up=asked.server != "hosted", stream=streamed)
    evidence = pack if asked.evidence else None
    return LLMCritic(
        asked.model, threshold=threshold, evidence=evidence, lookups=asked.lookups, wire=wire
    )


def _compact(
    pack: "Pack", model: Model, read_as: str, threshold: float, *, streamed: bool
) -> Critic:
    from sidecritic.critics.compact import rendering
    from sidecritic.critics.compact_llm import CompactCritic
    from sidecritic.critics.llm import STREAMED

    extra = STREAMED if streamed else None
    return CompactCritic(model, pack, rendering(read_as), threshold=threshold, extra=extra)
