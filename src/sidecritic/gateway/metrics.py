"""What an operator can count, for Prometheus. Labels are names from the settings, never input."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from sidecritic.gateway.decisions import Decision

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


@dataclass(frozen=True, slots=True)
class Metrics:
    registry: CollectorRegistry
    requests: Counter
    decisions: Counter
    would_block: Counter
    tokens: Counter
    critic_seconds: Histogram
    request_seconds: Histogram
    in_flight: Gauge
    unrecorded: Counter
    shadow_skipped: Counter
    unknown_shapes: Counter
    unverified: Counter

    def decided(self, decision: Decision) -> None:
        """Count a decision."""
        origin = decision.origin
        self.decisions.labels(origin.route, origin.mode, decision.verdict, decision.status).inc()
        if decision.would_block:
            self.would_block.labels(origin.route, origin.mode).inc()
        if decision.status in ("ok", "error", "timeout"):
            self.critic_seconds.labels(origin.route).observe(decision.critic_seconds)
        for party, usage in (("actor", decision.actor_usage), ("critic", decision.critic_usage)):
            spent = usage.input_tokens + usage.output_tokens
            if spent:
                self.tokens.labels(origin.route, party).inc(spent)

    def text(self) -> bytes:
        """Return the exposition format."""
        return generate_latest(self.registry)


def make_metrics() -> Metrics:
    """Return metrics in a registry of their own, so that several servers can share a process."""
    registry = CollectorRegistry()

    def counter(name: str, doc: str, *labels: str) -> Counter:
        return Counter(f"sidecritic_{name}", doc, labels, registry=registry)

    def histogram(name: str, doc: str, *labels: str) -> Histogram:
        return Histogram(f"sidecritic_{name}", doc, labels, registry=registry, buckets=_SECONDS)

    return Metrics(
        registry=registry,
        requests=counter("requests", "Requests by route and status.", "route", "status"),
        decisions=counter(
            "decisions", "Proposals by verdict.", "route", "mode", "verdict", "status"
        ),
        would_block=counter("would_block", "Proposals that a critic objected to.", "route", "mode"),
        tokens=counter("tokens", "Tokens by party.", "route", "party"),
        critic_seconds=histogram("critic_seconds", "Time of one verdict.", "route"),
        request_seconds=histogram("request_seconds", "Time of one request.", "route"),
        in_flight=Gauge("sidecritic_in_flight", "Requests under way.", registry=registry),
        unrecorded=counter("unrecorded", "Decisions that could not be recorded."),
        shadow_skipped=counter("shadow_skipped", "Answers too many or too large to judge."),
        unknown_shapes=counter("unknown_shapes", "Shapes that no dialect knows.", "route"),
        unverified=counter("unverified", "Requests with turns never released here.", "route"),
    )
