"""What is counted: nothing, unless a registry of metrics overrides this class."""

from sidecritic.gateway.store.decisions import DecisionRecord


class Counts:
    def began(self) -> None:
        """Count a request that is under way."""

    def ended(self, route: str, status: int, seconds: float) -> None:
        """Count a request that has been answered; status 0 is a client that left before."""

    def decided(self, decision: DecisionRecord) -> None: ...

    def unrecorded(self, number: int) -> None:
        """Count decisions that could not be stored."""

    def shadow_skipped(self, number: int) -> None:
        """Count answers that passed in shadow mode and cannot be judged."""

    def shadow_late(self) -> None:
        """Count a judgement of shadow mode that began more than a second after its answer left."""

    def unknown_shape(self, route: str) -> None:
        """Count an answer that holds what no dialect knows."""

    def unverified(self, route: str) -> None:
        """Count a request with turns that were never released here."""
