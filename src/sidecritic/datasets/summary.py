"""What a data set holds, in numbers: the contents of `data.json`."""

from collections import Counter
from typing import Literal

from pydantic import Field

from sidecritic.types import Record


class Lengths(Record):
    """Histogram of the characters of verdict prompts."""

    upto: tuple[int, ...] = (500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000)
    counts: tuple[int, ...]
    """One more than bounds: the last is of what is longer."""


class Summary(Record):
    schema_version: Literal[1] = 1
    command: str = ""
    rendering: str
    seed: int
    balance: str
    simulated: bool
    """Whether any row comes from a simulated actor."""
    materials: tuple[str, ...]
    rows: dict[str, dict[str, int]] = {}
    """Configuration and split to rows."""
    verdicts: dict[str, dict[str, int]] = {}
    """Split to right and wrong."""
    by_source: dict[str, int] = {}
    by_kind: dict[str, int] = {}
    """Domain and kind of action."""
    by_category: dict[str, int] = {}
    """Of the wrong ones."""
    by_trust: dict[str, int] = {}
    by_actor: dict[str, int] = {}
    licences: dict[str, int] = {}
    users: dict[str, int] = {}
    """Split to users."""
    left_out: dict[str, int] = {}
    """Why, to labelled proposals."""
    quarantined: dict[str, int] = {}
    lengths: Lengths = Field(default_factory=lambda: Lengths(counts=()))
    digest: str = ""
    """Of all rows: the same digest, the same data."""
    problems: tuple[str, ...] = ()


def lengths_of(characters: Counter[int]) -> Lengths:
    """Return the histogram of the bins that characters were counted in."""
    bounds = Lengths(counts=()).upto
    return Lengths(counts=tuple(characters[at] for at in range(len(bounds) + 1)))


def bin_of(length: int) -> int:
    """Return the bin of a length."""
    return sum(length > bound for bound in Lengths(counts=()).upto)
