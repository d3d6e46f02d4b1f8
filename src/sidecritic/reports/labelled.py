"""What a critic did to labelled calls and messages, as sections."""

from collections.abc import Iterator

from sidecritic.reports.sections import Section
from sidecritic.reports.text import plain
from sidecritic.scoring.replay_results import (
    DecidedCase,
    Detection,
    LabelCounts,
    Measured,
    ReplayScores,
    Share,
)

SHOWN = 12
"""Cases of each outcome that a terminal shows; all of them are in `--json`."""

_OUTCOMES = ("disturbed", "missed", "caught")
_SAID = 300
"""Characters of feedback that are shown."""


def labelled_sections(scores: ReplayScores) -> Iterator[Section]:
    """Yield what was caught and disturbed, how well the risk tells, and the cases; if any."""
    if scores.labels is None:
        return
    rows = tuple(
        (domain, _counted(found.caught), _counted(found.disturbed))
        for domain, found in scores.decided.items()
    )
    header = ("labelled", "wrong ones caught", "right ones disturbed")
    title = "At the critic's own threshold: labelled calls and messages"
    yield Section(title, header, rows, tuple(_notes(scores.labels, scores.gate)))
    rows = tuple(map(_telling, scores.writes["labelled"].items()))
    header = ("writes", "wrong/n", "AUROC", "caught at 1 %", "at 5 %", "at 10 %")
    yield Section("How well the risk tells wrong writes from right ones", header, rows)
    if scores.cases:
        yield _cases(scores)


def _notes(labels: LabelCounts, gate: str) -> Iterator[str]:
    yield (
        f"{labels.right + labels.wrong} labels: {labels.right} right, {labels.wrong} wrong. "
        "Brackets: 95 % intervals, resampling tasks."
    )
    if labels.reads_left_out:
        yield f"{labels.reads_left_out} labels of calls that only read count nowhere."
    if labels.right_unseen or labels.wrong_unseen:
        yield (
            f"The gate {gate} leaves out {labels.right_unseen} right and {labels.wrong_unseen} "
            "wrong ones, which count as approved; --gate all judges every one."
        )


def _telling(row: tuple[str, Detection]) -> tuple[str, ...]:
    name, found = row
    auroc = Measured(value=found.auroc, ci=found.auroc_ci)
    caught = (
        "" if (recall := found.recall_at_fpr.get(alarms)) is None else f"{recall:.0%}"
        for alarms in ("0.01", "0.05", "0.10")
    )
    return (name, f"{found.wrong}/{found.n}", _decimal(auroc), *caught)


def _cases(scores: ReplayScores) -> Section:
    by_outcome = {
        outcome: [case for case in scores.cases if case.outcome == outcome] for outcome in _OUTCOMES
    }
    rows = tuple((outcome, str(len(cases))) for outcome, cases in by_outcome.items())
    notes = [_case(case) for cases in by_outcome.values() for case in cases[:SHOWN]]
    left = len(scores.cases) - len(notes)
    if left:
        notes.append(f"{left} more are in --json (`cases`).")
    return Section("Case by case", ("", "cases"), rows, tuple(notes))


def _case(case: DecidedCase) -> str:
    where = f"{case.outcome}: {case.id}, turn {case.turn}, {case.tool or 'message'}"
    score = f"score {case.risk:.2f}" if case.judged else "not judged"
    note = f" Label: {plain(case.note)}" if case.note else ""
    said = f" Critic: {plain(case.feedback, _SAID)}" if case.feedback else ""
    return f"{where}, {score}.{note}{said}"


def _counted(found: Share) -> str:
    if found.share.value is None or found.share.ci is None:
        return f"{found.n} of {found.of}"
    low, high = found.share.ci
    return f"{found.n} of {found.of} ({low:.0%} to {high:.0%})"


def _decimal(found: Measured) -> str:
    if found.value is None:
        return ""
    return f"{found.value:.2f}" + (f" ({found.ci[0]:.2f}-{found.ci[1]:.2f})" if found.ci else "")
