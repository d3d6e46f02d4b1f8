"""A fitted profile as tables."""

from collections.abc import Iterator

from rich.console import RenderableType

from sidecritic.calibration.report import (
    CalibrationReport,
    ChosenThreshold,
    ExpectedCost,
    RunThreshold,
)
from sidecritic.reports.sections import Section, percent
from sidecritic.reports.tables import printed
from sidecritic.scoring.replay_results import Measured, Share

_HELD_OUT = ("", "wrong/n", "AUROC", "error", "false alarms", "recall")
_BY_RUN = ("", "hand on", "refuse", "right runs disturbed", "caught", "wrong on", "handed on")
_CHOSEN = ("", "refused from", "right", "wrong", "false alarms", "recall")


def to_calibration_tables(report: CalibrationReport) -> Iterator[RenderableType]:
    """Yield the tables of a fit, held-out users first."""
    last = _by_run(report) if report.by_run else _thresholds(report)
    return printed((_held_out(report), last), report.simulated, limit=1000)


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
    wanted = (
        f"{report.false_alarms:.1%} false alarms wanted"
        if report.runs_disturbed is None
        else "thresholds of this table by proposals, for comparison"
    )
    note = (
        f"{report.examples} examples of {report.users} users in {report.runs} runs; "
        f"{wanted}. error: of calibration, before and "
        "after. In brackets: 95 %, resampling users."
    )
    title = f"Users that were not seen, {report.folds} folds ({report.method})"
    return Section(title, _HELD_OUT, rows, (note,))


def _by_run(report: CalibrationReport) -> Section:
    notes = (
        f"{report.runs_disturbed:.1%} of right runs may be disturbed"
        + (f", {report.pass_on:.1%} of proposals handed on" if report.pass_on is not None else "")
        + ". Shares are of users that the thresholds were not fitted to. In brackets: 95 %, "
        "resampling users.",
        *report.notes,
        *([_cost(report.cost)] if report.cost is not None else []),
        f"Profile {report.name} ({report.digest}) for {_where(report)}: {report.out}",
        *([report.command] if report.command else []),
    )
    rows = tuple(map(_run_row, report.by_run))
    return Section("Thresholds by whole runs", _BY_RUN, rows, notes)


def _where(report: CalibrationReport) -> str:
    if report.pass_on is None:
        return f"--critic {report.critic}"
    return f"--critic chain:{report.critic},{report.stronger or 'STRONGER'}"


def _run_row(found: RunThreshold) -> tuple[str, ...]:
    return (
        found.domain or "all",
        *("never" if at is None else f"{at:.3f}" for at in (found.low, found.high)),
        f"{_share(found.disturbed_unseen)} of {found.disturbed_unseen.of}",
        _share(found.caught),
        _share(found.wrong_handed_on),
        _share(found.handed_on),
    )


def _cost(cost: ExpectedCost) -> str:
    per = (
        "price unknown of " + ", ".join(cost.unpriced) + " (--prices, --handed-on-usd)"
        if cost.usd_per_1000_proposals is None or cost.usd_per_conversation is None
        else f"{cost.usd_per_1000_proposals:.2f} USD per 1,000 proposals, "
        f"{cost.usd_per_conversation:.4f} USD per conversation"
    )
    return (
        f"Expected cost: {per}; {cost.input_tokens_per_proposal:.0f} tokens in and "
        f"{cost.output_tokens_per_proposal:.0f} out, {cost.seconds_per_proposal:.2f} s per "
        f"proposal, {cost.seconds_handed_on:.2f} s more for one handed on."
    )


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
