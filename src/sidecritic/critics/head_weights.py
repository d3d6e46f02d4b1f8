"""What the head critic has learned: a small file of numbers, checked before it is used.

A *cell* is one domain and one kind of action. Its numbers are logits: an intercept, an offset
for some tools, and a weight of at least 0 for each flag that training has seen. A flag that it
has not seen counts by the prior risk that its check gives it, and so does every flag of a
domain that was not trained on.
"""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from math import exp, log
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from sidecritic.errors import ConfigError, first_problem
from sidecritic.types import Flag, Record

SCHEMA_VERSION: Literal[2] = 2
SHIPPED = "head-1.json"
POWER = 1.5
"""Objections count as the norm of this power of their weights.

Between adding up (1), by which a pile of hints outweighs what records prove, and the strongest
alone (infinity): what is noticed in one talk is not independent.
"""

HeadKind = Literal["write", "final"]
"""A call that may change records; a farewell or a transfer."""

_MOST = 0.98
"""A prior risk of 1 would be an infinite weight."""

Weight = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(gt=0, lt=1)]


class Cell(Record, allow_inf_nan=False):
    """One domain and one kind of action."""

    base: Share
    """Share of wrong actions: what the prior risk of a flag is compared with."""
    intercept: float
    tools: dict[str, float] = {}
    """Offsets; a tool without one has none."""
    against: dict[str, Weight] = {}
    """Weight of a flag that speaks against an action, by its name."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Risk from which an action is sent back."""
    right: int = 0
    """Right actions that it was fitted to."""
    wrong: int = 0

    def prior(self, flag: Flag) -> float:
        """Return the weight of a flag that training has not seen, or is pulled towards."""
        lift = logit(min(max(flag.risk, self.base), _MOST)) - logit(self.base)
        return max(0.0, lift)

    def weight(self, flag: Flag) -> float:
        """Return how much a flag counts, in logits."""
        known = self.against.get(flag.name)
        return self.prior(flag) if known is None else known

    def risk(self, tool: str, flags: Mapping[str, Flag]) -> float:
        """Return the risk of one call, or of a message (`tool` is then empty)."""
        seen = sum(self.weight(flag) ** POWER for flag in flags.values()) ** (1 / POWER)
        return expit(self.intercept + self.tools.get(tool, 0.0) + seen)


UNTRAINED: Mapping[HeadKind, Cell] = {
    "write": Cell.model_construct(base=0.15, intercept=log(0.15 / 0.85)),
    "final": Cell.model_construct(base=0.3, intercept=log(0.3 / 0.7)),
}
"""Of a domain without recorded data: one flag alone gives an action its own prior risk."""


class HeadData(Record):
    """What the weights were fitted to."""

    files: int = 0
    runs: int = 0
    users: int = 0
    examples: int = 0
    digest: str = ""
    """Of every example's flags and truth: the same digest, the same weights."""
    simulated: tuple[str, ...] = ()
    """Roles that a script or simulation played in some of the runs."""


class HeadWeights(Record, allow_inf_nan=False):
    schema_version: Literal[2] = SCHEMA_VERSION
    name: str = Field(pattern=r"^[\w.+-]{1,64}$")
    false_alarms: float = Field(default=0.05, ge=0, lt=1)
    """Share of right actions that the thresholds allow to be sent back, by domain and kind."""
    data: HeadData = Field(default_factory=HeadData)
    cells: dict[str, dict[HeadKind, Cell]] = {}
    """By domain, such as `retail`."""

    @property
    def digest(self) -> str:
        """Of everything in it: two of one digest judge alike."""
        return sha256(self.model_dump_json().encode()).hexdigest()[:16]

    def cell(self, domain: str, kind: HeadKind) -> Cell:
        """Return what was learned about a domain and kind; priors alone where nothing was."""
        return self.cells.get(domain, {}).get(kind) or UNTRAINED[kind]


class _Kept(Record):
    digest: str
    weights: HeadWeights


def read_weights(file: Path | None = None) -> HeadWeights:
    """Read weights; without a file, those that come with the package.

    Raises:
        ConfigError: there are none, or they are of another version or damaged.
    """
    source = file or files("sidecritic.critics").joinpath("weights", SHIPPED)
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        raise ConfigError(f"cannot read the weights {source}: {cause}; check the path") from cause
    return weights_from(text, str(source))


def weights_from(text: str, source: str) -> HeadWeights:
    """Read weights from their text; `source` names them in messages.

    Raises:
        ConfigError: they are of another version or damaged.
    """
    again = "write it again with `sidecritic train --kind head`"
    try:
        kept = _Kept.model_validate_json(text)
    except ValidationError as cause:
        problem = first_problem(cause)
        if problem.where.endswith("schema_version"):
            raise ConfigError(
                f"the weights {source} have schema version {problem.value!r}, and this "
                f"sidecritic reads version {SCHEMA_VERSION}; {again}"
            ) from cause
        raise ConfigError(f"the weights {source}: {problem}; {again}") from cause
    if kept.weights.digest != kept.digest:
        raise ConfigError(
            f"the weights {source} are not those that were written: their digest is "
            f"{kept.weights.digest}, and the file says {kept.digest}; restore it, or {again}"
        )
    return kept.weights


def to_json(weights: HeadWeights) -> str:
    """Return the text to keep; `weights_from` gives the same weights back."""
    return _Kept(digest=weights.digest, weights=weights).model_dump_json(indent=1) + "\n"


def logit(share: float) -> float:
    return log(share / (1 - share))


def expit(value: float) -> float:
    return 1 / (1 + exp(-value)) if value >= 0 else exp(value) / (1 + exp(value))
