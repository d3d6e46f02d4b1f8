"""What the viewer asks of a gateway: whoever starts it brings the one that reads the store."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

Row = Mapping[str, Any]


class Standing(NamedTuple):
    """Whether enforcing would pay, as far as is known."""

    headline: str
    """One sentence; the verdict first."""
    details: tuple[str, ...]


class Desk(Protocol):
    """The decisions of a gateway, and the cases that wait for a person.

    Every method may raise a `SidecriticError`: the store is another process's.
    """

    def counts(self) -> Sequence[Row]:
        """Return proposals, objections and failures by route and mode."""
        ...

    def decisions(self, *, show: str, limit: int) -> Sequence[Row]:
        """Return the latest decisions, newest first; `show` is `all`, `objected` or `failed`."""
        ...

    def decision(self, id: str) -> Row: ...

    def label(self, id: str, label: str, note: str) -> None:
        """Say of a decision's action that it was `right` or `wrong`; empty takes that back."""
        ...

    def cases(self) -> Sequence[Row]:
        """Return the open cases, oldest first."""
        ...

    def rule(self, id: str, *, approve: bool, feedback: str) -> None: ...

    def standing(self) -> Sequence[Standing]:
        """Return the pilot's standing, by route."""
        ...
