"""Critics by name."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sidecritic.assembly.model_critics import (
    Checks,
    Connect,
    Connection,
    connect_by,
    is_model_critic,
    model_critic,
)
from sidecritic.assembly.packs import default_pack
from sidecritic.assembly.registered import is_registered, registered, served_by
from sidecritic.checks.base import Pack
from sidecritic.critics.banded import Banded
from sidecritic.critics.base import THRESHOLD, NoCritic
from sidecritic.critics.chain import Chain
from sidecritic.critics.ensemble import Ensemble, Member
from sidecritic.critics.head import HeadCritic
from sidecritic.critics.head_weights import read_weights
from sidecritic.critics.human import HumanCritic, Terminal
from sidecritic.critics.policy import PolicyCritic
from sidecritic.errors import ConfigError
from sidecritic.packs import pack_for
from sidecritic.packs.registry import find_pack, is_shipped
from sidecritic.ports import Critic
from sidecritic.recorded import domain_of
from sidecritic.settings.critic_names import (
    CRITICS,
    HUMAN,
    ChainName,
    EnsembleName,
    Link,
    Single,
    names_in,
    parse_critic,
)
from sidecritic.settings.names import suggestion

if TYPE_CHECKING:
    from sidecritic.calibration.profile import Profile

__all__ = ["HEAD", "Connection", "Terms", "connect_by", "critic_for"]

HEAD = "head"


@dataclass(frozen=True, slots=True)
class Terms:
    """What a critic is given along with its name."""

    threshold: float | None = None
    """Score from which an action is sent back; the critic's own when it is not given."""
    profile: "Profile | None" = None
    """Calibration and thresholds for the critic, or the part of it, that it was fitted for."""
    terminal: Terminal | None = None
    """Where a person can be asked."""
    pack: Pack | None = None
    """Checks that stand in for those of the environment."""
    pack_path: str = ""
    """Where those were imported from: a profile is for the checks of one path."""
    confirm: tuple[str, ...] = ()
    """Tools, by name or glob, before whose calls the policy demands the user's yes."""


def critic_for(
    name: str, env: str, connect: Connect | None = None, *, terms: Terms | None = None
) -> Critic:
    """Return the critic of that name for an environment; `connect` gives the model it names.

    Raises:
        ConfigError: it is unknown, lacks a model or a person to ask, or the terms are not for it.
    """
    terms = terms or Terms()
    _require_fitting(name, terms)
    maker = _Maker(env, connect, terms)
    match parse_critic(name):
        case Single():
            return maker.single(name)
        case ChainName(links=links):
            return maker.calibrated(name, Chain(maker.links(links)))
        case EnsembleName(combine=combine, members=members):
            made = [Member(maker.single(each.name), each.weight) for each in members]
            threshold = THRESHOLD if terms.threshold is None else terms.threshold
            ensemble = Ensemble(made, combine=combine, threshold=threshold)
            return maker.calibrated(name, ensemble)


def _require_fitting(name: str, terms: Terms) -> None:
    names = names_in(name)
    if (profile := terms.profile) is not None:
        if terms.threshold is not None:
            raise ConfigError(
                f"--critic-threshold {terms.threshold:g} and --profile {profile.name}: a profile "
                "has its own thresholds; give one of the two"
            )
        if profile.critic not in (name, *names):
            raise ConfigError(
                f"the profile {profile.name!r} was fitted for the critic {profile.critic!r}, not "
                f"for {name!r}; give --critic {profile.critic}, or fit one for {name!r} with "
                "`sidecritic calibrate`"
            )
        _require_its_pack(profile, terms)
    if terms.threshold is not None and set(names) <= {"none", HUMAN}:
        raise ConfigError(f"the critic {name!r} has no threshold; leave out --critic-threshold")


def _require_its_pack(profile: "Profile", terms: Terms) -> None:
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
        return self.terms.pack.name if self.terms.pack else domain_of(self.env)

    @property
    def _pack(self) -> Pack:
        return self.terms.pack or pack_for(self.env)

    @property
    def _default_pack(self) -> Pack:
        """What is checked everywhere, and what the domain demands where a pack knows it."""
        return default_pack(self.terms.pack or find_pack(self.env), self.terms.confirm)

    @property
    def _known_pack(self) -> Pack | None:
        try:
            return self._pack
        except ConfigError:
            # A person can judge without checks, and so can a language model.
            return None

    def links(self, links: Sequence[Link]) -> list[Critic]:
        """Return the links of a chain; one that a profile has a band for hands on by it."""
        profile = self.terms.profile
        made = [self._link(link, is_last=link is links[-1]) for link in links]
        if profile is not None and profile.bands:
            from sidecritic.calibration.critic import require_stronger  # it loads numpy

            pairs = zip(links, links[1:], made[1:], strict=False)
            for each, following, critic in pairs:
                if each.name == profile.critic:
                    require_stronger(profile, critic, following.name)
        return made

    def _link(self, link: Link, *, is_last: bool) -> Critic:
        profile = self.terms.profile
        if profile is not None and profile.bands and profile.critic == link.name and not is_last:
            return self._hands_on(link, profile)
        if link.band is None:
            return self.single(link.name)
        low, high = link.band
        # Feedback is wanted for whatever lies above the band.
        return Banded(self.single(link.name, at_most=high), low=low, high=high)

    def _hands_on(self, link: Link, profile: "Profile") -> Critic:
        if link.band is not None:
            raise ConfigError(
                f"the link {link.name!r} has a grey band of its own, and the profile "
                f"{profile.name!r} another; leave @{link.band[0]:g}-{link.band[1]:g} out"
            )
        from sidecritic.calibration.critic import HandsOn  # it loads numpy

        critic = self._of(link.name, profile.lowest(self._domain))
        return HandsOn(critic, profile, self._domain)

    def single(self, name: str, *, at_most: float = 1.0) -> Critic:
        """Return a critic that is neither a chain nor an ensemble.

        `at_most` bounds its threshold; a profile's thresholds are on another scale.
        """
        profile = self.terms.profile
        if profile is not None and profile.critic == name:
            critic = self._of(name, profile.lowest(self._domain))
            return self.calibrated(name, critic)
        if is_registered(name) and self.terms.threshold is None and at_most == 1.0:
            return self._registered(name, None)
        own = THRESHOLD if self.terms.threshold is None else self.terms.threshold
        return self._of(name, min(own, at_most))

    def calibrated(self, name: str, critic: Critic) -> Critic:
        """Return the critic with the profile around it, if it was fitted for that name."""
        profile = self.terms.profile
        if profile is None or profile.critic != name:
            return critic
        from sidecritic.calibration.critic import Calibrated  # it loads numpy

        return Calibrated(critic, profile, self._domain)

    def _registered(self, name: str, threshold: float | None) -> Critic:
        """Return a critic of a registry; a head without a threshold has its own."""
        found = registered(name)
        match found.entry.kind:
            case "head":
                return self._head(name, threshold, found.weights)
            case "lora":
                own = THRESHOLD if threshold is None else threshold
                return self._llm(served_by(found), own)

    def _of(self, name: str, threshold: float) -> Critic:
        match name:
            case "none":
                return NoCritic()
            case "default":
                return PolicyCritic(self._default_pack, threshold=threshold, name=name)
            case "policy":
                return PolicyCritic(self._pack, threshold=threshold, name=name)
            case "head":
                return self._head(name, threshold)
            case "human":
                return self._human()
            case _ if is_model_critic(name):
                return self._llm(name, threshold)
            case _ if is_registered(name):
                return self._registered(name, threshold)
            case _:
                raise ConfigError(f"unknown critic {name!r}{suggestion(name, CRITICS)}")

    def _head(self, name: str, threshold: float | None, weights: Path | None = None) -> Critic:
        # Weights of one's own may be of a domain without a pack: they know what `default` checks.
        known = self._known_pack if weights is not None else self._pack
        pack = known or self._default_pack
        return HeadCritic(pack, read_weights(weights), threshold=threshold, name=name)

    def _human(self) -> Critic:
        if self.terms.terminal is None:
            raise ConfigError("the critic 'human' needs a person at a terminal; there is none here")
        return HumanCritic(self.terms.terminal, self._known_pack)

    def _llm(self, name: str, threshold: float) -> Critic:
        checks = Checks(needed=lambda: self._pack, known=lambda: self._default_pack)
        return model_critic(name, self.connect, threshold, checks)
