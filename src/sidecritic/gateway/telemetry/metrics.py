"""Metrics for Prometheus. Labels are names from the settings, never input."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

from sidecritic.checks.thread import CHECKS
from sidecritic.gateway.store.decisions import DecisionRecord
from sidecritic.gateway.telemetry.counts import Counts

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics(Counts):
    """One registry, so that several servers can share a process.

    Workers of one server count in files of a folder instead, and each shows the sum of all; the
    package does so where `PROMETHEUS_MULTIPROC_DIR` named the folder when it was imported.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._watched: list[tuple[Gauge, Callable[[], float]]] = []
        registry = self._registry = CollectorRegistry()
        # Children by labels: looking one up again costs more than counting.
        self._of = cache(_child)

        def counter(name: str, doc: str, *labels: str) -> Counter:
            return Counter(f"sidecritic_{name}", doc, labels, registry=registry)

        def histogram(name: str, doc: str, *labels: str) -> Histogram:
            named = f"sidecritic_{name}"
            return Histogram(named, doc, labels, registry=registry, buckets=_SECONDS)

        by_verdict = ("route", "mode", "verdict", "status")
        self._requests = counter("requests", "Requests by status.", "route", "status")
        self._decisions = counter("decisions", "Proposals by verdict.", *by_verdict)
        self._would_block = counter("would_block", "Proposals objected to.", "route", "mode")
        self._failures = counter("critic_failures", "Critics that failed.", "route", "reason")
        self._broken = counter("check_failures", "Checks that failed.", "route", "check", "error")
        self._tokens = counter("tokens", "Tokens by party.", "route", "party")
        self._critic = histogram("critic_seconds", "Time of one verdict.", "route")
        self._seconds = histogram("request_seconds", "Time of one request.", "route")
        self._in_flight = self._gauge("in_flight", "Requests under way.")
        self._unrecorded = counter("unrecorded", "Decisions that could not be kept.")
        self._skipped = counter("shadow_skipped", "Answers that could not be judged.")
        self._late = counter("shadow_late", "Judgements that waited for more than a second.")
        self._unknown = counter("unknown_shapes", "Answers of unknown shape.", "route")
        self._unverified = counter("unverified", "Requests with unknown turns.", "route")
        self.watch("stuck_checks", "Checks that have never returned.", lambda: CHECKS.stuck)

    def began(self) -> None:
        self._in_flight.inc()

    def ended(self, route: str, status: int, seconds: float) -> None:
        self._in_flight.dec()
        self._of(self._requests, route, str(status or 499)).inc()
        self._of(self._seconds, route).observe(seconds)

    def decided(self, decision: DecisionRecord) -> None:
        origin = decision.origin
        self._of(
            self._decisions, origin.route, origin.mode, decision.verdict, decision.status
        ).inc()
        if decision.would_block:
            self._of(self._would_block, origin.route, origin.mode).inc()
        if decision.failure:
            self._of(self._failures, origin.route, decision.failure).inc()
        for each in filter(None, decision.broken.split("; ")):
            check, _, error = each.rpartition(": ")
            self._of(self._broken, origin.route, check, error).inc()
        if decision.status in ("ok", "error", "timeout"):
            self._of(self._critic, origin.route).observe(decision.critic_seconds)
        for party, usage in (("actor", decision.actor_usage), ("critic", decision.critic_usage)):
            spent = usage.input_tokens + usage.output_tokens
            if spent:
                self._of(self._tokens, origin.route, party).inc(spent)

    def unrecorded(self, number: int) -> None:
        self._unrecorded.inc(number)

    def shadow_skipped(self, number: int) -> None:
        self._skipped.inc(number)

    def shadow_late(self) -> None:
        self._late.inc()

    def unknown_shape(self, route: str) -> None:
        self._of(self._unknown, route).inc()

    def unverified(self, route: str) -> None:
        self._of(self._unverified, route).inc()

    def watch(self, name: str, doc: str, number: Callable[[], float]) -> None:
        """Show a number that is counted elsewhere."""
        self._watched.append((self._gauge(name, doc), number))

    def look(self) -> None:
        """Note the numbers that are counted elsewhere as they are now."""
        for gauge, number in self._watched:
            gauge.set(number())

    def text(self) -> bytes:
        """Return the exposition format."""
        self.look()
        if self._folder is None:
            return generate_latest(self._registry)
        summed = CollectorRegistry()
        MultiProcessCollector(summed, str(self._folder))
        return generate_latest(summed)

    def _gauge(self, name: str, doc: str) -> Gauge:
        named = f"sidecritic_{name}"
        return Gauge(named, doc, registry=self._registry, multiprocess_mode="livesum")


def _child(family: Counter | Histogram, *labels: str) -> Any:
    return family.labels(*labels)
