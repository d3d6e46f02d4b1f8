"""Decisions about promotion as sections."""

from collections.abc import Iterator

from sidecritic.reports.markdown import document
from sidecritic.reports.sections import Section
from sidecritic.scoring.promotion import AUROC, PASSES, Criterion, PromotionDecision
from sidecritic.scoring.replay_results import Measured


def decision_sections(decision: PromotionDecision) -> Iterator[Section]:
    """Yield the sections about one decision."""
    yield Section(
        f"{decision.new} over {decision.old}: {verdict(decision)}",
        ("", "old", "new", "difference", "95 % interval", "on", "margin", ""),
        (*map(_row, decision.criteria), _injected(decision)),
        (
            *(f"{'Promoted' if decision.promoted else 'Refused'}: {r}" for r in decision.reasons),
            f"{decision.proposals} held-out proposals, {decision.wrong} of them wrong; intervals "
            "resample tasks, the same ones for both critics.",
        ),
    )


def verdict(decision: PromotionDecision) -> str:
    """Return the decision as one word."""
    return "promoted" if decision.promoted else "refused"


def to_page(decision: PromotionDecision) -> str:
    """Return the decision as Markdown."""
    return "\n".join(document("Promotion", decision.simulated, decision_sections(decision)))


def _row(criterion: Criterion) -> tuple[str, ...]:
    measured, ci = criterion.measured, criterion.measured.difference.ci
    tasks = f" of {measured.tasks} tasks" if measured.tasks else ""
    return (
        f"{criterion.name} ({criterion.better} is better)",
        number(measured.old),
        number(measured.new),
        _signed(measured.difference.value),
        "" if ci is None else f"{ci[0]:+.3f} to {ci[1]:+.3f}",
        f"{measured.n}{tasks}",
        f"{criterion.margin:g}" + (", and no loss" if criterion.name in (AUROC, PASSES) else ""),
        "ok" if criterion.passed else "no",
    )


def _injected(decision: PromotionDecision) -> tuple[str, ...]:
    found = decision.injected
    return (
        "refusals of both that a stranger's text turned",
        str(found.old),
        str(found.new),
        f"{found.new - found.old:+d}",
        "",
        str(found.of),
        "",
        "no" if decision.steered else "ok",
    )


def number(measured: Measured) -> str:
    """Return a measure with three digits."""
    return "unknown" if measured.value is None else f"{measured.value:.3f}"


def _signed(value: float | None) -> str:
    return "unknown" if value is None else f"{value:+.3f}"
