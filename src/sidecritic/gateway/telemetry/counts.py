"""What is counted, by whoever counts: a metrics registry, or nobody."""

from typing import Protocol

from sidecritic.gateway.store.decisions import Decision


class Counts(Protocol):
    def began(self) -> None:
        """Count a request that is under way."""
        ...

    def ended(self, route: str, status: int, seconds: float) -> None:
        """Count a request that has been answered; status 0 is a client that left before."""
        ...

    def decided(self, decision: Decision) -> None:
        """Count a decision."""
        ...

    def unrecorded(self, number: int) -> None:
        """Count decisions that could not be kept."""
        ...

    def shadow_skipped(self, number: int) -> None:
        """Count answers that passed in shadow mode and cannot be judged."""
        ...

    def unknown_shape(self, route: str) -> None:
        """Count an answer that holds what no dialect knows."""
        ...

    def unverified(self, route: str) -> None:
        """Count a request with turns that were never released here."""
        ...


class NoCounts:
    """Counts nothing."""

    def began(self) -> None: ...

    def ended(self, route: str, status: int, seconds: float) -> None: ...

    def decided(self, decision: Decision) -> None: ...

    def unrecorded(self, number: int) -> None: ...

    def shadow_skipped(self, number: int) -> None: ...

    def unknown_shape(self, route: str) -> None: ...

    def unverified(self, route: str) -> None: ...
