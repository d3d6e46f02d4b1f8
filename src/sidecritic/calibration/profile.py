"""A critic profile: what a score means, and from which score an action is sent back.

A TOML file that `sidecritic calibrate` writes, valid for one critic in one version of its
weights. Rules are found by kind of proposal and domain, and thresholds by tool as well; the rule
of a tool takes precedence over that of its domain, and that over the default, a rule without a
domain.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from math import inf
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, JsonValue, ValidationError, model_validator

from sidecritic.calibration.curve import Calibration, Isotonic, Platt
from sidecritic.errors import ConfigError, first_problem
from sidecritic.recorded import Kind, is_same_file
from sidecritic.types import Record

SCHEMA_VERSION: Literal[1] = 1

_SEVEREST: tuple[Kind, ...] = ("write", "final", "other")

NEVER: Literal["never"] = "never"
"""Stands for a threshold where none keeps to the wanted false alarms: nothing is refused."""


class CalibrationRule(Record):
    """What a score of this kind of proposal means in this domain."""

    kind: Kind
    domain: str = ""
    """Such as `retail`; empty for every domain without a rule of its own."""
    right: int = Field(default=0, ge=0)
    """Right examples that it was fitted to."""
    wrong: int = Field(default=0, ge=0)
    calibration: Calibration


class ThresholdRule(Record, allow_inf_nan=False):
    """From which score, before calibration, an action is sent back."""

    kind: Kind
    domain: str = ""
    tool: str = ""
    """Name of a tool; empty for every tool without a rule of its own."""
    at: Annotated[float, Field(ge=0, le=1)] | Literal["never"]
    right: int = Field(default=0, ge=0)
    wrong: int = Field(default=0, ge=0)

    @property
    def score(self) -> float | None:
        """The threshold; `None` when nothing is refused."""
        return None if self.at == NEVER else self.at


class BandRule(Record, allow_inf_nan=False):
    """Scores, before calibration, between which the next link of a chain is asked."""

    domain: str = ""
    """Empty for every domain without a rule of its own."""
    low: Annotated[float, Field(ge=0, le=1)] | Literal["never"]
    """Below it an action is approved; at it and above, the next link decides."""
    high: Annotated[float, Field(ge=0, le=1)] | Literal["never"]
    """From it an action is sent back."""

    @model_validator(mode="after")
    def _is_ordered(self) -> Self:
        low, high = self.bounds
        if low > high:
            raise ValueError(f"low is {self.low} and high {self.high}; low may not lie above high")
        return self

    @property
    def bounds(self) -> tuple[float, float]:
        """Both as numbers; infinite where no score is high enough."""
        low, high = (inf if at == NEVER else at for at in (self.low, self.high))
        return low, high


class ProfileData(Record):
    """What a profile was fitted to."""

    files: tuple[str, ...] = ()
    """Names of the recorded files, without their folders."""
    runs: int = 0
    users: int = 0
    examples: int = 0
    digest: str = ""
    """Of every example's place, score and truth: the same digest, the same fit."""
    simulated: tuple[str, ...] = ()
    """Roles that a script or simulation played in some of the runs."""


class Profile(Record, allow_inf_nan=False):
    schema_version: Literal[1] = SCHEMA_VERSION
    name: str = Field(pattern=r"^[\w.+-]{1,64}$")
    critic: str
    """The critic's name on the command line, such as `policy`."""
    critic_version: str = ""
    """Version of what it has learned; empty for a critic that learns nothing."""
    pack: str = ""
    """Import path of the checks that stood in for the environment's own; empty for those."""
    false_alarms: float = Field(ge=0, lt=1)
    """The share of right actions that may be refused; of no account with `runs_disturbed`."""
    runs_disturbed: float | None = Field(default=None, ge=0, lt=1)
    """The share of right conversations and successful runs that may be disturbed, if it rules."""
    pass_on: float | None = Field(default=None, ge=0, le=1)
    """The share of proposals that may be handed on to the next link of a chain."""
    stronger: str = ""
    """The next link that the band was fitted with; empty when it was fitted without."""
    stronger_version: str = ""
    data: ProfileData = Field(default_factory=ProfileData)
    calibrations: tuple[CalibrationRule, ...] = Field(min_length=1)
    thresholds: tuple[ThresholdRule, ...] = Field(min_length=1)
    bands: tuple[BandRule, ...] = ()
    """Of a cascade: by domain, and one for the others."""

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        calibrated = [(rule.kind, rule.domain) for rule in self.calibrations]
        cut = [(rule.kind, rule.domain, rule.tool) for rule in self.thresholds]
        for rules in (calibrated, cut):
            if len(set(rules)) < len(rules):
                raise ValueError("two rules are for the same kind, domain and tool")
        banded = [rule.domain for rule in self.bands]
        if len(set(banded)) < len(banded) or (banded and "" not in banded):
            raise ValueError("bands need one for each domain, and one by default")
        for kind in {rule[0] for rule in (*calibrated, *cut)}:
            if (kind, "") not in calibrated or (kind, "", "") not in cut:
                raise ValueError(f"kind {kind!r} needs a calibration and a threshold by default")
        return self

    @property
    def kinds(self) -> frozenset[Kind]:
        """What it has rules for."""
        return frozenset(rule.kind for rule in self.calibrations)

    def fitted_to(self, files: Iterable[str]) -> frozenset[str]:
        """Return which of some recorded files it was fitted to, by their names."""
        return frozenset(
            file for file in files if any(is_same_file(file, own) for own in self.data.files)
        )

    @property
    def digest(self) -> str:
        """Of everything in it: two profiles of one digest judge alike."""
        return sha256(self.model_dump_json(exclude=self.unsaid).encode()).hexdigest()[:16]

    @property
    def unsaid(self) -> set[str]:
        """Fields that are not written: a profile without them has the format it always had."""
        said = {
            "pack": self.pack,
            "runs_disturbed": self.runs_disturbed is not None,
            "pass_on": self.pass_on is not None,
            "stronger": self.stronger,
            "stronger_version": self.stronger_version,
            "bands": self.bands,
        }
        return {name for name, is_said in said.items() if not is_said}

    def calibration(self, kind: Kind, domain: str) -> Platt | Isotonic | None:
        """Return what a score means; `None` for a kind that the profile does not know."""
        return next((r.calibration for r in _of(self.calibrations, kind, domain)), None)

    def threshold(self, kind: Kind, domain: str, tools: Iterable[str] = ()) -> float | None:
        """Return the lowest threshold of some tools; `None` when nothing is refused.

        A kind that the profile does not know is held to the rules of one that it does.
        """
        known = kind if kind in self.kinds else min(self.kinds, key=_SEVEREST.index)
        rules = [self._rule(known, domain, tool) for tool in set(tools) or {""}]
        return min((rule.score for rule in rules if rule.score is not None), default=None)

    def lowest(self, domain: str) -> float:
        """Return the lowest threshold that can come up in a domain; 1 when there is none.

        A critic with this threshold has feedback for every refusal.
        """
        found = (r for kind in self.kinds for r in _of(self.thresholds, kind, domain))
        return min((rule.score for rule in found if rule.score is not None), default=1.0)

    def band(self, domain: str) -> tuple[float, float] | None:
        """Return the scores from which to hand on and to refuse; `None` without bands."""
        rules = [rule for rule in self.bands if rule.domain in (domain, "")]
        return max(rules, key=lambda rule: rule.domain != "").bounds if rules else None

    def _rule(self, kind: Kind, domain: str, tool: str) -> ThresholdRule:
        """Return the most particular rule; a domain is more particular than a tool."""
        rules = _of(self.thresholds, kind, domain)
        return max(
            (rule for rule in rules if rule.tool in (tool, "")),
            key=lambda rule: (rule.domain != "", rule.tool != ""),
        )


_Rule = TypeVar("_Rule", CalibrationRule, ThresholdRule)


def _of(rules: Iterable[_Rule], kind: Kind, domain: str) -> list[_Rule]:
    """Return the rules that hold for a kind in a domain, those of the domain first."""
    here = [rule for rule in rules if rule.kind == kind and rule.domain in (domain, "")]
    return sorted(here, key=lambda rule: rule.domain == "")


# --- TOML ----------------------------------------------------------------------------------


def read_profile(text: str, source: str) -> Profile:
    """Read a profile; `source` names it in messages.

    Raises:
        ConfigError: it is not a profile, or one of another schema version.
    """
    try:
        read = tomllib.loads(text)
    except tomllib.TOMLDecodeError as cause:
        raise ConfigError(f"the profile {source} is not TOML: {cause}") from cause
    version = read.get("schema_version")
    if version != SCHEMA_VERSION:
        has = "no schema version" if version is None else f"schema version {version!r}"
        raise ConfigError(
            f"the profile {source} has {has}, and this sidecritic reads version {SCHEMA_VERSION}; "
            "write it again with `sidecritic calibrate`"
        )
    try:
        # By way of JSON, whose lists may be read as tuples.
        return Profile.model_validate_json(json.dumps(read, default=str))
    except ValidationError as cause:
        problem = first_problem(cause, "the whole")
        raise ConfigError(
            f"the profile {source} cannot be used: {problem}; write it again with "
            "`sidecritic calibrate`"
        ) from cause


def to_toml(profile: Profile) -> str:
    """Return a profile as TOML; `read_profile` returns the same one."""
    kept = profile.model_dump(mode="json", exclude=profile.unsaid)
    return "".join(f"{line}\n" for line in _table(kept, ""))


def _table(values: Mapping[str, JsonValue], path: str) -> Iterator[str]:
    """Yield plain values first: behind the header of a table they would belong to it."""
    tables: list[tuple[str, str, Mapping[str, JsonValue]]] = []
    for key, value in values.items():
        match value:
            case dict():
                tables.append((key, "[{}]", value))
            case [dict(), *_]:
                tables.extend((key, "[[{}]]", each) for each in value if isinstance(each, dict))
            case _:
                yield f"{key} = {_value(value)}"
    for key, header, table in tables:
        name = f"{path}.{key}" if path else key
        yield ""
        yield header.format(name)
        yield from _table(table, name)


def _value(value: JsonValue) -> str:
    match value:
        case str():
            # TOML allows what JSON escapes, and wants one more character escaped.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list():
            return f"[{', '.join(map(_value, value))}]"
        case _:
            return json.dumps(value)
