"""What a person reads about a replay."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.text import Text

from sidecritic.reports.sections import Section, percent
from sidecritic.reports.tables import to_table
from sidecritic.reports.text import plain
from sidecritic.scoring.detection_records import (
    Detection,
    Interference,
    Measured,
    ReplayScores,
    Share,
    Slices,
)

_HEADER = (
    "",
    "n",
    "wrong",
    "AUROC",
    "95 % interval",
    "AP",
    "at 1 %",
    "at 5 %",
    "at 10 %",
    "5 % per domain",
    "calibration error",
)

_WRITES = {
    "detectable": "Detectable wrong writes against right ones, de-duplicated and clean",
    "clean": "All wrong writes, de-duplicated and clean",
    "raw": "All writes, raw",
}
_END = {
    "clean": "End of the conversation: will the run fail? Clean runs without a wrong write",
    "raw": "End of the conversation, noisy tasks included",
    "every_run": "End of the conversation, runs with a wrong write included",
}


def to_replay_tables(scores: ReplayScores) -> Iterator[RenderableType]:
    """Yield what to print about a replay, the primary figures first."""
    for section in replay_sections(scores):
        yield to_table(section)
        for note in section.notes:
            yield Text(plain(note, 1000))
        yield Text()


def replay_sections(scores: ReplayScores) -> Iterator[Section]:
    """Yield what there is to say about a replay."""
    for name, title in _WRITES.items():
        if name in scores.writes:
            yield _slices(title, scores.writes[name])
    for name, title in _END.items():
        yield _slices(title, scores.end[name])
    yield _interference(scores.interference)
    primary = "detectable" if "detectable" in scores.writes_by else "clean"
    for by, slices in scores.writes_by[primary].items():
        yield _slices(f"{_WRITES[primary]}, by {by}", slices)
    yield _reliability(primary, scores)
    yield _cost(scores)


def _slices(title: str, slices: Slices) -> Section:
    return Section(title, _HEADER, tuple(_row(name, found) for name, found in slices.items()))


def _row(name: str, found: Detection) -> tuple[str, ...]:
    recalls = found.recall_at_fpr
    return (
        name,
        str(found.n),
        str(found.wrong),
        _decimal(found.auroc),
        _between(found.auroc_ci),
        _decimal(found.ap),
        *(_share_text(recalls.get(rate)) for rate in ("0.01", "0.05", "0.10")),
        _with_interval(found.recall_at_fpr_by_domain.get("0.05", Measured())),
        _decimal(found.calibration_error.value),
    )


def _interference(found: dict[str, Interference]) -> Section:
    rows = tuple(
        (
            name,
            _counted(row.failed_caught),
            _counted(row.failed_caught_at),
            _counted(row.failed_caught_anywhere),
            _counted(row.passed_disturbed),
        )
        for name, row in found.items()
    )
    header = (
        "clean runs",
        "failed: caught by the first wrong write",
        "caught at it",
        "failed: refused anywhere",
        "successful: disturbed",
    )
    return Section("Whole runs, at the critic's own threshold", header, rows)


def _reliability(name: str, scores: ReplayScores) -> Section:
    found = scores.writes[name]["all"]
    rows = tuple(
        (f"{row.low:.1f} to {row.high:.1f}", str(row.n), _decimal(row.score), _decimal(row.wrong))
        for row in found.reliability
    )
    error = found.calibration_error
    note = f"Expected calibration error {_decimal(error.value)} ({_between(error.ci)})."
    if scores.calibrated:
        header = ("probability", "n", "mean probability", "share wrong")
        return Section(f"Reliability ({name}, all)", header, rows, (note,))
    header = ("score", "n", "mean score", "share wrong")
    warning = "The scores are not calibrated: they are no probabilities, and the error says so."
    return Section(f"Reliability ({name}, all)", header, rows, (note, warning))


def _cost(scores: ReplayScores) -> Section:
    cost = scores.cost
    rows = (
        ("verdicts", str(cost.verdicts)),
        ("critic failures", str(cost.failed)),
        ("look-ups possible", str(cost.looked)),
        ("CPU per verdict, median", _milliseconds(cost.cpu_ms_median)),
        ("CPU per verdict, mean", _milliseconds(cost.cpu_ms_mean)),
        ("CPU per verdict, p95", _milliseconds(cost.cpu_ms_p95)),
        ("tokens per verdict, in", f"{cost.input_tokens:.1f}"),
        ("tokens per verdict, out", f"{cost.output_tokens:.1f}"),
    )
    return Section(
        f"Critic {scores.critic}, gate {scores.gate}", ("", ""), rows, tuple(_notes(scores))
    )


def _notes(scores: ReplayScores) -> Iterator[str]:
    yield (
        f"{scores.simulations} simulations of {scores.files} files; {scores.malformed} malformed, "
        f"{scores.empty} empty. {scores.write_proposals} writes, {scores.wrong_writes} of them "
        f"wrong; {scores.left_out_writes} left out. `all` is without telecom. Intervals resample "
        "the users of the tasks."
    )
    if scores.terms:
        yield f"Judged with {scores.terms}."
    if scores.fitted_files:
        yield (
            f"The profile was fitted to {scores.fitted_files} of these files: thresholds and "
            "probabilities look better here than on unseen runs; `sidecritic calibrate` prints "
            "the cross-validated figures."
        )
    if scores.labels_unmatched:
        yield f"{scores.labels_unmatched} first wrong writes have no label and are left out."
    for env, why in scores.skipped.items():
        yield f"Not judged: {env}: {why}"
    if scores.command:
        yield scores.command


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _share_text(value: float | None) -> str:
    return "" if value is None else percent(value)


def _between(ci: tuple[float, float] | None) -> str:
    return "" if ci is None else f"{ci[0]:.3f} to {ci[1]:.3f}"


def _with_interval(found: Measured) -> str:
    if found.value is None or found.ci is None:
        return _share_text(found.value)
    return f"{percent(found.value)} ({percent(found.ci[0])} to {percent(found.ci[1])})"


def _counted(found: Share) -> str:
    return f"{found.n}/{found.of} {_with_interval(found.share)}".strip()


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} ms"
