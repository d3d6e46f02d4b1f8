"""How many new tasks were made, and which drafts were not used and why."""

from sidecritic.types import Record


class RejectedDrafts(Record):
    """Drafts that were not used for one reason."""

    kind: str
    reason: str
    number: int
    example: str


class SynthesisAccount(Record):
    """How many tasks there are, and what was not used."""

    env: str
    author: str
    seed: int
    asked: int
    made: int
    refusals: int
    """Tasks in which something must be refused."""
    attempts: int
    kinds: dict[str, int]
    rejected: tuple[RejectedDrafts, ...]
