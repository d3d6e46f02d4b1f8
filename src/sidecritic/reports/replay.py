"""A scored replay as tables."""

from collections.abc import Callable, Iterator

from rich.console import RenderableType

from sidecritic.reports.labelled import labelled_sections
from sidecritic.reports.sections import Section
from sidecritic.reports.tables import printed
from sidecritic.scoring.replay_results import (
    CrossValidated,
    Detection,
    Interference,
    Measured,
    ReplayScores,
    Share,
    Slices,
)

_HEADER = ("", "wrong/n", "AUROC", "AP", "at 1 %", "at 5 %", "at 10 %")
_NARROW = ("", "wrong/n", "AUROC", "at 5 %")

_WRITES = {
    "detectable": "Detectable wrong writes, first of a run, clean tasks",
    "clean": "All wrong writes, first of a run, clean tasks",
    "raw": "All wrong writes, raw",
}
_END = {
    "clean": "Will the run fail? At its end, clean tasks, no wrong write",
    "raw": "Will the run fail? The same, noisy tasks included",
    "every_run": "Will the run fail? The same, runs with a wrong write included",
}
_MEANING = (
    "AP: average precision; chance has the share of wrong ones. At 1, 5, 10 %: wrong ones caught "
    "at so many false alarms, one threshold a domain. Rows `95 %`, and brackets: intervals, "
    "resampling users."
)

_IN_USE = (
    "From here on by the weights in use. Where they were fitted to these very runs, the "
    "cross-validated tables are what to expect elsewhere.",
)


def to_replay_tables(scores: ReplayScores) -> Iterator[RenderableType]:
    """Yield what to print about a replay, the primary figures first."""
    yield from printed(replay_sections(scores), scores.simulated, limit=1000)


def to_training_tables(cv: CrossValidated) -> Iterator[RenderableType]:
    """Yield what to print about a critic that was trained."""
    yield from printed(_cross_validated(cv), limit=1000)


def replay_sections(scores: ReplayScores) -> Iterator[Section]:
    """Yield the sections about a replay."""
    yield from labelled_sections(scores)
    if _of_benchmarks(scores):
        yield from _by_reference(scores)
    yield _cost(scores)


def _of_benchmarks(scores: ReplayScores) -> bool:
    """Whether there is a run that was graded, or nothing else to tell of."""
    return scores.labels is None or any(found["all"].n for found in scores.end.values())


def _by_reference(scores: ReplayScores) -> Iterator[Section]:
    if scores.cv is not None:
        yield from _cross_validated(scores.cv)
    primary = "detectable" if "detectable" in scores.writes else "clean"
    for name, title in _WRITES.items():
        if name in scores.writes:
            notes = (_MEANING, *(_IN_USE if scores.cv else ())) if name == primary else ()
            yield _slices(title, scores.writes[name], notes)
    for name, title in _END.items():
        yield _slices(title, scores.end[name])
    yield _interference(scores.interference)
    yield from _narrow(_WRITES[primary], scores.writes_by[primary], scores.writes_by["raw"])
    yield from _narrow(_END["clean"], scores.end_by["clean"], scores.end_by["raw"])
    yield _reliability(primary, scores)


def _cross_validated(cv: CrossValidated) -> Iterator[Section]:
    notes = (
        f"By critics fitted without the users they are measured on ({cv.folds} folds). {_MEANING}",
    )
    yield _slices(f"{_WRITES['detectable']} (cross-validated)", cv.writes["detectable"], notes)
    yield _slices(f"{_WRITES['clean']} (cross-validated)", cv.writes["clean"])
    yield _slices(f"{_END['clean']} (cross-validated)", cv.end["clean"])


def _slices(title: str, slices: Slices, notes: tuple[str, ...] = ()) -> Section:
    rows = tuple(row for name, found in slices.items() for row in _rows(name, found))
    return Section(title, _HEADER, rows, notes)


def _rows(name: str, found: Detection) -> Iterator[tuple[str, ...]]:
    """Yield the figures, and below them their intervals: side by side they are too wide."""
    caught = [_caught(found, alarms) for alarms in ("0.01", "0.05", "0.10")]
    figures = (_decimal(found.auroc), _decimal(found.ap), *(_whole(each.value) for each in caught))
    yield (name, f"{found.wrong}/{found.n}", *figures)
    ranges = [
        *map(_range, (found.auroc_ci, found.ap_ci)),
        *(_range(c.ci, _hundredths) for c in caught),
    ]
    if any(ranges):
        yield ("95 %", "", *ranges)


def _narrow(title: str, clean: dict[str, Slices], raw: dict[str, Slices]) -> Iterator[Section]:
    for by, slices in clean.items():
        # What is raw alone, such as a tool that only noisy tasks write with, has its rows as well.
        rows = tuple(
            (shown, *_brief(of.get(name, Detection(n=0, wrong=0))))
            for name in dict.fromkeys((*slices, *raw[by]))
            for shown, of in ((name, slices), ("raw", raw[by]))
        )
        yield Section(f"{title}, by {by}; raw below", _NARROW, rows)


def _brief(found: Detection) -> tuple[str, str, str]:
    auroc = f"{_decimal(found.auroc)} {_between(found.auroc_ci)}".strip()
    at_5 = _caught(found, "0.05")
    caught = f"{_whole(at_5.value)} {_between(at_5.ci, _hundredths)}".strip()
    return (f"{found.wrong}/{found.n}", auroc, caught)


def _caught(found: Detection, alarms: str) -> Measured:
    return found.recall_at_fpr_by_domain.get(alarms, Measured())


def _interference(found: dict[str, Interference]) -> Section:
    rows = tuple(
        (
            name,
            _counted(row.failed_caught),
            _counted(row.failed_caught_at),
            _counted(row.failed_caught_anywhere),
            _counted(row.passed_disturbed),
            _counted(row.passed_disturbed_in_earnest),
        )
        for name, row in found.items()
    )
    notes = (
        "Failed runs in which something is refused by the first wrong write (before or at it), at "
        "it, or anywhere; successful runs in which anything is; in earnest: without calls that "
        "their tool refused in the recording, which it does no harm to send back.",
    )
    header = ("clean runs", "by it", "at it", "anywhere", "disturbed", "in earnest")
    return Section("Whole runs, at the critic's own threshold", header, rows, notes)


def _reliability(name: str, scores: ReplayScores) -> Section:
    found = scores.writes[name]["all"]
    rows = tuple(
        (
            f"{row.low:.1f} to {row.high:.1f}",
            str(row.n),
            f"{_decimal(row.score)} {_between(row.score_ci)}",
            f"{_decimal(row.wrong)} {_between(row.wrong_ci)}",
        )
        for row in found.reliability
    )
    error = found.calibration_error
    note = f"Expected calibration error {_decimal(error.value)} {_between(error.ci)}."
    rest = (
        "Those of every other table and row are in --json (`calibration_error`, `reliability`), "
        "and so is what the tables by benchmark, tool and actor leave out."
    )
    warning = "The scores are not calibrated: they are not probabilities, as the error shows."
    what = "probability" if scores.calibrated else "score"
    notes = (note, rest) if scores.calibrated else (note, warning, rest)
    header = (what, "n", f"mean {what}", "share wrong")
    return Section(f"Reliability ({name}, all)", header, rows, notes)


def _cost(scores: ReplayScores) -> Section:
    cost = scores.cost
    rows = (
        ("verdicts", str(cost.verdicts)),
        ("critic failures", str(cost.failed)),
        ("look-ups possible", str(cost.looked)),
        ("sent back to verify first", str(cost.unverified)),
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
        f"{scores.empty} empty."
    )
    if _of_benchmarks(scores):
        yield (
            f"{scores.write_proposals} writes, {scores.wrong_writes} of them wrong; "
            f"{scores.left_out_writes} left out. `all` is without telecom. Intervals resample the "
            "users of the tasks."
        )
    yield from _terms(scores)
    if scores.labels_unmatched:
        yield f"{scores.labels_unmatched} first wrong writes have no label and are left out."
    for env, why in scores.skipped.items():
        yield f"Not judged: {env}: {why}"
    if scores.command:
        yield scores.command


def _terms(scores: ReplayScores) -> Iterator[str]:
    """Yield under what terms the critic judged, and what that means for the figures."""
    if scores.terms:
        yield f"Judged with {scores.terms}."
    if scores.fitted_files:
        yield (
            f"The profile was fitted to {scores.fitted_files} of these files: thresholds and "
            "probabilities look better here than on unseen runs; `sidecritic calibrate` prints "
            "the cross-validated figures."
        )
    if scores.supervised:
        yield (
            f"{scores.supervised} runs were supervised by this critic and are left out: what it "
            "refused there never ran."
        )
    if scores.unlearned:
        yield (
            f"The head has learned nothing of {', '.join(scores.unlearned)}: the policy checks "
            "judge there, by the risks that they state themselves."
        )


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _hundredths(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f}"


def _whole(value: float | None) -> str:
    return "" if value is None else f"{_hundredths(value)} %"


_Shows = Callable[[float | None], str]


def _between(ci: tuple[float, float] | None, shows: _Shows = _decimal) -> str:
    return f"({_range(ci, shows)})" if ci else ""


def _range(ci: tuple[float, float] | None, shows: _Shows = _decimal) -> str:
    return "-".join(map(shows, ci or ()))


def _counted(found: Share) -> str:
    return f"{_whole(found.share.value)} ({found.n}/{found.of})".strip()


def _milliseconds(value: float | None) -> str:
    return "" if value is None else f"{value:.2f} ms"
