"""The names of critics: one, a chain of them, or an ensemble.

    NAME                         default, none, policy, head, human,
                                 llm:PROVIDER:MODEL, llm:local:FILE.gguf,
                                 decision:openai:MODEL, decision:systemone:MODEL,
                                 registry:NAME, registry:FILE#NAME
    NAME?OPTION&OPTION           how a model is asked: reason, json or token; votes=K;
                                 unverified=PROBABILITY, lookups=N; or a RENDERING, such as brief
    chain:LINK,LINK              a LINK is NAME or NAME@LOW-HIGH, its grey band
    ensemble:MEMBER,MEMBER       a MEMBER is NAME or NAME@WEIGHT; the mean of the risks
    ensemble:max:NAME,NAME       the highest risk

Neither nests: commas could not say what `chain:ensemble:...` means.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

from sidecritic.errors import ConfigError

CRITICS = (
    "default",
    "none",
    "policy",
    "head",
    "human",
    "llm:PROVIDER:MODEL",
    "llm:local:FILE.gguf",
    "decision:openai:MODEL",
    "decision:systemone:MODEL",
    "registry:NAME",
    "llm:PROVIDER:MODEL?reason&votes=5",
    "llm:PROVIDER:MODEL?RENDERING",
    "chain:NAME,NAME@LOW-HIGH",
    "ensemble:NAME,NAME@WEIGHT",
)

HUMAN = "human"

_NUMBER = r"\d{1,3}(?:\.\d+)?|\.\d+"
# Names of models may hold an @ as well: `model@20250514` is neither a band nor a weight.
_BAND = re.compile(rf"(.+)@({_NUMBER})-({_NUMBER})")
_WEIGHT = re.compile(rf"(.+)@({_NUMBER})")
_LOOSE = re.compile(r"([a-z]+)@.*")


@dataclass(frozen=True, slots=True)
class Single:
    name: str


@dataclass(frozen=True, slots=True)
class Link:
    name: str
    band: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class ChainName:
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Weighted:
    name: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class EnsembleName:
    combine: Literal["mean", "max"]
    members: tuple[Weighted, ...]


CriticName = Single | ChainName | EnsembleName

_Part = TypeVar("_Part", Link, Weighted)


def parse_critic(text: str) -> CriticName:
    """Read the name of a critic; its parts may be unknown.

    Raises:
        ConfigError: it cannot be read; the message says how to write it.
    """
    kind, _, rest = text.partition(":")
    if kind == "chain":
        links = _parts(text, rest, _link, "links; write it as chain:NAME,NAME")
        if links[-1].band is not None:
            raise ConfigError(
                f"the critic {text!r}: no link follows {links[-1].name!r} to be asked in its grey "
                "band; leave the band out, or add a link"
            )
        return ChainName(links)
    if kind == "ensemble":
        combine, _, after = rest.partition(":")
        if combine not in ("max", "mean"):
            combine, after = "mean", rest
        members = _parts(text, after, _member, "members; write it as ensemble:NAME,NAME")
        if combine == "max" and any(member.weight != 1.0 for member in members):
            raise ConfigError(f"the critic {text!r}: weights are for the mean; leave out max:")
        return EnsembleName("max" if combine == "max" else "mean", members)
    if _BAND.fullmatch(text) or _is_loose(text):
        raise ConfigError(
            f"the critic {text!r}: a grey band belongs to a link of a chain that has a next one; "
            f"write it as chain:{text.split('@')[0]}@0.1-0.6,NAME"
        )
    return Single(text)


def names_in(text: str) -> tuple[str, ...]:
    """Return the names of the critics that one name is made of.

    Raises:
        ConfigError: it cannot be read.
    """
    match parse_critic(text):
        case Single(name=name):
            return (name,)
        case ChainName(links=parts) | EnsembleName(members=parts):
            return tuple(part.name for part in parts)


def asks_a_person(text: str) -> bool:
    """Whether one of the critics is a person; not if the name cannot be read."""
    try:
        return HUMAN in names_in(text)
    except ConfigError:
        return False


def _parts(
    text: str, rest: str, read: Callable[[str, str], _Part], missing: str
) -> tuple[_Part, ...]:
    names = [part.strip() for part in rest.split(",") if part.strip()]
    if not names:
        raise ConfigError(f"the critic {text!r} has no {missing}")
    for name in names:
        if name.partition(":")[0] in ("chain", "ensemble"):
            raise ConfigError(
                f"the critic {text!r}: {name!r} stands inside another; chains and ensembles do "
                "not nest on the command line, but `Chain` and `Ensemble` do in Python"
            )
    return tuple(read(text, name) for name in names)


def _link(text: str, part: str) -> Link:
    if found := _BAND.fullmatch(part):
        low, high = float(found[2]), float(found[3])
        if not low <= high <= 1:
            raise ConfigError(
                f"the critic {text!r}: the grey band of {found[1]!r} is {low:g} to {high:g}; give "
                "two risks in [0, 1], the lower first, such as @0.1-0.6"
            )
        return Link(found[1], (low, high))
    if _is_loose(part):
        raise ConfigError(
            f"the critic {text!r}: {part!r} has no grey band that can be read; write it as "
            f"{part.split('@')[0]}@LOW-HIGH, such as @0.1-0.6"
        )
    return Link(part)


def _member(text: str, part: str) -> Weighted:
    if found := _WEIGHT.fullmatch(part):
        if not float(found[2]):
            raise ConfigError(
                f"the critic {text!r}: the weight of {found[1]!r} is 0; leave the member out"
            )
        return Weighted(found[1], float(found[2]))
    if _is_loose(part):
        raise ConfigError(
            f"the critic {text!r}: {part!r} has no weight that can be read; write it as "
            f"{part.split('@')[0]}@2"
        )
    return Weighted(part)


def _is_loose(part: str) -> bool:
    """Whether something else than a model's name stands before an @ that cannot be read."""
    return bool(_LOOSE.fullmatch(part))
