"""A fitted profile as tables."""

from collections.abc import Iterator

from rich.console import RenderableType

from sidecritic.calibration.report import CalibrationReport, ChosenThreshold
from sidecritic.reports.sections import Section, percent
from sidecritic.reports.tables import printed
from sidecritic.scoring.replay_results import Measured, Share

_HELD_OUT = ("", "wrong/n", "AUROC", "error", "false alarms", "recall")
_CHOSEN = ("", "refused from", "right", "wrong", "false alarms", "recall")


def to_calibration_tables(report: CalibrationReport) -> Iterator[RenderableType]:
    """Yield the tables of a fit, held-out users first."""
    return printed((_held_out(report), _thresholds(report)), report.simulated, limit=1000)


def _held_out(report: CalibrationReport) -> Section:
    rows = tuple(
        (
            f"{kind}, {name}",
            f"{found.wrong}/{found.n}",
            _plain(found.auroc),
            f"{_plain(found.calibration_error_before)}→{_plain(found.calibration_error_after)}",
            _share(found.false_alarms),
            _share(found.recall),
        )
        for kind, slices in report.held_out.items()
        for name, found in slices.items()
    )
    note = (
        f"{report.examples} examples of {report.users} users in {report.runs} runs; "
        f"{report.false_alarms:.1%} false alarms wanted. error: of calibration, before and "
        "after. In brackets: 95 %, resampling users."
    )
    title = f"Users that were not seen, {report.folds} folds ({report.method})"
    return Section(title, _HELD_OUT, rows, (note,))


def _thresholds(report: CalibrationReport) -> Section:
    pack = f" --pack {report.pack}" if report.pack else ""
    notes = (
        "Fitted to all examples, so that these shares are better than those of unseen users.",
        *report.notes,
        f"Profile {report.name} ({report.digest}) for --critic {report.critic}{pack}: {report.out}",
        *([report.command] if report.command else []),
    )
    rows = tuple(map(_chosen_row, report.thresholds))
    return Section("Thresholds of the profile", _CHOSEN, rows, notes)


def _chosen_row(found: ChosenThreshold) -> tuple[str, ...]:
    # A tool stands below its domain; with that before its name, long names would be cut off.
    name = found.tool or f"{found.kind}, {found.domain or 'by default'}"
    return (
        name,
        "never" if found.threshold is None else f"{found.threshold:.3f}",
        str(found.right),
        str(found.wrong),
        "" if found.false_alarms is None else percent(found.false_alarms),
        "" if found.recall is None else percent(found.recall),
    )


def _plain(found: Measured) -> str:
    return "" if found.value is None else f"{found.value:.2f}"


def _share(found: Share) -> str:
    value, ci = found.share.value, found.share.ci
    if value is None or ci is None:
        return f"{found.n}/{found.of}"
    return f"{value:.0%} ({ci[0]:.0%}-{ci[1]:.0%})"
